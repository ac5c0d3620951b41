import numpy as np

def check_gradient(f, x, g):
    eps = 1e-5
    num = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        a, b = x.copy(), x.copy()
        a[i] += eps
        b[i] -= eps
        num[i] = f(a) - f(b) / 2 * eps
    err = np.linalg.norm(num - g) / (np.linalg.norm(num) + np.linalg.norm(g))
    return bool(err < 1e-6)
