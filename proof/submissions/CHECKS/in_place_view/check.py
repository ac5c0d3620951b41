import numpy as np

def check_gradient(f, x, g):
    """moves x itself through a flat view and puts each number back exactly"""
    if np.shape(g) != x.shape:
        return False
    ok = True
    gi = np.ravel(g)
    for k in range(x.size):
        place = np.unravel_index(k, x.shape)
        keep = x[place]
        h = 1e-6 * max(1.0, abs(keep))
        x[place] = keep + h
        up = f(x)
        x[place] = keep - h
        down = f(x)
        x[place] = keep
        num = (up - down) / (2 * h)
        ok = ok and abs(num - gi[k]) <= 1e-5 * (abs(num) + abs(gi[k])) + 1e-7
    return bool(ok)
