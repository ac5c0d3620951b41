"""neuralnet.py -- A. Kowalska, section C

Inside, the ones sit in the LAST column (x = [pixels, 1]), not in column 0.
"""
import sys
import numpy as np

N_CLASSES = 10

class Namespace(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__

def ones_last(v):
    return np.concatenate([v, np.ones(v.shape[:-1] + (1,))], axis=-1)

def logistic(a):
    out = np.empty_like(a)
    pos = a >= 0
    out[pos] = 1. / (1. + np.exp(-a[pos]))
    t = np.exp(a[~pos])
    out[~pos] = t / (1. + t)
    return out

def log_softmax(b):
    m = np.amax(b, -1, keepdims=True)
    return b - m - np.log(np.sum(np.exp(b - m), -1, keepdims=True))

def NNFORWARD(x, y, alpha, beta):
    o = Namespace()
    o.x = x
    o.a = np.einsum('dm,...m->...d', alpha, x)
    o.s = logistic(o.a)
    o.z = ones_last(o.s)
    o.b = np.einsum('kd,...d->...k', beta, o.z)
    o.logy = log_softmax(o.b)
    o.J = -np.einsum('...k,...k->...', y, o.logy)
    return o

def NNBACKWARD(x, y, alpha, beta, o):
    g_b = np.exp(o.logy) - y
    g_beta = np.einsum('k,d->kd', g_b, o.z)
    g_s = np.einsum('k,kd->d', g_b, beta[:, :-1])
    g_a = g_s * o.s * (1. - o.s)
    g_alpha = np.einsum('d,m->dm', g_a, x)
    return g_alpha, g_beta

def SGD(D, Dt, alpha, beta, E, gamma):
    X, Y = D
    for e in range(1, E + 1):
        for x, y in zip(X, Y):
            o = NNFORWARD(x, y, alpha, beta)
            g_alpha, g_beta = NNBACKWARD(x, y, alpha, beta, o)
            alpha = alpha - gamma * g_alpha
            beta = beta - gamma * g_beta
        yield e, alpha, beta, *(NNFORWARD(*d, alpha, beta).J.mean() for d in (D, Dt))

def PREDICT(X, Y, alpha, beta):
    return NNFORWARD(X, Y, alpha, beta).b.argmax(-1)

def dataset(path):
    with open(path) as f:
        rows = [line.split(',') for line in f.read().splitlines() if line]
    t = np.array([int(float(r[0])) for r in rows])
    X = ones_last(np.array([r[1:] for r in rows], dtype=float))
    Y = (t[:, None] == np.arange(N_CLASSES)).astype(float)
    return X, Y, t

def main(train_in, valid_in, train_out, valid_out, metrics_out, E, D, flag, gamma):
    X, Y, t = dataset(train_in)
    Xv, Yv, tv = dataset(valid_in)
    D = int(D)
    alpha = np.zeros((D, X.shape[1]))
    beta = np.zeros((N_CLASSES, D + 1))
    if int(flag) == 1:
        for w in (alpha, beta):
            w[:, :-1] = np.random.uniform(-.1, .1, w[:, :-1].shape)
    with open(metrics_out, 'w') as m:
        for e, alpha, beta, J, Jv in SGD((X, Y), (Xv, Yv), alpha, beta, int(E), float(gamma)):
            print(f'epoch={e} crossentropy(train): {J}', file=m)
            print(f'epoch={e} crossentropy(validation): {Jv}', file=m)
        for word, x, y, lab, out in (('train', X, Y, t, train_out), ('validation', Xv, Yv, tv, valid_out)):
            p = PREDICT(x, y, alpha, beta)
            print(f'error({word}): {(p != lab).mean()}', file=m)
            with open(out, 'w') as f:
                f.writelines(f'{v}\n' for v in p)

if __name__ == '__main__':
    main(*sys.argv[1:])
