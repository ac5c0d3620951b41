import numpy as xp

__all__ = ['affine_forward', 'affine_backward', 'relu_forward', 'relu_backward', 'batchnorm_forward',
           'batchnorm_backward', 'batchnorm_backward_alt']

def affine_forward(x, w, b):
    z = xp.einsum('nd,dm->nm', x.reshape(x.shape[0], w.shape[0]), w)
    z += b
    cache = {'inputs': x, 'weights': w}
    return z, cache

def affine_backward(dout, cache):
    x, w = cache['inputs'], cache['weights']
    dx = xp.einsum('nm,dm->nd', dout, w).reshape(x.shape)
    dw = xp.einsum('nd,nm->dm', x.reshape(x.shape[0], -1), dout)
    db = xp.einsum('nm->m', dout)
    return dx, dw, db

def relu_forward(x):
    positive = x > 0
    return xp.multiply(x, positive), positive

def relu_backward(dout, cache):
    return xp.multiply(dout, cache)

def batchnorm_forward(x, gamma, beta, bn_param):
    eps, momentum = bn_param.get('eps', 1e-5), bn_param.get('momentum', .9)
    zeros = xp.zeros(x.shape[1])
    if bn_param['mode'] == 'train':
        mu = xp.mean(x, axis=0)
        xc = x - mu
        var = xp.mean(xc * xc, axis=0)
        for key, new in (('running_mean', mu), ('running_var', var)):
            bn_param[key] = momentum * bn_param.get(key, zeros) + (1 - momentum) * new
    elif bn_param['mode'] == 'test':
        xc = x - bn_param.get('running_mean', zeros)
        var = bn_param.get('running_var', zeros)
    std = xp.sqrt(var + eps)
    xn = xc / std
    return gamma * xn + beta, (xc, xn, std, gamma)

def batchnorm_backward(dout, cache):
    xc, xn, std, gamma = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = xp.sum(xn * dout, axis=0)
    dxn = gamma * dout
    dxc = dxn / std
    dstd = -xp.sum((dxn * xc) / (std * std), axis=0)
    dvar = 0.5 * dstd / std
    dxc += (2.0 / n) * xc * dvar
    dmu = xp.sum(dxc, axis=0)
    dx = dxc - dmu / n
    return dx, dgamma, dbeta

def batchnorm_backward_alt(dout, cache):
    xc, xn, std, gamma = cache
    g = gamma * dout
    dx = (g - g.mean(axis=0) - xn * (g * xn).mean(axis=0)) / std
    return dx, (xn * dout).sum(axis=0), dout.sum(axis=0)
