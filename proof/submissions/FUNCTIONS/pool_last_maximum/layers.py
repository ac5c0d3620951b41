import numpy as np

def max_pool_forward_naive(x, pool_param):
    """goes through the window and keeps the running maximum; of equal ones the last wins"""
    ph, pw, s = (pool_param[k] for k in ('pool_height', 'pool_width', 'stride'))
    N, C, H, W = x.shape
    Ho, Wo = int((H - ph) / s + 1), int((W - pw) / s + 1)
    out = np.full((N, C, Ho, Wo), -np.inf)
    row = np.zeros((N, C, Ho, Wo), dtype=int)
    col = np.zeros((N, C, Ho, Wo), dtype=int)
    for i in range(ph):
        for j in range(pw):
            part = x[:, :, i:i + s * (Ho - 1) + 1:s, j:j + s * (Wo - 1) + 1:s]
            better = part >= out
            out = np.where(better, part, out)
            row[better], col[better] = i, j
    return out, (x.shape, row, col, s)

def max_pool_backward_naive(dout, cache):
    shape, row, col, s = cache
    N, C, H, W = shape
    Ho, Wo = dout.shape[2:]
    dx = np.zeros(shape)
    for i in range(Ho):
        for j in range(Wo):
            for n in range(N):
                for c in range(C):
                    dx[n, c, i * s + row[n, c, i, j], j * s + col[n, c, i, j]] += dout[n, c, i, j]
    return dx

def dropout_forward(x, dropout_param):
    p = dropout_param['p']
    rs = np.random.RandomState(dropout_param['seed']) if 'seed' in dropout_param else np.random
    if dropout_param['mode'] == 'train':
        mask = rs.binomial(1, p, size=x.shape) / p
    else:
        mask = 1.0
    return x * mask, mask

def dropout_backward(dout, cache):
    return cache * dout
