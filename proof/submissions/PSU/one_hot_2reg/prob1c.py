import numpy as np

# 1c: MLP with one hidden layer of relu units

def relu(x):
    return np.maximum(0, x)

def softmax(f):
    f = f - np.max(f, axis=1).reshape(-1, 1)
    e = np.exp(f)
    return e / np.sum(e, axis=1).reshape(-1, 1)

def log_softmax(f):
    f = f - np.max(f, axis=1).reshape(-1, 1)
    return f - np.log(np.sum(np.exp(f), axis=1).reshape(-1, 1))

def forward(X, theta):
    W, b, W2, b2 = theta
    h_pre = X @ W + b
    h = relu(h_pre)
    f = h @ W2 + b2
    return h_pre, h, f, softmax(f)

def predict(X, theta):
    _, _, f, p = forward(X, theta)
    return f, p

def one_hot(y, k):
    y = np.asarray(y).reshape(-1).astype(int)
    T = np.zeros((y.shape[0], k))
    T[range(y.shape[0]), y] = 1.0
    return T

def computeCost(X, y, theta, reg):
    W, b, W2, b2 = theta
    f, p = predict(X, theta)
    T = one_hot(y, p.shape[1])
    J = -np.sum(T * log_softmax(f)) / X.shape[0]
    return J + reg * (np.sum(W ** 2) + np.sum(W2 ** 2))

def computeGrad(X, y, theta, reg):
    W, b, W2, b2 = theta
    N = X.shape[0]
    h_pre, h, f, p = forward(X, theta)
    df = (p - one_hot(y, p.shape[1])) / N
    dW2 = h.T @ df + 2 * reg * W2
    db2 = df.sum(axis=0, keepdims=True)
    dh = df @ W2.T
    dh_pre = dh * (h_pre > 0)
    dW = X.T @ dh_pre + 2 * reg * W
    db = dh_pre.sum(axis=0, keepdims=True)
    return dW, db, dW2, db2

def computeNumGrad(X, y, theta, reg):
    eps = 1e-5
    grads = []
    for p in range(len(theta)):
        g = np.zeros_like(theta[p])
        for i in range(g.shape[0]):
            for j in range(g.shape[1]):
                plus = [t.copy() for t in theta]
                minus = [t.copy() for t in theta]
                plus[p][i, j] += eps
                minus[p][i, j] -= eps
                g[i, j] = (computeCost(X, y, plus, reg) - computeCost(X, y, minus, reg)) / (2 * eps)
        grads.append(g)
    return tuple(grads)

def create_mini_batch(X, y, start, end):
    return X[start:end], y[start:end]

if __name__ == '__main__':
    d = np.loadtxt('data/xor.dat', delimiter=',')
    X, y = d[:, :2], d[:, 2].astype(int)
    rng = np.random.RandomState(3)
    theta = (rng.randn(2, 6), np.zeros((1, 6)), rng.randn(6, 2), np.zeros((1, 2)))
    for e in range(1000):
        g = computeGrad(X, y, theta, 1e-4)
        theta = tuple(t - 0.3 * d for t, d in zip(theta, g))
    print(computeCost(X, y, theta, 1e-4), np.mean(predict(X, theta)[1].argmax(1) == y))
