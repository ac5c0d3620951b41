import numpy as np

# Faltung: zwei Schleifen ueber den Kern statt vier ueber die Ausgabe; die Kanaele stehen innen hinten (NHWC).

def conv_forward_naive(x, w, b, conv_param):
    st, pd = conv_param['stride'], conv_param['pad']
    xh = np.zeros((x.shape[0], x.shape[2] + 2 * pd, x.shape[3] + 2 * pd, x.shape[1]))
    xh[:, pd:pd + x.shape[2], pd:pd + x.shape[3], :] = np.moveaxis(x, 1, -1)
    HH, WW = w.shape[-2:]
    Ho = (xh.shape[1] - HH) // st + 1
    Wo = (xh.shape[2] - WW) // st + 1
    out = np.tile(b.astype(float), (x.shape[0], Ho, Wo, 1))
    for i in range(HH):
        for j in range(WW):
            teil = xh[:, i:i + st * (Ho - 1) + 1:st, j:j + st * (Wo - 1) + 1:st, :]
            out += teil @ w[:, :, i, j].T
    return np.moveaxis(out, -1, 1), (xh, w, st, pd, x.shape)

def conv_backward_naive(dout, cache):
    xh, w, st, pd, shape = cache
    d = np.moveaxis(dout, 1, -1)
    N, Ho, Wo, F = d.shape
    dxh = np.zeros_like(xh)
    dw = np.zeros(w.shape)
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            ort = (slice(None), slice(i, i + st * (Ho - 1) + 1, st), slice(j, j + st * (Wo - 1) + 1, st))
            dw[:, :, i, j] = np.tensordot(d, xh[ort], axes=([0, 1, 2], [0, 1, 2]))
            dxh[ort] += d @ w[:, :, i, j]
    dx = np.moveaxis(dxh[:, pd:pd + shape[2], pd:pd + shape[3]], -1, 1)
    return dx, dw, d.reshape(-1, F).sum(axis=0)
