# Batch norm with the centring matrix P = I - 11'/N: xhat = P x / s, and its Jacobian as a matrix for each feature.
import numpy as np

def batchnorm_forward(x, gamma, beta, bn_param):
    N, D = x.shape
    eps = bn_param['eps'] if 'eps' in bn_param else 1e-5
    mom = bn_param['momentum'] if 'momentum' in bn_param else 0.9
    rm = bn_param.get('running_mean', np.zeros(D))
    rv = bn_param.get('running_var', np.zeros(D))
    if bn_param['mode'] == 'test':
        xhat = (x - rm) / np.sqrt(rv + eps)
        return gamma * xhat + beta, None
    P = np.eye(N) - 1.0 / N
    centred = P @ x
    var = (centred ** 2).sum(axis=0) / N
    s = np.sqrt(var + eps)
    xhat = centred / s
    bn_param['running_mean'] = rm + (1 - mom) * (x.mean(axis=0) - rm)
    bn_param['running_var'] = rv + (1 - mom) * (var - rv)
    return gamma * xhat + beta, (P, xhat, s, gamma)

def batchnorm_backward(dout, cache):
    P, xhat, s, gamma = cache
    N, D = dout.shape
    dx = np.empty((N, D))
    for d in range(D):
        J = (P - np.outer(xhat[:, d], xhat[:, d]) / N) / s[d]
        dx[:, d] = gamma[d] * J @ dout[:, d]        # J is symmetric
    dgamma = np.array([xhat[:, d] @ dout[:, d] for d in range(D)])
    return dx, dgamma, dout.T @ np.ones(N)

def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get('eps', 1e-5)
    rows = [(r - r.mean()) / np.sqrt(r.var() + eps) for r in x]
    s = [np.sqrt(r.var() + eps) for r in x]
    xhat = np.vstack(rows)
    return xhat * gamma + beta, (xhat, s, gamma)

def layernorm_backward(dout, cache):
    xhat, s, gamma = cache
    D = len(gamma)
    out = []
    for g, h, sd in zip(dout * gamma, xhat, s):
        out.append(((np.eye(D) - 1 / D - np.outer(h, h) / D) / sd) @ g)
    dgamma = np.diag(dout.T @ xhat).copy()
    dbeta = np.dot(dout.T, np.ones(len(dout)))
    return np.stack(out), dgamma, dbeta
