import numpy as np

def net(params, X):
    """pure function: nothing is kept"""
    z = np.dot(X, params['W1']) + params['b1']
    return np.dot(np.where(z > 0, z, 0), params['W2']) + params['b2']

def logsumexp(s):
    c = s.max(axis=1)
    return c + np.log(np.exp(s - c[:, np.newaxis]).sum(axis=1))

class TwoLayerNet(object):
    CHUNK = 2       # small machine, so I never hold more than two cases

    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = dict(W1=std * np.random.randn(input_size, hidden_size), b1=np.zeros(hidden_size),
                           W2=std * np.random.randn(hidden_size, output_size), b2=np.zeros(output_size))

    def chunks(self, n):
        for a in range(0, n, self.CHUNK):
            yield slice(a, min(a + self.CHUNK, n))

    def output_delta(self, X, y):
        s = net(self.params, X)
        d = np.exp(s - logsumexp(s)[:, np.newaxis])
        for i in range(len(y)):
            d[i, y[i]] -= 1
        return d

    def sum_gradients(self, X, y):
        # runs forward again, for W2 and for W1 separately
        z = np.dot(X, self.params['W1']) + self.params['b1']
        a = z * (z > 0)
        d3 = self.output_delta(X, y)
        d2 = np.dot(self.output_delta(X, y), self.params['W2'].T) * (z > 0)
        return {'W2': np.dot(a.T, d3), 'b2': d3.sum(0), 'W1': np.dot(X.T, d2), 'b1': d2.sum(0)}

    def loss(self, X, y=None, reg=0.0):
        n = X.shape[0]
        if y is None:
            s = net(self.params, X)
            return np.exp(s - logsumexp(s)[:, None])
        total = 0.0
        grads = {k: np.zeros_like(v) for k, v in self.params.items()}
        for c in self.chunks(n):
            s = net(self.params, X[c])
            total += (logsumexp(s) - s[np.arange(len(s)), y[c]]).mean() * len(s)
            for k, g in self.sum_gradients(X[c], y[c]).items():
                grads[k] += g
        for k in grads:
            grads[k] /= n
            if k.startswith('W'):
                grads[k] += reg * (self.params[k] + self.params[k])
        l2 = np.concatenate([self.params['W1'].ravel(), self.params['W2'].ravel()])
        return total / n + reg * l2.dot(l2), grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        h = {'loss_history': [], 'train_acc_history': [], 'val_acc_history': []}
        for it in range(num_iters):
            b = np.random.choice(X.shape[0], batch_size)
            l, g = self.loss(X[b], y[b], reg)
            h['loss_history'].append(l)
            for k in sorted(g):
                self.params[k] -= learning_rate * g[k]
            if it % max(X.shape[0] // batch_size, 1) == 0:
                h['train_acc_history'].append(np.mean(self.predict(X[b]) == y[b]))
                h['val_acc_history'].append(np.mean(self.predict(X_val) == y_val))
                learning_rate *= learning_rate_decay
        return h

    def predict(self, X):
        return net(self.params, X).argmax(1)
