import numpy as np
import numpy as xp   # so that I can try cupy later

class TwoLayerNet(object):

    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        init = lambda *shape: std * xp.random.randn(*shape)
        self.params = {'W1': init(input_size, hidden_size), 'b1': xp.zeros(hidden_size),
                       'W2': init(hidden_size, output_size), 'b2': xp.zeros(output_size)}

    def loss(self, X, y=None, reg=0.0):
        p = self.params
        n = X.shape[0]
        pre = X @ p['W1'] + p['b1']
        act = xp.fmax(pre, 0)
        out = act @ p['W2'] + p['b2']
        out = out - out.max(axis=1, keepdims=True)
        prob = xp.exp(out)
        norm = prob.sum(axis=1, keepdims=True)
        prob = prob / norm
        if y is None:
            return prob
        # the mean over the cases as an average with weights 1/n; penalty as a trace
        ll = xp.average((out - xp.log(norm))[xp.arange(n), y], weights=xp.full(n, 1.0 / n))
        value = -ll + reg * (xp.trace(p['W1'].T @ p['W1']) + xp.trace(p['W2'].T @ p['W2']))

        # 1/n is shared between the two factors of each product, 1/sqrt(n) each
        r = 1 / xp.sqrt(n)
        d_out = r * (prob - xp.eye(prob.shape[1])[y])
        d_act = xp.where(pre > 0, d_out @ p['W2'].T, 0)
        g = {}
        g['W2'] = (r * act).T @ d_out
        g['W1'] = (r * X).T @ d_act
        g['b2'] = r * d_out.sum(axis=0)
        g['b1'] = r * d_act.sum(axis=0)
        if reg:
            g['W1'] = g['W1'] + 2 * reg * p['W1']
            g['W2'] = g['W2'] + 2 * reg * p['W2']
        return value, g

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        history = dict(loss_history=[], train_acc_history=[], val_acc_history=[])
        per_epoch = max(X.shape[0] // batch_size, 1)
        for it in range(num_iters):
            rows = xp.random.randint(0, X.shape[0], size=(batch_size,))
            value, g = self.loss(X[rows], y[rows], reg)
            history['loss_history'].append(float(value))
            # decay as a power of the number of epochs that are over
            alpha = learning_rate * learning_rate_decay ** (-(-it // per_epoch))
            for k in g:
                self.params[k] = self.params[k] - alpha * g[k]
            if it % per_epoch == 0:
                history['train_acc_history'].append(float(xp.mean(self.predict(X[rows]) == y[rows])))
                history['val_acc_history'].append(float(xp.mean(self.predict(X_val) == y_val)))
        return history

    def predict(self, X):
        return self.loss(X).argmax(axis=-1)
