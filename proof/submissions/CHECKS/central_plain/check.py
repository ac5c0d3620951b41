import numpy as np

def check_gradient(f, x, g):
    h = 1e-5
    num = np.zeros(x.shape)
    it = np.nditer(x, flags=['multi_index'])
    for _ in it:
        i = it.multi_index
        xp = x.copy(); xp[i] += h
        xm = x.copy(); xm[i] -= h
        num[i] = (f(xp) - f(xm)) / (2 * h)
    return np.shape(g) == num.shape and bool(np.allclose(num, g, rtol=1e-5, atol=1e-7))
