import numpy as np

class Neuron:
    """one unit: a column of W and one bias. The layer is a list of these."""

    def __init__(self, w, b):
        self.w, self.b = w, b

    def __call__(self, X):
        return X @ self.w + self.b

    def gradient(self, X, delta):
        return X.T @ delta, delta.sum()

class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def units(self, k):
        W, b = self.params[f'W{k}'], self.params[f'b{k}']
        return [Neuron(W[:, j], b[j]) for j in range(len(b))]

    def run(self, X):
        z2 = [u(X) for u in self.units(1)]
        a2 = np.stack([np.maximum(z, 0) for z in z2], axis=1)
        z3 = np.stack([u(a2) for u in self.units(2)], axis=1)
        return z2, a2, z3

    def loss(self, X, y=None, reg=0.0):
        z2, a2, z3 = self.run(X)
        n, c = z3.shape
        # softmax without a shift by the maximum: p_k = 1 / sum_j exp(z_j - z_k)
        with np.errstate(over='ignore'):
            p = 1.0 / np.exp(z3[:, None, :] - z3[:, :, None]).sum(axis=2)
        if y is None:
            return p
        own = z3[np.arange(n), y][:, None]
        diff = z3 - own
        big = np.maximum(diff.max(axis=1), 0)
        cost = (big + np.log(np.exp(diff - big[:, None]).sum(axis=1))).mean()
        cost += reg * sum(u.w @ u.w for k in (1, 2) for u in self.units(k))

        d3 = p.copy()
        d3[np.arange(n), y] -= 1
        d3 /= n
        grads = {k: np.empty_like(v) for k, v in self.params.items()}
        for k, unit in enumerate(self.units(2)):
            grads['W2'][:, k], grads['b2'][k] = unit.gradient(a2, d3[:, k])
        for j, unit in enumerate(self.units(1)):
            d2 = sum(d3[:, k] * self.params['W2'][j, k] for k in range(c))
            d2 = np.where(z2[j] > 0, d2, 0)
            grads['W1'][:, j], grads['b1'][j] = unit.gradient(X, d2)
        for k in ('W1', 'W2'):
            grads[k] += 2 * reg * self.params[k]
        return cost, grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        lh, th, vh = [], [], []
        for it in range(num_iters):
            i = np.random.choice(len(X), batch_size)
            cost, g = self.loss(X[i], y[i], reg)
            lh.append(cost)
            for k in self.params:
                self.params[k] -= learning_rate * g[k]
            if it % max(len(X) // batch_size, 1) == 0:
                th.append((self.predict(X[i]) == y[i]).mean())
                vh.append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
        return {'loss_history': lh, 'train_acc_history': th, 'val_acc_history': vh}

    def predict(self, X):
        return np.argmax(self.run(X)[2], axis=1)
