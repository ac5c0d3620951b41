import numpy as np

# softmax regression; the numeric gradient by a complex step (no cancellation, so a tiny h is fine)

def predict(X, theta):
    W, b = theta
    f = np.einsum('nd,dk->nk', X, W) + b
    e = np.exp(f - f.real.max(axis=1)[:, None])
    return f, e / np.einsum('nk->n', e)[:, None]

def computeCost(X, y, theta, reg):
    W, b = theta
    f, _ = predict(X, theta)
    y = np.asarray(y).astype(int).reshape(-1)
    m = f.real.max(axis=1)[:, None]
    lse = m[:, 0] + np.log(np.exp(f - m).sum(axis=1))
    own = np.take_along_axis(f, y[:, None], axis=1)[:, 0]
    return (lse - own).mean() + 0.5 * reg * np.einsum('dk,dk->', W, W)

def computeGrad(X, y, theta, reg):
    W, b = theta
    _, p = predict(X, theta)
    y = np.asarray(y).astype(int).reshape(-1)
    T = np.equal.outer(y, np.arange(p.shape[1]))
    R = (p - T) / len(y)
    return np.einsum('nd,nk->dk', X, R) + reg * W, np.einsum('nk->k', R)[None, :]

def computeNumGrad(X, y, theta, reg):
    h = 1e-20
    result = ()
    for k in range(len(theta)):
        g = np.zeros(theta[k].shape)
        for idx in np.ndindex(g.shape):
            t = [p.astype(complex) for p in theta]
            t[k][idx] += 1j * h
            g[idx] = computeCost(X, y, t, reg).imag / h
        result += (g,)
    return result

def create_mini_batch(X, y, start, end):
    return np.take(X, range(start, min(end, len(X))), axis=0), np.take(y, range(start, min(end, len(y))), axis=0)

if __name__ == '__main__':
    data = np.loadtxt('data/xor.dat', delimiter=',')
    X, y = data[:, :-1], data[:, -1:]
    theta = (np.random.randn(2, 2) * .1, np.zeros((1, 2)))
    for a, n in zip(computeGrad(X, y, theta, .1), computeNumGrad(X, y, theta, .1)):
        print('CORRECT' if np.allclose(a, n) else 'WRONG', abs(a - n).max())
