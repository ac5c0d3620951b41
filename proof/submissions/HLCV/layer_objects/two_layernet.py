import numpy as np

class Linear:
    """y = x W + b; keeps x for the way back"""

    def __init__(self, store, wname, bname):
        self.store, self.wname, self.bname = store, wname, bname

    @property
    def W(self):
        return self.store[self.wname]

    @property
    def b(self):
        return self.store[self.bname]

    def forward(self, x):
        self.x = x
        return np.matmul(x, self.W) + self.b

    def backward(self, dout, lam):
        dW = np.matmul(self.x.T, dout)
        dW += 2 * lam * self.W
        db = dout.sum(0)
        dx = np.matmul(dout, self.W.T)
        return dx, {self.wname: dW, self.bname: db}

class Relu:
    def forward(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, 0.)

    def backward(self, dout, lam):
        return np.where(self.mask, dout, 0.), {}

class SoftmaxCE:
    @staticmethod
    def probs(z):
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def forward(self, z, y):
        n = len(z)
        m = z.max(axis=-1)
        lse = m + np.log(np.exp(z - m[:, None]).sum(axis=-1))
        self.z, self.y = z, y
        return np.mean(lse - z[np.arange(n), y])

    def backward(self):
        n, k = self.z.shape
        return (self.probs(self.z) - np.eye(k)[self.y]) / n

class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        p = {}
        p['W1'] = np.random.normal(0, 1, (input_size, hidden_size)) * std
        p['b1'] = np.zeros((hidden_size,))
        p['W2'] = np.random.normal(0, 1, (hidden_size, output_size)) * std
        p['b2'] = np.zeros((output_size,))
        self.params = p
        self.head = SoftmaxCE()

    def layers(self):
        return [Linear(self.params, 'W1', 'b1'), Relu(), Linear(self.params, 'W2', 'b2')]

    def loss(self, X, y=None, reg=0.0):
        stack = self.layers()
        out = X
        for layer in stack:
            out = layer.forward(out)
        if y is None:
            return self.head.probs(out)
        data = self.head.forward(out, y)
        penalty = sum(np.sum(l.W ** 2) for l in stack if isinstance(l, Linear))
        grads = {}
        d = self.head.backward()
        for layer in reversed(stack):
            d, g = layer.backward(d, reg)
            grads.update(g)
        return data + reg * penalty, grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        hist = {'loss_history': [], 'train_acc_history': [], 'val_acc_history': []}
        num_train = len(X)
        steps = max(num_train // batch_size, 1)
        lr = learning_rate
        for it in range(num_iters):
            pick = np.random.randint(0, num_train, batch_size)
            xb, yb = X[pick], y[pick]
            l, g = self.loss(xb, yb, reg)
            hist['loss_history'].append(l)
            for k in g:
                self.params[k] -= lr * g[k]
            if it % steps == 0:
                hist['train_acc_history'].append(np.mean(self.predict(xb) == yb))
                hist['val_acc_history'].append(np.mean(self.predict(X_val) == y_val))
                lr *= learning_rate_decay
            if verbose and it % 100 == 0:
                print(f'{it}/{num_iters} {l:.5f}')
        return hist

    def predict(self, X):
        return self.loss(X).argmax(1)
