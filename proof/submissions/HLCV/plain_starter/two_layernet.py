"""A two layered fully connected neural net (exercise 2)."""
import numpy as np

class TwoLayerNet(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        W1, b1 = self.params['W1'], self.params['b1']
        W2, b2 = self.params['W2'], self.params['b2']
        N, D = X.shape

        a1 = X
        z2 = a1.dot(W1) + b1
        a2 = np.maximum(0, z2)
        z3 = a2.dot(W2) + b2
        # shift so that exp does not overflow
        z3 = z3 - np.max(z3, axis=1, keepdims=True)
        expz = np.exp(z3)
        scores = expz / np.sum(expz, axis=1, keepdims=True)
        if y is None:
            return scores

        log_probs = z3 - np.log(np.sum(expz, axis=1, keepdims=True))
        loss = -np.sum(log_probs[np.arange(N), y]) / N
        loss += reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

        grads = {}
        dz3 = scores.copy()
        dz3[np.arange(N), y] -= 1
        dz3 /= N
        grads['W2'] = a2.T.dot(dz3) + 2 * reg * W2
        grads['b2'] = np.sum(dz3, axis=0)
        da2 = dz3.dot(W2.T)
        dz2 = da2 * (z2 > 0)
        grads['W1'] = a1.T.dot(dz2) + 2 * reg * W1
        grads['b1'] = np.sum(dz2, axis=0)
        return loss, grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        num_train = X.shape[0]
        iterations_per_epoch = max(num_train // batch_size, 1)
        loss_history = []
        train_acc_history = []
        val_acc_history = []
        for it in range(num_iters):
            idx = np.random.choice(num_train, batch_size)
            X_batch = X[idx]
            y_batch = y[idx]
            loss, grads = self.loss(X_batch, y=y_batch, reg=reg)
            loss_history.append(loss)
            for k in self.params:
                self.params[k] -= learning_rate * grads[k]
            if verbose and it % 100 == 0:
                print('iteration %d / %d: loss %f' % (it, num_iters, loss))
            if it % iterations_per_epoch == 0:
                train_acc_history.append((self.predict(X_batch) == y_batch).mean())
                val_acc_history.append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
        return {'loss_history': loss_history, 'train_acc_history': train_acc_history,
                'val_acc_history': val_acc_history}

    def predict(self, X):
        return np.argmax(self.loss(X), axis=1)
