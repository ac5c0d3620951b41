import numpy as np

class SoftmaxRegression(object):
    def __init__(self, n_in, n_out, scale=0.05, seed=1):
        rng = np.random.RandomState(seed)
        self.theta = (rng.randn(n_in, n_out) * scale, np.zeros((1, n_out)))

    def fit(self, X, y, rate=0.5, reg=0.0, epochs=200):
        for _ in range(epochs):
            self.theta = tuple(p - rate * g for p, g in zip(self.theta, computeGrad(X, y, self.theta, reg)))
        return self

    def score(self, X, y):
        return np.mean(predict(X, self.theta)[1].argmax(axis=1) == np.ravel(y))

def log_sum_exp(f):
    m = f.max(axis=1)
    return m + np.log(np.exp(f - m[:, None]).sum(axis=1))

def predict(X, theta):
    f = X.dot(theta[0]) + theta[1]
    return f, np.exp(f - log_sum_exp(f)[:, None])

def indicator(y, K):
    y = np.ravel(y).astype(int)
    T = np.zeros((y.size, K))
    T[np.arange(y.size), y] = 1
    return T

def computeCost(X, y, theta, reg):
    f, p = predict(X, theta)
    T = indicator(y, f.shape[1])
    nll = log_sum_exp(f) - (T * f).sum(axis=1)
    return nll.mean() + 0.5 * reg * (theta[0] ** 2).sum()

def computeGrad(X, y, theta, reg):
    f, p = predict(X, theta)
    r = p - indicator(y, p.shape[1])
    r /= X.shape[0]
    return X.T.dot(r) + reg * theta[0], r.sum(axis=0, keepdims=True)

def computeNumGrad(X, y, theta, reg):
    h = 1e-5
    G = []
    for k in (0, 1):
        g = np.zeros_like(theta[k])
        for pos in np.ndindex(*g.shape):
            a = [theta[0].copy(), theta[1].copy()]
            c = [theta[0].copy(), theta[1].copy()]
            a[k][pos] += h
            c[k][pos] -= h
            g[pos] = (computeCost(X, y, a, reg) - computeCost(X, y, c, reg)) / (2 * h)
        G.append(g)
    return tuple(G)

def create_mini_batch(X, y, start, end):
    rows = range(start, min(end, len(X)))
    return np.array([X[r] for r in rows]), np.array([y[r] for r in rows])

if __name__ == '__main__':
    d = np.loadtxt('data/spiral_train.dat', delimiter=',')
    model = SoftmaxRegression(2, 3).fit(d[:, :2], d[:, 2])
    print('accuracy', model.score(d[:, :2], d[:, 2]))
