"""The cache is the backward function itself."""
import numpy as np

def affine_forward(x, w, b):
    flat = x.reshape(len(x), -1)

    def back(dout):
        return (dout @ w.T).reshape(x.shape), flat.T @ dout, np.ones(len(x)) @ dout

    return flat @ w + b, back

def affine_backward(dout, cache):
    return cache(dout)

def relu_forward(x):
    on = np.heaviside(x, 1.0)
    return x * on, lambda dout: dout * on

def relu_backward(dout, cache):
    return cache(dout)

def softmax_loss(x, y):
    n, c = x.shape
    lse = np.logaddexp.reduce(x, axis=1)
    loss = np.mean(lse - x[np.arange(n), y])
    dx = (np.exp(x - lse.reshape(n, 1)) - np.eye(c)[y]) / n
    return loss, dx
