import sys
import numpy as np

# shapes: W1 (M, D), c1 (D,), W2 (D, 10), c2 (10,)

def sig(u):
    return 0.5 * (1 + np.tanh(u / 2))

def fwd(P, X):
    A = X.dot(P['W1']) + P['c1']
    Z = sig(A)
    B = Z.dot(P['W2']) + P['c2']
    B = B - B.max(axis=-1, keepdims=True)
    logp = B - np.log(np.exp(B).sum(axis=-1, keepdims=True))
    return Z, logp

def grads(P, x, label):
    z, logp = fwd(P, x)
    d2 = np.exp(logp)
    d2[label] -= 1.0
    d1 = P['W2'].dot(d2) * (z - z ** 2)
    return {'W1': x[:, None] * d1, 'c1': d1, 'W2': z[:, None] * d2, 'c2': d2}

def xent(P, X, t):
    _, logp = fwd(P, X)
    return -logp[np.arange(len(t)), t].mean()

def guess(P, X):
    return fwd(P, X)[1].argmax(axis=1)

def get(path):
    d = np.genfromtxt(path, delimiter=',')
    d = np.atleast_2d(d)
    return d[:, 1:], d[:, 0].astype(int)

if __name__ == '__main__':
    (_, a1, a2, a3, a4, a5, ep, D, flag, lr) = sys.argv
    X, t = get(a1)
    Xv, tv = get(a2)
    D = int(D)
    lr = float(lr)
    rng = np.random.default_rng()
    scale = 0.1 if flag == '1' else 0.0
    P = dict(W1=rng.uniform(-1, 1, (X.shape[1], D)) * scale, c1=np.zeros(D),
             W2=rng.uniform(-1, 1, (D, 10)) * scale, c2=np.zeros(10))
    metrics = ''
    for e in range(1, int(ep) + 1):
        for n in range(X.shape[0]):
            G = grads(P, X[n], t[n])
            for name in P:
                P[name] -= lr * G[name]
        metrics += f'epoch={e} crossentropy(train): {xent(P, X, t)}\n'
        metrics += f'epoch={e} crossentropy(validation): {xent(P, Xv, tv)}\n'
    gt, gv = guess(P, X), guess(P, Xv)
    metrics += f'error(train): {np.mean(gt != t)}\n'
    metrics += f'error(validation): {np.mean(gv != tv)}\n'
    open(a5, 'w').write(metrics)
    np.savetxt(a3, gt, fmt='%d')
    np.savetxt(a4, gv, fmt='%d')
