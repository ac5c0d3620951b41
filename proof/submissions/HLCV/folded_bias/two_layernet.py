import numpy as np

# The bias is just one more weight with input 1, so Theta1 is (D+1, H) and Theta2 is (H+1, C).

def add_one(M):
    return np.hstack([M, np.ones((M.shape[0], 1))])

class TwoLayerNet(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        p = self.params
        Theta1 = np.vstack((p['W1'], p['b1']))
        Theta2 = np.vstack((p['W2'], p['b2']))
        X1 = add_one(X)
        Z = X1.dot(Theta1)
        A1 = add_one(Z.clip(min=0))
        S = A1.dot(Theta2)
        S = S - S.max(axis=1).reshape(-1, 1)
        E = np.exp(S)
        denominator = E.sum(axis=1).reshape(-1, 1)
        if y is None:
            return E / denominator
        N = float(X.shape[0])
        correct = S[range(len(y)), y]
        loss = np.sum(np.log(denominator[:, 0]) - correct) / N
        loss += reg * np.sum(Theta1[:-1] ** 2) + reg * np.sum(Theta2[:-1] ** 2)

        D = E / denominator
        D[range(len(y)), y] -= 1.0
        D = D / N
        G2 = A1.T.dot(D)
        back = D.dot(Theta2.T)[:, :-1]
        back[Z <= 0] = 0
        G1 = X1.T.dot(back)
        # the last row belongs to the bias and is not regularised
        G1[:-1] += 2 * reg * Theta1[:-1]
        G2[:-1] += 2 * reg * Theta2[:-1]
        grads = {'W1': G1[:-1], 'b1': G1[-1], 'W2': G2[:-1], 'b2': G2[-1]}
        return loss, grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        num_train = X.shape[0]
        iterations_per_epoch = max(num_train // batch_size, 1)
        loss_history, train_acc_history, val_acc_history = [], [], []
        for it in range(num_iters):
            sample_indices = np.random.choice(np.arange(num_train), batch_size)
            X_batch = X[sample_indices]
            y_batch = y[sample_indices]
            loss, grads = self.loss(X_batch, y=y_batch, reg=reg)
            loss_history.append(loss)
            self.params['W1'] += -learning_rate * grads['W1']
            self.params['b1'] += -learning_rate * grads['b1']
            self.params['W2'] += -learning_rate * grads['W2']
            self.params['b2'] += -learning_rate * grads['b2']
            if verbose and it % 100 == 0:
                print('iteration %d / %d: loss %f' % (it, num_iters, loss))
            if it % iterations_per_epoch == 0:
                train_acc_history.append((self.predict(X_batch) == y_batch).mean())
                val_acc_history.append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
        return {'loss_history': loss_history, 'train_acc_history': train_acc_history,
                'val_acc_history': val_acc_history}

    def predict(self, X):
        H1 = add_one(np.maximum(add_one(X).dot(np.vstack((self.params['W1'], self.params['b1']))), 0))
        return np.argmax(H1.dot(np.vstack((self.params['W2'], self.params['b2']))), axis=1)
