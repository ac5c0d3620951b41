# softmax loss, every stage with its own way back ("staged computation")
import numpy as np

def softmax_loss(x, y):
    N, C = x.shape
    rows = np.arange(N)
    # forward
    m = x.max(axis=1, keepdims=True)            # no gradient has to go through m
    z = x - m
    e = np.exp(z)
    s = e.sum(axis=1, keepdims=True)
    ls = np.log(s)
    zy = z[rows, y]
    loss = (ls[:, 0] - zy).sum() / N
    # backward
    dls = np.ones((N, 1)) / N
    ds = dls / s
    de = np.ones((N, C)) * ds
    dz = de * e
    dz[rows, y] += -1.0 / N
    return loss, dz

def affine_forward(x, w, b):
    """b is appended to w and a 1 to x"""
    X = np.hstack([x.reshape(x.shape[0], -1), np.ones((x.shape[0], 1))])
    Wb = np.vstack([w, b])
    return X @ Wb, (X, Wb, x.shape)

def affine_backward(dout, cache):
    X, Wb, shape = cache
    dWb = X.T @ dout
    dX = dout @ Wb.T
    return dX[:, :-1].reshape(shape), dWb[:-1], dWb[-1]

def relu_forward(x):
    return np.clip(x, 0, None), x

def relu_backward(dout, cache):
    dx = np.array(dout)
    dx[cache < 0] = 0
    return dx
