import numpy as np

# I first wanted to understand it for ONE picture, so everything is in loops over the cases.

class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {'W1': std * np.random.randn(input_size, hidden_size),
                       'b1': np.zeros(hidden_size),
                       'W2': std * np.random.randn(hidden_size, output_size),
                       'b2': np.zeros(output_size)}

    def one_forward(self, x):
        W1 = self.params['W1']
        W2 = self.params['W2']
        h = []
        for j in range(W1.shape[1]):
            s = self.params['b1'][j]
            for i in range(len(x)):
                s = s + x[i] * W1[i, j]
            h.append(s)
        z = np.array(h)
        a = np.array([v if v >= 0 else 0.0 for v in h])
        s = np.zeros(W2.shape[1])
        for k in range(W2.shape[1]):
            s[k] = (W2[:, k] * a).sum() + self.params['b2'][k]
        biggest = max(s)
        e = np.exp(s - biggest)
        p = e / e.sum()
        logp = s - biggest - np.log(e.sum())
        return z, a, p, logp

    def loss(self, X, y=None, reg=0.0):
        N = X.shape[0]
        W1 = self.params['W1']
        W2 = self.params['W2']
        if y is None:
            out = []
            for n in range(N):
                out.append(self.one_forward(X[n])[2])
            return np.array(out)

        total = 0.0
        gW1 = np.zeros_like(W1)
        gb1 = np.zeros(W1.shape[1])
        gW2 = np.zeros_like(W2)
        gb2 = np.zeros(W2.shape[1])
        for n in range(N):
            x = X[n]
            z, a, p, logp = self.one_forward(x)
            total = total - logp[y[n]]
            # output error
            d3 = p.copy()
            d3[y[n]] = d3[y[n]] - 1
            # hidden error
            d2 = np.zeros(len(a))
            for j in range(len(a)):
                if z[j] > 0:
                    for k in range(len(d3)):
                        d2[j] += W2[j, k] * d3[k]
            for j in range(len(a)):
                for k in range(len(d3)):
                    gW2[j, k] += a[j] * d3[k]
            for i in range(len(x)):
                for j in range(len(a)):
                    gW1[i, j] += x[i] * d2[j]
            gb2 += d3
            gb1 += d2
        total = total / N
        gW1 = gW1 / N
        gb1 = gb1 / N
        gW2 = gW2 / N
        gb2 = gb2 / N
        # regularisation
        for W in (W1, W2):
            for row in W:
                for w in row:
                    total = total + reg * w ** 2
        gW1 = gW1 + reg * 2 * W1
        gW2 = gW2 + reg * 2 * W2
        return total, {'W1': gW1, 'b1': gb1, 'W2': gW2, 'b2': gb2}

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        h1, h2, h3 = [], [], []
        per_epoch = max(int(len(X) / batch_size), 1)
        for it in range(num_iters):
            xb = []
            yb = []
            for _ in range(batch_size):
                r = np.random.randint(len(X))
                xb.append(X[r])
                yb.append(y[r])
            xb = np.array(xb)
            yb = np.array(yb)
            l, g = self.loss(xb, yb, reg)
            h1.append(l)
            for name in ['W1', 'b1', 'W2', 'b2']:
                self.params[name] = self.params[name] - learning_rate * g[name]
            if verbose:
                if it % 100 == 0:
                    print(it, l)
            if it % per_epoch == 0:
                h2.append(np.mean(self.predict(xb) == yb))
                h3.append(np.mean(self.predict(X_val) == y_val))
                learning_rate = learning_rate * learning_rate_decay
        return dict(loss_history=h1, train_acc_history=h2, val_acc_history=h3)

    def predict(self, X):
        ans = []
        for x in X:
            p = self.one_forward(x)[2]
            ans.append(int(np.argmax(p)))
        return np.array(ans)
