import sys
import warnings
import numpy as np
warnings.simplefilter('ignore', PendingDeprecationWarning)

# I like MATLAB, so np.matrix and F order

class Net:
    """weights are made when the first example arrives"""

    def __init__(self, D, flag):
        self.D, self.flag = D, flag
        self._alpha = None
        self._beta = None

    def _make(self, r, c):
        W = np.asfortranarray(np.zeros((r, c)))
        if self.flag == 1:
            W[:, 1:] = 0.2 * np.random.random_sample((r, c - 1)) - 0.1
        return np.matrix(W)

    def ensure(self, x):
        if self._alpha is None:
            self._alpha = self._make(self.D, x.shape[0])
            self._beta = self._make(10, self.D + 1)

    def probs(self, x):
        self.ensure(x)
        s = 1.0 / (1.0 + np.exp(-(self._alpha * x)))
        z = np.matrix(np.vstack([[[1.0]], s]))
        b = self._beta * z
        e = np.exp(b - b.max())
        return z, e / e.sum()

    def ce(self, x, k):
        self.ensure(x)
        z, p = self.probs(x)
        if p[k, 0] > 0:
            return -np.log(p[k, 0])
        b = self._beta * z            # p has underflowed: use the scores
        return float(b.max() + np.log(np.exp(b - b.max()).sum()) - b[k, 0])

    def train(self, x, k, lr):
        z, p = self.probs(x)
        d = p.copy()
        d[k, 0] -= 1
        s = z[1:, :]
        back = np.multiply(self._beta[:, 1:].T * d, np.multiply(s, 1 - s))
        self._beta = self._beta - lr * (d * z.T)
        self._alpha = self._alpha - lr * (back * x.T)

def load(f):
    d = np.matrix(np.loadtxt(f, delimiter=',', ndmin=2))
    lab = [int(v) for v in d[:, 0].A1]
    d[:, 0] = 1
    return [d[i, :].T for i in range(d.shape[0])], lab

tin, vin, tout, vout, mout, E, D, flag, lr = sys.argv[1:]
lr = float(lr)
X, t = load(tin)
V, tv = load(vin)
net = Net(int(D), int(flag))
m = open(mout, 'w')
for e in range(1, int(E) + 1):
    for x, k in zip(X, t):
        net.train(x, k, lr)
    m.write('epoch=%d crossentropy(train): %.13f\n' % (e, np.mean([net.ce(x, k) for x, k in zip(X, t)])))
    m.write('epoch=%d crossentropy(validation): %.13f\n' % (e, np.mean([net.ce(x, k) for x, k in zip(V, tv)])))
for S, lab, out, word in ((X, t, tout, 'train'), (V, tv, vout, 'validation')):
    P = [int(net.probs(x)[1].argmax()) for x in S]
    open(out, 'w').write('\n'.join(str(q) for q in P) + '\n')
    m.write('error(%s): %s\n' % (word, sum(1 for q, k in zip(P, lab) if q != k) / float(len(lab))))
m.close()
