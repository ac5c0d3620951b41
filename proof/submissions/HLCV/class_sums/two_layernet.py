import numpy as np

class TwoLayerNet(object):
    """
    Without a one-hot matrix: W2's gradient is (a2^T p - class sums of a2) / N, b2's is
    (sum p - class counts) / N.
    """
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        W1 = self.params['W1']; b1 = self.params['b1']
        W2 = self.params['W2']; b2 = self.params['b2']
        N = len(X); C = len(b2)
        h = X.dot(W1) + b1
        on = h > 0
        h = h * on
        s = h.dot(W2) + b2
        top = s.max(axis=1)
        p = np.exp(s - top[:, None])
        tot = p.sum(axis=1)
        p = p / tot[:, None]
        if y is None:
            return p
        per_case = top + np.log(tot) - s[np.arange(N), y]
        loss = sum(per_case) / N
        loss = loss + reg * sum((W ** 2).sum() for W in (W1, W2))

        class_sums = np.zeros((C, h.shape[1]))
        np.add.at(class_sums, y, h)
        counts = np.bincount(y, minlength=C)
        gW2 = (h.T.dot(p) - class_sums.T) / N
        gb2 = (p.sum(axis=0) - counts) / N
        # expected row of W2 minus the row of the right class
        back = (p.dot(W2.T) - W2.T[y]) * on / N
        gW1 = X.T.dot(back)
        gb1 = back.sum(axis=0)
        return loss, {'W1': gW1 + 2 * reg * W1, 'b1': gb1, 'W2': gW2 + 2 * reg * W2, 'b2': gb2}

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        loss_history = []; train_acc_history = []; val_acc_history = []
        iterations_per_epoch = max(X.shape[0] // batch_size, 1)
        for it in range(num_iters):
            if batch_size <= X.shape[0]:
                idx = np.random.permutation(X.shape[0])[:batch_size]
            else:
                idx = np.random.choice(X.shape[0], batch_size)
            loss, grads = self.loss(X[idx], y[idx], reg)
            loss_history.append(loss)
            for name, g in grads.items():
                self.params[name] -= learning_rate * g
            if it % iterations_per_epoch == 0:
                train_acc_history.append((self.predict(X[idx]) == y[idx]).mean())
                val_acc_history.append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
            if verbose and it % 100 == 0:
                print('loss', loss, 'acc', train_acc_history[-1])
        return {'loss_history': loss_history, 'train_acc_history': train_acc_history,
                'val_acc_history': val_acc_history}

    def predict(self, X):
        h = np.maximum(X.dot(self.params['W1']) + self.params['b1'], 0)
        return (h.dot(self.params['W2']) + self.params['b2']).argmax(axis=1)
