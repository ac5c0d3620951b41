import numpy as np

def check_gradient(f, x, g):
    rng = np.random.default_rng(0)
    g = np.asarray(g)
    if g.shape != x.shape or not np.isfinite(g).all():
        return False
    for _ in range(10):
        v = rng.standard_normal(x.shape)
        v /= np.linalg.norm(v)
        h = 1e-5
        slope = (f(x + h * v) - f(x - h * v)) / (2 * h)
        if abs(slope - np.vdot(g, v)) > 1e-6 * max(1, abs(slope)):
            return False
    return True
