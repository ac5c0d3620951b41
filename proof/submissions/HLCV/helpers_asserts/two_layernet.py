import numpy as np

def _check(a, *shape):
    assert a.shape == shape, (a.shape, shape)
    return a

def hidden_layer(X, W, b):
    z = _check(X @ W + b, len(X), len(b))
    return z, np.maximum(z, 0)

def softmax(z):
    e = np.exp(z - np.max(z, axis=1)[:, np.newaxis])
    return e / np.sum(e, axis=1)[:, np.newaxis]

def neg_log_likelihood(z, y):
    z = z - np.max(z, axis=1)[:, np.newaxis]
    picked = z[np.arange(len(y)), y]
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - picked)

def l2(W1, W2):
    return np.sum(W1 ** 2) + np.sum(W2 ** 2)

def output_error(p, y):
    d = np.array(p)
    d[np.arange(len(y)), y] -= 1
    return d / len(y)

class TwoLayerNet(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        W1, b1, W2, b2 = map(self.params.get, ('W1', 'b1', 'W2', 'b2'))
        z2, a2 = hidden_layer(X, W1, b1)
        z3 = a2 @ W2 + b2
        if y is None:
            return softmax(z3)
        value = neg_log_likelihood(z3, y) + reg * l2(W1, W2)
        d3 = _check(output_error(softmax(z3), y), len(X), len(b2))
        d2 = _check((d3 @ W2.T) * (z2 > 0), len(X), len(b1))
        return value, {
            'W1': _check(X.T @ d2 + 2 * reg * W1, *W1.shape),
            'b1': d2.sum(axis=0),
            'W2': _check(a2.T @ d3 + 2 * reg * W2, *W2.shape),
            'b2': d3.sum(axis=0),
        }

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        num_train = X.shape[0]
        iterations_per_epoch = max(num_train // batch_size, 1)
        loss_history, train_acc_history, val_acc_history = [], [], []
        v = {k: np.zeros_like(p) for k, p in self.params.items()}
        for it in range(num_iters):
            pick = np.random.choice(num_train, batch_size)
            X_batch, y_batch = X[pick], y[pick]
            value, grads = self.loss(X_batch, y_batch, reg=reg)
            loss_history.append(value)
            for k in self.params:
                v[k] = -learning_rate * grads[k]
                self.params[k] += v[k]
            if it % iterations_per_epoch == 0:
                train_acc_history.append(np.mean(self.predict(X_batch) == y_batch))
                val_acc_history.append(np.mean(self.predict(X_val) == y_val))
                learning_rate *= learning_rate_decay
        return {'loss_history': loss_history, 'train_acc_history': train_acc_history,
                'val_acc_history': val_acc_history}

    def predict(self, X):
        z2, a2 = hidden_layer(X, self.params['W1'], self.params['b1'])
        return np.argmax(a2 @ self.params['W2'] + self.params['b2'], axis=1)
