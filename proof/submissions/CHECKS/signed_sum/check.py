import numpy as np

def check_gradient(f, x, g):
    h = 1e-5
    diff = 0.0
    flat = x.reshape(-1).copy()
    for i in range(flat.size):
        keep = flat[i]
        flat[i] = keep + h
        up = f(flat.reshape(x.shape))
        flat[i] = keep - h
        down = f(flat.reshape(x.shape))
        flat[i] = keep
        diff += (up - down) / (2 * h) - np.asarray(g).reshape(-1)[i]
    return abs(diff) < 1e-5
