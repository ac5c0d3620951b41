# Without NumPy in the middle: lists of floats and zip, I only make arrays at the end.
import math
import numpy as np

def matmul(A, B):
    cols = list(zip(*B))
    return [[math.fsum(a * b for a, b in zip(row, col)) for col in cols] for row in A]

def transpose(A):
    return [list(r) for r in zip(*A)]

def plus_bias(A, b):
    return [[v + w for v, w in zip(row, b)] for row in A]

def relu(A):
    return [[v if v > 0 else 0.0 for v in row] for row in A]

def log_softmax_row(row):
    m = max(row)
    s = math.log(math.fsum(math.exp(v - m) for v in row))
    return [v - m - s for v in row]

def column_sums(A):
    return [math.fsum(c) for c in zip(*A)]

class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {
            'W1': std * np.random.randn(input_size, hidden_size),
            'b1': np.zeros(hidden_size),
            'W2': std * np.random.randn(hidden_size, output_size),
            'b2': np.zeros(output_size),
        }

    def _forward(self, X):
        x = [[float(v) for v in row] for row in X]
        z2 = plus_bias(matmul(x, self.params['W1'].tolist()), self.params['b1'].tolist())
        a2 = relu(z2)
        z3 = plus_bias(matmul(a2, self.params['W2'].tolist()), self.params['b2'].tolist())
        return x, z2, a2, [log_softmax_row(r) for r in z3]

    def loss(self, X, y=None, reg=0.0):
        x, z2, a2, logp = self._forward(X)
        probs = [[math.exp(v) for v in r] for r in logp]
        if y is None:
            return np.array(probs)
        n = len(x)
        data_loss = -math.fsum(logp[i][int(y[i])] for i in range(n)) / n
        w1 = self.params['W1'].tolist()
        w2 = self.params['W2'].tolist()
        penalty = math.fsum(v * v for r in w1 for v in r) + math.fsum(v * v for r in w2 for v in r)

        d3 = [[(p - (1.0 if k == y[i] else 0.0)) / n for k, p in enumerate(probs[i])]
              for i in range(n)]
        d2 = matmul(d3, transpose(w2))
        d2 = [[d if z > 0 else 0.0 for d, z in zip(dr, zr)] for dr, zr in zip(d2, z2)]
        g1 = matmul(transpose(x), d2)
        g2 = matmul(transpose(a2), d3)
        g1 = [[g + 2 * reg * w for g, w in zip(gr, wr)] for gr, wr in zip(g1, w1)]
        g2 = [[g + 2 * reg * w for g, w in zip(gr, wr)] for gr, wr in zip(g2, w2)]
        grads = {'W1': g1, 'b1': column_sums(d2), 'W2': g2, 'b2': column_sums(d3)}
        return data_loss + reg * penalty, {k: np.array(v) for k, v in grads.items()}

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        import random
        losses, acc, val = [], [], []
        per_epoch = max(len(X) // batch_size, 1)
        for it in range(num_iters):
            rows = [random.randrange(len(X)) for _ in range(batch_size)]
            l, g = self.loss(X[rows], y[rows], reg)
            losses.append(l)
            for name in self.params:
                self.params[name] = self.params[name] - learning_rate * g[name]
            if it % per_epoch == 0:
                acc.append(float((self.predict(X[rows]) == y[rows]).mean()))
                val.append(float((self.predict(X_val) == y_val).mean()))
                learning_rate = learning_rate * learning_rate_decay
        return {'loss_history': losses, 'train_acc_history': acc, 'val_acc_history': val}

    def predict(self, X):
        logp = self._forward(X)[3]
        return np.array([r.index(max(r)) for r in logp])
