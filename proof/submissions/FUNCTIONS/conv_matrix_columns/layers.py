# im2col with index arrays, matrix product, and back by bincount
import numpy as np

def indices(shape, kh, kw, stride):
    C, H, W = shape
    oh, ow = (H - kh) // stride + 1, (W - kw) // stride + 1
    base = np.arange(C * H * W).reshape(C, H, W)
    rows = []
    for i in range(oh):
        for j in range(ow):
            rows.append(base[:, i * stride:i * stride + kh, j * stride:j * stride + kw].ravel())
    return np.array(rows), oh, ow

def conv_forward_naive(x, w, b, conv_param):
    pad = conv_param.get('pad', 0)
    big = np.zeros((x.shape[0], x.shape[1], x.shape[2] + 2 * pad, x.shape[3] + 2 * pad), dtype=x.dtype)
    big[:, :, pad:pad + x.shape[2], pad:pad + x.shape[3]] = x
    idx, oh, ow = indices(big.shape[1:], w.shape[2], w.shape[3], conv_param.get('stride', 1))
    cols = big.reshape(len(x), -1)[:, idx]
    out = cols @ w.reshape(len(w), -1).T + b
    out = out.transpose(0, 2, 1).reshape(len(x), len(w), oh, ow)
    cache = dict(cols=cols, idx=idx, w=w, big=big.shape, pad=pad, x=x.shape)
    return out, cache

def conv_backward_naive(dout, cache):
    n, f = dout.shape[:2]
    d = dout.reshape(n, f, -1).transpose(0, 2, 1)
    dw = np.tensordot(d, cache['cols'], axes=([0, 1], [0, 1])).reshape(cache['w'].shape)
    db = d.sum(axis=(0, 1))
    dcols = d @ cache['w'].reshape(f, -1)
    size = int(np.prod(cache['big'][1:]))
    dbig = np.array([np.bincount(cache['idx'].ravel(), weights=dcols[k].ravel(), minlength=size)
                     for k in range(n)]).reshape(cache['big'])
    pad = cache['pad']
    H, W = cache['x'][2:]
    dx = dbig[..., pad:H + pad, pad:W + pad]
    return dx, dw, db

def max_pool_forward_naive(x, pool_param):
    N, C, H, W = x.shape
    idx, oh, ow = indices((1, H, W), pool_param['pool_height'], pool_param['pool_width'], pool_param['stride'])
    cols = x.reshape(N * C, -1)[:, idx]
    return cols.max(axis=2).reshape(N, C, oh, ow), (x, cols, idx)

def max_pool_backward_naive(dout, cache):
    # equal maxima share the gradient
    x, cols, idx = cache
    mask = cols == cols.max(axis=2, keepdims=True)
    d = mask / mask.sum(axis=2, keepdims=True) * dout.reshape(len(cols), -1, 1)
    dx = np.zeros((len(cols), x.shape[2] * x.shape[3]))
    for r in range(len(idx)):
        dx[:, idx[r]] += d[:, r]
    return dx.reshape(x.shape)
