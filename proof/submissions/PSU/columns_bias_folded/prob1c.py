import numpy as np

# Columns are cases inside; the bias is row 0 of each matrix. At the borders: rows, theta = (W, b, W2, b2).

def pack(theta):
    W, b, W2, b2 = theta
    return np.vstack([b, W]), np.vstack([b2, W2])

def with_one(A):
    return np.vstack([np.ones((1, A.shape[1])), A])

def propagate(X, theta):
    A1, A2 = pack(theta)
    x = with_one(np.asarray(X).T)
    pre = A1.T @ x
    h = with_one(pre * (pre > 0))
    f = A2.T @ h
    return x, pre, h, f

def column_softmax(f):
    g = np.exp(f - f.max(axis=0))
    return g / g.sum(axis=0)

def predict(X, theta):
    f = propagate(X, theta)[-1]
    return f.T, column_softmax(f).T

def targets(y, k):
    return np.eye(k)[np.asarray(y).astype(int).ravel()].T

def computeCost(X, y, theta, reg):
    f = propagate(X, theta)[-1]
    T = targets(y, f.shape[0])
    log_norm = np.logaddexp.reduce(f, axis=0)
    A1, A2 = pack(theta)
    decay = np.sum(A1[1:] ** 2) + np.sum(A2[1:] ** 2)
    return np.mean(log_norm - np.sum(T * f, axis=0)) + reg / 2. * decay

def computeGrad(X, y, theta, reg):
    A1, A2 = pack(theta)
    x, pre, h, f = propagate(X, theta)
    N = x.shape[1]
    delta = (column_softmax(f) - targets(y, f.shape[0])) / N
    G2 = h @ delta.T
    back = (A2 @ delta)[1:]
    back = back * (pre > 0)
    G1 = x @ back.T
    G1[1:] += reg * A1[1:]
    G2[1:] += reg * A2[1:]
    return G1[1:], G1[:1], G2[1:], G2[:1]

def computeNumGrad(X, y, theta, reg):
    h = 1e-5
    out = []
    for k in range(4):
        g = np.zeros(theta[k].size)
        for i in range(theta[k].size):
            step = np.zeros(theta[k].size)
            step[i] = h
            step = step.reshape(theta[k].shape)
            up = [p + step if j == k else p for j, p in enumerate(theta)]
            dn = [p - step if j == k else p for j, p in enumerate(theta)]
            g[i] = (computeCost(X, y, up, reg) - computeCost(X, y, dn, reg)) / 2 / h
        out.append(g.reshape(theta[k].shape))
    return tuple(out)

def create_mini_batch(X, y, start, end):
    take = slice(start, end)
    return X[take], y[take]
