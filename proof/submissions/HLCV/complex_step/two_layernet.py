"""Gradients by the complex step: f(w + ih) = f(w) + ih f'(w), exact to machine precision, no cancellation."""
import numpy as np

def relu(z):
    return z * (z.real > 0)

def J(params, X, y, reg):
    h = relu(X @ params['W1'] + params['b1'])
    s = h @ params['W2'] + params['b2']
    s = s - s.real.max(axis=1, keepdims=True)
    logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    data = -logp[np.arange(len(y)), y].mean()
    return data + reg * ((params['W1'] ** 2).sum() + (params['W2'] ** 2).sum())

class TwoLayerNet(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {'W1': std * np.random.randn(input_size, hidden_size),
                       'b1': np.zeros(hidden_size),
                       'W2': std * np.random.randn(hidden_size, output_size),
                       'b2': np.zeros(output_size)}

    def loss(self, X, y=None, reg=0.0):
        if y is None:
            s = relu(X @ self.params['W1'] + self.params['b1']) @ self.params['W2'] + self.params['b2']
            e = np.exp(s - s.max(axis=1, keepdims=True))
            return e / e.sum(axis=1, keepdims=True)
        value = float(J(self.params, X, y, reg))
        grads = {}
        step = 1e-30
        for name in self.params:
            moved = {k: v.astype(complex) for k, v in self.params.items()}
            grads[name] = np.zeros(self.params[name].shape)
            for place in np.ndindex(grads[name].shape):
                moved[name][place] += 1j * step
                grads[name][place] = J(moved, X, y, reg).imag / step
                moved[name][place] = self.params[name][place]
        return value, grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        history = {'loss_history': [], 'train_acc_history': [], 'val_acc_history': []}
        per_epoch = max(len(X) // batch_size, 1)
        for it in range(num_iters):
            i = np.random.choice(len(X), batch_size)
            value, grads = self.loss(X[i], y[i], reg)
            history['loss_history'].append(value)
            for k in grads:
                self.params[k] -= learning_rate * grads[k]
            if it % per_epoch == 0:
                history['train_acc_history'].append((self.predict(X[i]) == y[i]).mean())
                history['val_acc_history'].append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
        return history

    def predict(self, X):
        return np.argmax(self.loss(X), axis=1)
