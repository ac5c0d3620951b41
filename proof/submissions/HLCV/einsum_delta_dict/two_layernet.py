import numpy as np
from numpy import einsum, newaxis

class TwoLayerNet(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = dict(
            W1=std * np.random.randn(input_size, hidden_size), b1=np.zeros(hidden_size),
            W2=std * np.random.randn(hidden_size, output_size), b2=np.zeros(output_size))

    def forward(self, X):
        P = self.params
        act = {1: X}
        pre = {}
        pre[2] = einsum('nd,dh->nh', act[1], P['W1']) + P['b1'][newaxis]
        act[2] = pre[2] * (pre[2] > 0)
        pre[3] = einsum('nh,hc->nc', act[2], P['W2']) + P['b2'][newaxis]
        shifted = pre[3] - pre[3].max(1)[:, newaxis]
        logact = shifted - np.log(einsum('nc->n', np.exp(shifted)))[:, newaxis]
        act[3] = np.exp(logact)
        return pre, act, logact

    def loss(self, X, y=None, reg=0.0):
        pre, act, logact = self.forward(X)
        if y is None:
            return act[3]
        P = self.params
        N, C = act[3].shape
        onehot = (np.asarray(y)[:, newaxis] == np.arange(C)).astype(float)
        J = -einsum('nc,nc->', onehot, logact) / N
        J += reg * (einsum('ij,ij->', P['W1'], P['W1']) + einsum('ij,ij->', P['W2'], P['W2']))

        delta = {}
        delta[3] = (act[3] - onehot) / N
        delta[2] = einsum('nc,hc->nh', delta[3], P['W2']) * (pre[2] > 0)
        grads = {}
        for l in (1, 2):
            grads['W%d' % l] = einsum('ni,nj->ij', act[l], delta[l + 1]) + 2 * reg * P['W%d' % l]
            grads['b%d' % l] = einsum('nj->j', delta[l + 1])
        return J, grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        N = X.shape[0]
        iterations_per_epoch = max(N // batch_size, 1)
        losses, tr, va = [], [], []
        for it in range(num_iters):
            sel = np.random.choice(np.arange(N), batch_size, replace=True)
            J, grads = self.loss(X[sel], y[sel], reg=reg)
            losses.append(J)
            self.params = {k: v - learning_rate * grads[k] for k, v in self.params.items()}
            if verbose and it % 100 == 0:
                print('iteration', it, 'loss', J)
            if it % iterations_per_epoch == 0:
                tr.append((self.predict(X[sel]) == y[sel]).mean())
                va.append((self.predict(X_val) == y_val).mean())
                learning_rate = learning_rate * learning_rate_decay
        return {'loss_history': losses, 'train_acc_history': tr, 'val_acc_history': va}

    def predict(self, X):
        _, act, _ = self.forward(X)
        return np.argmax(act[3], axis=1)
