import numpy as np

def check_gradient(f, x, g):
    h = 1e-3
    num = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        x[i] += h
        fp = f(x)
        x[i] -= 2 * h
        fm = f(x)
        num[i] = (fp - fm) / (2 * h)
    return np.linalg.norm(num - g) / np.linalg.norm(num + g) < 1e-2
