import numpy as np

# every step returns its value and a function that pulls a gradient back (collects dtheta on the way)

def linear(a, W, b):
    def pull(g):
        return g @ W.T, (a.T @ g, g.sum(axis=0, keepdims=True))
    return a @ W + b, pull

def relu(z):
    gate = np.greater(z, 0).astype(z.dtype)
    return gate * z, lambda g: (gate * g, ())

def cross_entropy(f, y):
    n = f.shape[0]
    s = f - np.max(f, axis=1, keepdims=True)
    Z = np.sum(np.exp(s), axis=1, keepdims=True)

    def pull(g):
        d = np.exp(s) / Z
        np.subtract.at(d, (np.arange(n), y), 1.0)
        return g * d / n, ()
    return np.mean(np.log(Z)[:, 0] - s[np.arange(n), y]), pull

def chain(X, theta):
    pulls = []
    a = X
    for i in (0, 2, 4):
        a, p = linear(a, theta[i], theta[i + 1])
        pulls.append(p)
        if i < 4:
            a, p = relu(a)
            pulls.append(p)
    return a, pulls

def predict(X, theta):
    f, _ = chain(X, theta)
    p = np.exp(f - f.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return f, p

def computeCost(X, y, theta, reg):
    f, _ = chain(X, theta)
    J, _ = cross_entropy(f, np.ravel(y).astype(int))
    return J + 0.5 * reg * sum(np.sum(w ** 2) for w in theta[::2])

def computeGrad(X, y, theta, reg):
    f, pulls = chain(X, theta)
    J, pull = cross_entropy(f, np.ravel(y).astype(int))
    g, _ = pull(1.0)
    found = ()
    for p in pulls[::-1]:
        g, here = p(g)
        found = here + found
    return tuple(d + reg * w if i % 2 == 0 else d for i, (d, w) in enumerate(zip(found, theta)))

def computeNumGrad(X, y, theta, reg):
    eps = 1e-5
    answer = []
    for k in range(6):
        flat = theta[k].flatten()
        d = np.zeros(flat.shape)
        for i in range(flat.size):
            values = []
            for s in (eps, -eps):
                moved = flat.copy()
                moved[i] = flat[i] + s
                t = list(theta)
                t[k] = moved.reshape(theta[k].shape)
                values.append(computeCost(X, y, t, reg))
            d[i] = (values[0] - values[1]) / (2 * eps)
        answer.append(d.reshape(theta[k].shape))
    return tuple(answer)

def create_mini_batch(X, y, start, end):
    idx = np.arange(len(X))
    keep = (idx >= start) & (idx < end)
    return X[keep], y[keep]
