import numpy as np

# Nothing is stored but the arguments; backward runs forward again.

def affine_forward(x, w, b):
    return np.tensordot(x.reshape(x.shape[0], -1), w, 1) + np.atleast_2d(b), (x, w, b)

def affine_backward(dout, cache):
    x, w, b = cache
    dx = np.zeros((x.shape[0], w.shape[0]))
    for m in range(w.shape[1]):
        dx += np.outer(dout[:, m], w[:, m])
    dw = sum(np.outer(x[n].ravel(), dout[n]) for n in range(len(x)))
    db = sum(dout)
    return dx.reshape(x.shape), dw, db

def relu_forward(x):
    return x * (x > 0), (x,)

def relu_backward(dout, cache):
    out, _ = relu_forward(*cache)
    return dout * (out != 0)

def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get('eps', 1e-5)
    mean = np.average(x, axis=1)[:, None]
    # E[(x - m)^2] as the scalar product of the centred row with itself
    c = x - mean
    var = np.einsum('nd,nd->n', c, c)[:, None] / x.shape[1]
    return gamma * c / np.sqrt(var + eps) + beta, (x, gamma, eps)

def layernorm_backward(dout, cache):
    x, gamma, eps = cache
    D = x.shape[1]
    c = x - x.mean(axis=1, keepdims=True)
    v = x.var(axis=1, keepdims=True) + eps
    g = dout * gamma
    dv = -0.5 * (g * c).sum(axis=1, keepdims=True) * v ** -1.5
    dc = g * v ** -0.5 + dv * 2 * c / D
    dx = dc - dc.mean(axis=1, keepdims=True)
    return dx, (dout * c * v ** -0.5).sum(axis=0), np.sum(dout, axis=0)

def softmax_loss(x, y):
    def value(z):
        z = z - z.max(axis=1, keepdims=True)
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    lp = value(x)
    loss = -(lp[np.arange(len(y)), y]).mean()
    p = np.exp(value(x))
    p -= np.arange(x.shape[1]) == np.reshape(y, (-1, 1))
    return loss, p / len(y)
