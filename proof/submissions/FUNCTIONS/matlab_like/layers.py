import numpy as np

def conv_forward_naive(x, w, b, conv_param):
    [N, C, H, W] = np.shape(x)
    [F, _, HH, WW] = np.shape(w)
    S = conv_param['stride']
    P = conv_param['pad']
    OH = int(1 + (H + 2*P - HH) / S)
    OW = int(1 + (W + 2*P - WW) / S)
    xp = np.zeros([N, C, H + 2*P, W + 2*P])
    xp[:, :, P:H + P, P:W + P] = x
    out = np.zeros([N, F, OH, OW])
    for n in range(0, N):
        for f in range(0, F):
            for i in range(0, OH):
                for j in range(0, OW):
                    total = b[f]
                    for c in range(0, C):
                        patch = xp[n, c, i*S:i*S + HH, j*S:j*S + WW]
                        total = total + np.sum(patch * w[f, c])
                    out[n, f, i, j] = total
    cache = [xp, x, w, b, S, P]
    return out, cache

def conv_backward_naive(dout, cache):
    [xp, x, w, b, S, P] = cache
    [N, F, OH, OW] = np.shape(dout)
    [_, C, HH, WW] = np.shape(w)
    dxp = np.zeros(np.shape(xp))
    dw = np.zeros(np.shape(w))
    db = np.zeros(np.shape(b))
    for n in range(0, N):
        for f in range(0, F):
            for i in range(0, OH):
                for j in range(0, OW):
                    g = dout[n, f, i, j]
                    db[f] = db[f] + g
                    for c in range(0, C):
                        patch = xp[n, c, i*S:i*S + HH, j*S:j*S + WW]
                        dw[f, c] = dw[f, c] + patch * g
                        dxp[n, c, i*S:i*S + HH, j*S:j*S + WW] += w[f, c] * g
    [H, W] = np.shape(x)[2:]
    dx = dxp[:, :, P:P + H, P:P + W]
    return dx, dw, db

def max_pool_forward_naive(x, pool_param):
    [N, C, H, W] = np.shape(x)
    [PH, PW, S] = [pool_param['pool_height'], pool_param['pool_width'], pool_param['stride']]
    OH = (H - PH) // S + 1
    OW = (W - PW) // S + 1
    out = np.zeros([N, C, OH, OW])
    where = np.zeros([N, C, OH, OW, 2], dtype=int)
    for n in range(0, N):
        for c in range(0, C):
            for i in range(0, OH):
                for j in range(0, OW):
                    best = -np.inf
                    for a in range(0, PH):
                        for d in range(0, PW):
                            v = x[n, c, i*S + a, j*S + d]
                            if v > best:
                                best = v
                                where[n, c, i, j] = [i*S + a, j*S + d]
                    out[n, c, i, j] = best
    return out, [np.shape(x), where]

def max_pool_backward_naive(dout, cache):
    [shape, where] = cache
    dx = np.zeros(shape)
    [N, C, OH, OW] = np.shape(dout)
    for n in range(0, N):
        for c in range(0, C):
            for i in range(0, OH):
                for j in range(0, OW):
                    [r, s] = where[n, c, i, j]
                    dx[n, c, r, s] += dout[n, c, i, j]
    return dx

def dropout_forward(x, dropout_param):
    [p, mode] = [dropout_param['p'], dropout_param['mode']]
    if 'seed' in dropout_param:
        np.random.seed(dropout_param['seed'])
    mask = np.ones(np.shape(x))
    if mode == 'train':
        mask = (np.random.uniform(0, 1, np.shape(x)) < p) / p
    return x * mask, [mask]

def dropout_backward(dout, cache):
    return dout * cache[0]

def batchnorm_forward(x, gamma, beta, bn_param):
    [N, D] = np.shape(x)
    e = bn_param.get('eps', 1e-5)
    mom = bn_param.get('momentum', 0.9)
    rm = bn_param.get('running_mean', np.zeros(D))
    rv = bn_param.get('running_var', np.zeros(D))
    if bn_param['mode'] == 'train':
        mu = np.sum(x, 0) / N
        va = np.sum((x - mu)**2, 0) / N
        rm = mom*rm + (1 - mom)*mu
        rv = mom*rv + (1 - mom)*va
    else:
        mu = rm
        va = rv
    bn_param['running_mean'] = rm
    bn_param['running_var'] = rv
    sd = np.sqrt(va + e)
    y = (x - mu) / sd
    return y*gamma + beta, [x, mu, sd, gamma]

def batchnorm_backward(dout, cache):
    [x, mu, sd, gamma] = cache
    [N, D] = np.shape(dout)
    dbeta = np.sum(dout, 0)
    dgamma = np.sum(dout * (x - mu) / sd, 0)
    dy = dout * gamma
    dva = np.sum(dy * (x - mu), 0) * (-0.5) * sd**(-3)
    dmu = np.sum(-dy / sd, 0) + dva * np.sum(-2*(x - mu), 0) / N
    dx = dy / sd + dva * 2*(x - mu) / N + dmu / N
    return dx, dgamma, dbeta
