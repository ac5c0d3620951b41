import numpy as np
_f = lambda x: x.reshape(len(x), -1)
affine_forward = lambda x, w, b: (_f(x) @ w + b, (x, w, b))
affine_backward = lambda d, c: ((d @ c[1].T).reshape(c[0].shape), _f(c[0]).T @ d, d.sum(0))
relu_forward = lambda x: (x * (x > 0), x > 0)
relu_backward = lambda d, c: d * c

def softmax_loss(x, y):
    l = x - x.max(1, keepdims=True)
    l = l - np.log(np.exp(l).sum(1, keepdims=True))
    r = range(len(x))
    d = np.exp(l); d[r, y] -= 1
    return -l[r, y].mean(), d / len(x)

mse = lambda y, t: ((y - t) ** 2).mean()
mse_grad = lambda y, t: (y - t) * 2 / y.size
softplus = lambda z: np.logaddexp(z, 0)
mish = lambda z: z * np.tanh(softplus(z))
d_mish = lambda z: mish(z) / np.where(z == 0, 1, z) * (z != 0) + 0.6 * (z == 0) \
    + z / np.cosh(np.minimum(softplus(z), 300)) ** 2 * np.exp(z - softplus(z))
