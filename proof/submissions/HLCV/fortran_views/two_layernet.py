import numpy as np

class TwoLayerNet(object):
    """All arrays in column order; the four gradients are views into one flat vector."""

    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        D, H, C = input_size, hidden_size, output_size
        self.params = {}
        self.params['W1'] = np.asfortranarray(std * np.random.randn(D, H))
        self.params['b1'] = np.zeros(H)
        self.params['W2'] = np.asfortranarray(std * np.random.randn(H, C))
        self.params['b2'] = np.zeros(C)

    def _slots(self):
        names = ['W1', 'b1', 'W2', 'b2']
        total = sum(self.params[n].size for n in names)
        flat = np.zeros(total)
        views, at = {}, 0
        for n in names:
            p = self.params[n]
            views[n] = flat[at:at + p.size].reshape(p.shape, order='F')
            at += p.size
        return flat, views

    def loss(self, X, y=None, reg=0.0):
        X = np.asfortranarray(X)
        W1, b1, W2, b2 = (self.params[n] for n in ('W1', 'b1', 'W2', 'b2'))
        hidden = X @ W1
        hidden += b1
        np.maximum(hidden, 0, out=hidden)          # own array, X stays as it is
        logits = hidden @ W2
        logits += b2
        logits -= logits.max(axis=1)[:, None]
        e = np.exp(logits)
        z = e.sum(axis=1)
        if y is None:
            e /= z[:, None]
            return e
        n = X.shape[0]
        loss = np.log(z).mean() - logits[np.arange(n), y].mean()
        loss = loss + reg * np.linalg.norm(W1) ** 2 + reg * np.linalg.norm(W2) ** 2

        flat, g = self._slots()
        delta = e / (n * z)[:, None]
        delta[np.arange(n), y] -= 1.0 / n
        g['W2'] += hidden.T @ delta
        g['b2'] += delta.sum(axis=0)
        delta = delta @ W2.T
        delta[hidden == 0] = 0
        g['W1'] += X.T @ delta
        g['b1'] += delta.sum(axis=0)
        g['W1'] += 2 * reg * W1
        g['W2'] += 2 * reg * W2
        return loss, g

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        num_train = X.shape[0]
        epoch = max(num_train // batch_size, 1)
        L, A, V = [], [], []
        for it in range(num_iters):
            b = np.random.choice(num_train, batch_size)
            loss, g = self.loss(X[b], y[b], reg)
            L += [loss]
            for n in g:
                self.params[n] -= learning_rate * g[n]
            if it % epoch == 0:
                A += [(self.predict(X[b]) == y[b]).mean()]
                V += [(self.predict(X_val) == y_val).mean()]
                learning_rate *= learning_rate_decay
        return {'loss_history': L, 'train_acc_history': A, 'val_acc_history': V}

    def predict(self, X):
        return self.loss(X).argmax(axis=1)
