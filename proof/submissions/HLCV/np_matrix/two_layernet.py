import numpy as np

# np.matrix so that * is the matrix product, as in Matlab

class TwoLayerNet(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def feed(self, X):
        X = np.asmatrix(X)
        W1 = np.asmatrix(self.params['W1'])
        W2 = np.asmatrix(self.params['W2'])
        one = np.asmatrix(np.ones((X.shape[0], 1)))
        z2 = X * W1 + one * np.asmatrix(self.params['b1'])
        a2 = np.asmatrix(np.maximum(z2, 0))
        z3 = a2 * W2 + one * np.asmatrix(self.params['b2'])
        z3 = z3 - z3.max(axis=1)
        lp = z3 - np.log(np.exp(z3).sum(axis=1))
        return X, W1, W2, one, z2, a2, lp

    def loss(self, X, y=None, reg=0.0):
        X, W1, W2, one, z2, a2, lp = self.feed(X)
        if y is None:
            return np.asarray(np.exp(lp))
        N = X.shape[0]
        T = np.zeros(lp.shape)
        for i in range(N):
            T[i, y[i]] = 1
        J = -np.multiply(T, lp).sum() / N
        J = J + reg * np.power(W1, 2).sum() + reg * np.power(W2, 2).sum()
        d3 = (np.exp(lp) - T) / N
        d2 = np.multiply(d3 * W2.T, z2 > 0)
        grads = {'W1': np.asarray(X.T * d2 + 2 * reg * W1), 'b1': np.asarray(one.T * d2)[0],
                 'W2': np.asarray(a2.T * d3 + 2 * reg * W2), 'b2': np.asarray(one.T * d3)[0]}
        return J, grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        loss_history, train_acc_history, val_acc_history = [], [], []
        per = max(X.shape[0] // batch_size, 1)
        for it in range(num_iters):
            s = np.random.choice(X.shape[0], batch_size)
            J, g = self.loss(X[s], y[s], reg)
            loss_history.append(J)
            for k in g:
                self.params[k] = self.params[k] - learning_rate * g[k]
            if it % per == 0:
                train_acc_history.append((self.predict(X[s]) == y[s]).mean())
                val_acc_history.append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
        return {'loss_history': loss_history, 'train_acc_history': train_acc_history,
                'val_acc_history': val_acc_history}

    def predict(self, X):
        return np.asarray(self.feed(X)[-1]).argmax(axis=1)
