import numpy as np

class TwoLayerNet(object):
    """
    Backward pass as full Jacobians: dJ/da3, da3/dz3 (one K x K matrix for each case), ...
    Where a probability underflows the rule dJ/da3 = -1/p fails, so I differentiate log a3.
    """

    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.D, self.H, self.K = input_size, hidden_size, output_size
        self.params = {}
        self.params['W1'] = std * np.random.randn(self.D, self.H)
        self.params['b1'] = np.zeros(self.H)
        self.params['W2'] = std * np.random.randn(self.H, self.K)
        self.params['b2'] = np.zeros(self.K)

    def loss(self, X, y=None, reg=0.0):
        W1, b1, W2, b2 = [self.params[k] for k in ('W1', 'b1', 'W2', 'b2')]
        N = X.shape[0]
        z2 = X @ W1 + b1
        a2 = np.maximum(z2, 0.0)
        z3 = a2 @ W2 + b2
        m = np.max(z3, axis=1, keepdims=True)
        log_a3 = z3 - m - np.log(np.sum(np.exp(z3 - m), axis=1, keepdims=True))
        a3 = np.exp(log_a3)
        if y is None:
            return a3

        loss = -log_a3[np.arange(N), y].mean() + reg * (np.sum(W1 ** 2) + np.sum(W2 ** 2))

        # dJ/dlog_a3: (N, K)
        dJ = np.zeros((N, self.K))
        dJ[np.arange(N), y] = -1.0 / N
        # dlog_a3/dz3: (N, K, K) = I - 1 a3^T
        Jac = np.eye(self.K)[None, :, :] - a3[:, None, :]
        dz3 = np.matmul(dJ[:, None, :], Jac)[:, 0, :]
        # dz2/da2 is a diagonal matrix for each case
        Drelu = np.zeros((N, self.H, self.H))
        for n in range(N):
            Drelu[n] = np.diag((z2[n] > 0).astype(float))
        dz2 = np.einsum('nk,hk,nhg->ng', dz3, W2, Drelu)
        grads = {'W1': np.tensordot(X, dz2, axes=(0, 0)) + 2 * reg * W1,
                 'b1': dz2.sum(axis=0),
                 'W2': np.tensordot(a2, dz3, axes=(0, 0)) + 2 * reg * W2,
                 'b2': dz3.sum(axis=0)}
        return loss, grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        num_train = X.shape[0]
        iterations_per_epoch = max(num_train // batch_size, 1)
        loss_history, train_acc_history, val_acc_history = [], [], []
        for it in range(num_iters):
            mask = np.random.choice(num_train, batch_size, replace=True)
            X_batch, y_batch = X[mask], y[mask]
            loss, grads = self.loss(X_batch, y=y_batch, reg=reg)
            loss_history.append(loss)
            for p in ['W2', 'b2', 'W1', 'b1']:
                v = -learning_rate * grads[p]
                self.params[p] += v
            if it % iterations_per_epoch == 0:
                train_acc_history.append((self.predict(X_batch) == y_batch).mean())
                val_acc_history.append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
        return {'loss_history': loss_history, 'train_acc_history': train_acc_history,
                'val_acc_history': val_acc_history}

    def predict(self, X):
        return np.array([int(np.argmax(p)) for p in self.loss(X)])
