import numpy as np

def check_gradient(f, x, g, h=1e-5):
    worst = 0.0
    for i in np.ndindex(x.shape):
        xp, xm = x.copy(), x.copy()
        xp[i] = xp[i] + h
        xm[i] = xm[i] - h
        num = (f(xp) - f(xm)) / (2 * h)
        rel = abs(num - g[i]) / max(abs(num) + abs(g[i]), 1e-8)
        if rel > worst:
            worst = rel
    return worst < 1e-5
