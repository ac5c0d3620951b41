import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

def _pad(x, p):
    return np.pad(x, [(0, 0)] * 2 + [(p, p)] * 2)

def conv_forward_naive(x, w, b, conv_param):
    s, p = conv_param['stride'], conv_param['pad']
    win = sliding_window_view(_pad(x, p), w.shape[2:], axis=(2, 3))[:, :, ::s, ::s]
    out = np.einsum('nchwij,fcij->nfhw', win, w) + b[None, :, None, None]
    return out, (x.shape, win, w, s, p)

def conv_backward_naive(dout, cache):
    shape, win, w, s, p = cache
    N, C, H, W = shape
    F, _, HH, WW = w.shape
    Ho, Wo = dout.shape[2:]
    dw = np.einsum('nchwij,nfhw->fcij', win, dout)
    db = np.einsum('nfhw->f', dout)
    dxp = np.zeros((N, C, H + 2 * p, W + 2 * p))
    for i in range(HH):
        for j in range(WW):
            dxp[:, :, i:i + s * Ho:s, j:j + s * Wo:s] += np.einsum('nfhw,fc->nchw', dout, w[:, :, i, j])
    return dxp[:, :, p:p + H, p:p + W], dw, db

def max_pool_forward_naive(x, pool_param):
    h, w, s = pool_param['pool_height'], pool_param['pool_width'], pool_param['stride']
    win = sliding_window_view(x, (h, w), axis=(2, 3))[:, :, ::s, ::s]
    flat = win.reshape(win.shape[:4] + (h * w,))
    best = flat.argmax(axis=-1)
    return np.take_along_axis(flat, best[..., None], -1)[..., 0], (x.shape, best, w, s)

def max_pool_backward_naive(dout, cache):
    shape, best, w, s = cache
    dx = np.zeros(shape)
    n, c, i, j = np.indices(best.shape)
    np.add.at(dx, (n, c, i * s + best // w, j * s + best % w), dout)
    return dx
