import numpy as np

class TwoLayerNet(object):
    # keeps everything of the last forward pass in self, and checks that it is fresh

    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)
        self.grads = {}
        self.last = None

    def _fresh(self, X):
        if self.last is None or self.last['X'].shape != X.shape or not np.array_equal(self.last['X'], X):
            return False
        return all(np.array_equal(self.last[k], self.params[k]) for k in self.params)

    def forward(self, X):
        if not self._fresh(X):
            self.last = {k: v.copy() for k, v in self.params.items()}
            self.last['X'] = X.copy()
            self.z2 = X.dot(self.params['W1']) + self.params['b1']
            self.a2 = np.maximum(self.z2, 0)
            self.z3 = self.a2.dot(self.params['W2']) + self.params['b2']
            z = self.z3 - np.max(self.z3, axis=1, keepdims=True)
            self.logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
            self.p = np.exp(self.logp)
        return self.p

    def backward(self, X, y, reg):
        N = X.shape[0]
        d = self.p.copy()
        d[range(N), y] -= 1
        d /= N
        self.grads['W2'] = np.dot(self.a2.T, d)
        self.grads['b2'] = np.sum(d, axis=0)
        d = np.dot(d, self.params['W2'].T)
        d[self.z2 <= 0] = 0
        self.grads['W1'] = np.dot(X.T, d)
        self.grads['b1'] = np.sum(d, axis=0)
        self.grads['W1'] += 2 * reg * self.params['W1']
        self.grads['W2'] += 2 * reg * self.params['W2']

    def loss(self, X, y=None, reg=0.0):
        p = self.forward(X)
        if y is None:
            return p.copy()
        y = np.asarray(y).reshape(-1)          # labels may come as a column
        loss = -np.mean(self.logp[range(X.shape[0]), y])
        loss += reg * np.sum(self.params['W1'] ** 2) + reg * np.sum(self.params['W2'] ** 2)
        self.backward(X, y, reg)
        return loss, dict(self.grads)

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        num_train = X.shape[0]
        iterations_per_epoch = max(num_train // batch_size, 1)
        loss_history, train_acc_history, val_acc_history = [], [], []
        for it in range(num_iters):
            batch = np.random.choice(num_train, batch_size)
            loss, grads = self.loss(X[batch], y[batch], reg)
            loss_history.append(loss)
            for k in self.params:
                self.params[k] -= learning_rate * grads[k]
            if verbose and it % 100 == 0:
                print('iteration %d / %d: loss %f' % (it, num_iters, loss))
            if it % iterations_per_epoch == 0:
                train_acc_history.append((self.predict(X[batch]) == y[batch]).mean())
                val_acc_history.append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
        return {'loss_history': loss_history, 'train_acc_history': train_acc_history,
                'val_acc_history': val_acc_history}

    def predict(self, X):
        return np.argmax(self.forward(X), axis=1)
