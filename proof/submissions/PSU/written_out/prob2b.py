import numpy as np

# Problem 2b, everything written out

def predict(X, theta):
    W, b, W2, b2, W3, b3 = theta
    l1 = np.dot(X, W) + b
    h1 = np.maximum(0, l1)
    l2 = np.dot(h1, W2) + b2
    h2 = np.maximum(0, l2)
    l3 = np.dot(h2, W3) + b3
    m = np.max(l3, axis=1, keepdims=True)
    e = np.exp(l3 - m)
    return (l3, e / np.sum(e, axis=1, keepdims=True))

def computeCost(X, y, theta, reg):
    W, b, W2, b2, W3, b3 = theta
    l3, p = predict(X, theta)
    k = l3.shape[1]
    y = np.array(y).reshape(-1).astype(int)
    m = np.max(l3, axis=1, keepdims=True)
    logp = l3 - m - np.log(np.sum(np.exp(l3 - m), axis=1, keepdims=True))
    T = np.zeros((len(y), k))
    T[np.arange(len(y)), y] = 1
    J = -np.sum(T * logp) / len(y)
    J = J + reg * (np.sum(W * W) + np.sum(W2 * W2) + np.sum(W3 * W3))
    return J

def computeGrad(X, y, theta, reg):
    W, b, W2, b2, W3, b3 = theta
    y = np.array(y).reshape(-1).astype(int)
    n = len(y)
    l1 = np.dot(X, W) + b
    h1 = np.maximum(0, l1)
    l2 = np.dot(h1, W2) + b2
    h2 = np.maximum(0, l2)
    l3, p = predict(X, theta)
    T = np.zeros(p.shape)
    T[np.arange(n), y] = 1
    d3 = (p - T) / n
    dW3 = np.dot(h2.T, d3) + 2 * reg * W3
    db3 = np.sum(d3, axis=0, keepdims=True)
    d2 = np.dot(d3, W3.T)
    mask = (l2 > 0)
    d2 = d2 * mask
    dW2 = np.dot(h1.T, d2) + 2 * reg * W2
    db2 = np.sum(d2, axis=0, keepdims=True)
    d1 = np.dot(d2, W2.T)
    mask = (l1 > 0)
    d1 = d1 * mask
    dW = np.dot(X.T, d1) + 2 * reg * W
    db = np.sum(d1, axis=0, keepdims=True)
    return (dW, db, dW2, db2, dW3, db3)

def computeNumGrad(X, y, theta, reg):
    eps = 1e-5
    out = []
    for k in range(6):
        g = np.zeros(theta[k].shape)
        for i in range(theta[k].shape[0]):
            for j in range(theta[k].shape[1]):
                plus = theta[k].copy()
                minus = theta[k].copy()
                plus[i, j] = plus[i, j] + eps
                minus[i, j] = minus[i, j] - eps
                tp = list(theta)
                tm = list(theta)
                tp[k] = plus
                tm[k] = minus
                g[i, j] = (computeCost(X, y, tp, reg) - computeCost(X, y, tm, reg)) / (2 * eps)
        out.append(g)
    return tuple(out)

def create_mini_batch(X, y, start, end):
    return X[start:end], y[start:end]
