import math
import numpy as np

def affine_forward(x, w, b):
    rows = []
    for case in x:
        values = list(case.flat)
        row = []
        for m in range(len(b)):
            s = float(b[m])
            for d, v in enumerate(values):
                s += v * w[d, m]
            row.append(s)
        rows.append(row)
    return np.array(rows), (x, w, b)

def affine_backward(dout, cache):
    x, w, b = cache
    dx = []
    dw = np.zeros(w.shape)
    db = [0.0] * len(b)
    for n in range(len(x)):
        values = list(x[n].flat)
        back = []
        for d in range(len(values)):
            s = 0.0
            for m in range(len(b)):
                s += dout[n, m] * w[d, m]
                dw[d, m] += values[d] * dout[n, m]
            back.append(s)
        for m in range(len(b)):
            db[m] += dout[n, m]
        dx.append(np.reshape(back, x[n].shape))
    return np.array(dx), dw, np.array(db)

def relu_forward(x):
    out = x.copy()
    for place in np.ndindex(*x.shape):
        if out[place] < 0:
            out[place] = 0
    return out, x

def relu_backward(dout, cache):
    x = cache
    dx = np.zeros(x.shape)
    it = np.nditer(x, flags=['multi_index'])
    for v in it:
        if v > 0:
            dx[it.multi_index] = dout[it.multi_index]
    return dx

def softmax_loss(x, y):
    loss = 0.0
    dx = []
    for scores, label in zip(x.tolist(), y.tolist()):
        top = max(scores)
        exps = [math.exp(s - top) for s in scores]
        total = math.fsum(exps)
        loss += math.log(total) - (scores[label] - top)
        dx.append([(e / total - (k == label)) / len(y) for k, e in enumerate(exps)])
    return loss / len(y), np.array(dx)

def mse(y, t):
    total = 0.0
    n = 0
    for a, b in zip(y.flat, t.flat):
        total += (a - b) * (a - b)
        n += 1
    return total / n

def mse_grad(y, t):
    g = [2 * (a - b) / y.size for a, b in zip(y.flat, t.flat)]
    return np.array(g).reshape(y.shape)
