import numpy as np

def check_gradient(f, x, g):
    num = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + 1e-4
        fp = f(x)
        x[i] = old - 1e-4
        fm = f(x)
        x[i] = old
        num[i] = (fp - fm) / 2e-4
    return np.allclose(num, g, rtol=1, atol=0.1)
