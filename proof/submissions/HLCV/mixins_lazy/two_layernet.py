import numpy as np
from functools import cached_property

class _Affine(object):
    def _affine(self, x, i):
        return x @ self.params['W%d' % i] + self.params['b%d' % i]

    def _affine_grad(self, x, up, i):
        return {'W%d' % i: x.T @ up, 'b%d' % i: np.ones(len(up)) @ up}

class _Softmax(object):
    @staticmethod
    def _logsoftmax(s):
        s = s - s.max(-1, keepdims=True)
        return s - np.log(np.exp(s).sum(-1, keepdims=True))

class _Base(_Affine, _Softmax):
    def __init__(self, *sizes, std=1e-4):
        self._sizes = sizes
        self._std = std

    @cached_property
    def params(self):
        # made when somebody asks for them
        p = {}
        for i in range(1, len(self._sizes)):
            p['W%d' % i] = self._std * np.random.randn(self._sizes[i - 1], self._sizes[i])
            p['b%d' % i] = np.zeros(self._sizes[i])
        return p

    @property
    def weights(self):
        return {k: v for k, v in self.params.items() if k[0] == 'W'}

class TwoLayerNet(_Base):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        super().__init__(input_size, hidden_size, output_size, std=std)

    def loss(self, X, y=None, reg=0.0):
        z = self._affine(X, 1)
        on = z > 0
        h = on * z
        lp = self._logsoftmax(self._affine(h, 2))
        if y is None:
            return np.exp(lp)
        n = X.shape[0]
        J = -lp[np.arange(n), y].sum() / n + reg * sum(np.square(w).sum() for w in self.weights.values())
        # d(-log p_y)/dlogp, then through log-softmax: g - p * sum(g)
        g = np.zeros_like(lp)
        g[np.arange(n), y] = -1.0 / n
        d3 = g - np.exp(lp) * g.sum(1, keepdims=True)
        grads = self._affine_grad(h, d3, 2)
        d2 = on * (d3 @ self.params['W2'].T)
        grads.update(self._affine_grad(X, d2, 1))
        for k, w in self.weights.items():
            grads[k] = grads[k] + (reg + reg) * w
        return J, grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        out = {'loss_history': [], 'train_acc_history': [], 'val_acc_history': [], 'learning_rates': []}
        every = max(X.shape[0] // batch_size, 1)
        for it in range(num_iters):
            i = np.random.choice(X.shape[0], batch_size)
            J, grads = self.loss(X[i], y[i], reg)
            out['loss_history'].append(J)
            out['learning_rates'].append(learning_rate)
            for k in grads:
                np.subtract(self.params[k], learning_rate * grads[k], out=self.params[k])
            if it % every == 0:
                for where, a, b in (('train_acc_history', X[i], y[i]), ('val_acc_history', X_val, y_val)):
                    out[where].append((self.predict(a) == b).mean())
                learning_rate *= learning_rate_decay
        return out

    def predict(self, X):
        h = np.maximum(self._affine(X, 1), 0)
        return self._affine(h, 2).argmax(1)
