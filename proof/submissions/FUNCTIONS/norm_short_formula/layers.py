import numpy as np

def batchnorm_forward(x, gamma, beta, bn_param):
    mode, eps, momentum = bn_param['mode'], bn_param.get('eps', 1e-5), bn_param.get('momentum', 0.9)
    D = x.shape[1]
    bn_param.setdefault('running_mean', np.zeros(D))
    bn_param.setdefault('running_var', np.zeros(D))
    if mode == 'train':
        m, v = np.mean(x, axis=0), np.var(x, axis=0)
        bn_param['running_mean'] = momentum * bn_param['running_mean'] + (1 - momentum) * m
        bn_param['running_var'] = momentum * bn_param['running_var'] + (1 - momentum) * v
    else:
        m, v = bn_param['running_mean'], bn_param['running_var']
    inv = (v + eps) ** -0.5
    xh = (x - m) * inv
    return xh * gamma + beta, {'xh': xh, 'inv': inv, 'gamma': gamma}

def batchnorm_backward(dout, cache):
    xh, inv, gamma = cache['xh'], cache['inv'], cache['gamma']
    N = len(dout)
    dbeta = dout.sum(0)
    dgamma = np.einsum('nd,nd->d', dout, xh)
    dx = gamma * inv / N * (N * dout - dbeta - xh * dgamma)
    return dx, dgamma, dbeta

def layernorm_forward(x, gamma, beta, ln_param):
    # the transposed problem of batch normalisation
    eps = ln_param.get('eps', 1e-5)
    xt = x.T
    m = xt.mean(axis=0)
    inv = 1 / np.sqrt(((xt - m) ** 2).mean(axis=0) + eps)
    xh = ((xt - m) * inv).T
    return xh * gamma + beta, (xh, inv, gamma)

def layernorm_backward(dout, cache):
    xh, inv, gamma = cache
    g = (dout * gamma).T
    D = g.shape[0]
    dx = inv / D * (D * g - g.sum(axis=0) - xh.T * (g * xh.T).sum(axis=0))
    return dx.T, (dout * xh).sum(axis=0), dout.sum(axis=0)

def dropout_forward(x, dropout_param):
    if dropout_param['mode'] == 'test':
        return x.copy(), None
    rng = np.random.default_rng(dropout_param.get('seed'))
    keep = rng.random(x.shape) < dropout_param['p']
    out = np.where(keep, x / dropout_param['p'], 0)
    return out, (keep, dropout_param['p'])

def dropout_backward(dout, cache):
    if cache is None:
        return dout
    keep, p = cache
    return dout * keep / p
