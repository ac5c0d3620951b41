import numpy as np

def check_gradient(f, x, g):
    h = 1e-5
    ok = True
    for i in np.ndindex(x.shape):
        plus = x
        minus = x
        plus[i] += h
        minus[i] -= h
        n = (f(plus) - f(minus)) / (2 * h)
        if not np.isclose(n, g[i], atol=1e-6):
            ok = False
    return ok
