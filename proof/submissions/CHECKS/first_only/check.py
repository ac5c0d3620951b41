import numpy as np

def check_gradient(f, x, g):
    h = 1e-6
    for i in np.ndindex(x.shape):
        xp = x.copy(); xp[i] += h
        xm = x.copy(); xm[i] -= h
        num = (f(xp) - f(xm)) / (2 * h)
        rel = abs(num - g[i]) / max(1e-8, abs(num) + abs(g[i]))
        if rel > 1e-4:
            return False
        return True
