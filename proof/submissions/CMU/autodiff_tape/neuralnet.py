# A tiny reverse-mode tape over numpy vectors, then the network on top of it.
import sys
import numpy as np

class Var:
    def __init__(self, value, parents=(), pull=None):
        self.value = np.asarray(value, dtype=float)
        self.parents = parents
        self.pull = pull
        self.grad = np.zeros_like(self.value)

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if id(v) in seen:
                return
            seen.add(id(v))
            for p in v.parents:
                visit(p)
            order.append(v)

        visit(self)
        self.grad = np.ones_like(self.value)
        for v in reversed(order):
            if v.pull is not None:
                for p, g in zip(v.parents, v.pull(v.grad)):
                    p.grad = p.grad + g

def matvec(W, x):
    return Var(W.value @ x.value, (W, x), lambda g: (np.outer(g, x.value), W.value.T @ g))

def add(u, v):
    return Var(u.value + v.value, (u, v), lambda g: (g, g))

def sigmoid(a):
    s = 1 / (1 + np.exp(-a.value))
    return Var(s, (a,), lambda g: (g * s * (1 - s),))

def logsumexp(b):
    m = b.value.max()
    e = np.exp(b.value - m)
    return Var(m + np.log(e.sum()), (b,), lambda g: (g * e / e.sum(),))

def pick(b, k):
    def pull(g):
        out = np.zeros_like(b.value)
        out[k] = g
        return (out,)
    return Var(b.value[k], (b,), pull)

def minus(u, v):
    return Var(u.value - v.value, (u, v), lambda g: (g, -g))

def scores(p, x):
    return add(matvec(p['beta'], sigmoid(add(matvec(p['alpha'], Var(x)), p['alpha0']))), p['beta0'])

def J(p, x, k):
    b = scores(p, x)
    return minus(logsumexp(b), pick(b, k))

def read(path):
    rows = np.loadtxt(path, delimiter=',', ndmin=2)
    return list(zip(rows[:, 1:], rows[:, 0].astype(int)))

def mean_J(p, data):
    return sum(J(p, x, k).value for x, k in data) / len(data)

def main(argv):
    train, valid = read(argv[1]), read(argv[2])
    epochs, D, flag, lr = int(argv[6]), int(argv[7]), int(argv[8]), float(argv[9])
    M = len(train[0][0])
    draw = (lambda *s: np.random.uniform(-0.1, 0.1, s)) if flag == 1 else (lambda *s: np.zeros(s))
    p = {'alpha': Var(draw(D, M)), 'alpha0': Var(np.zeros(D)),
         'beta': Var(draw(10, D)), 'beta0': Var(np.zeros(10))}
    text = []
    for e in range(epochs):
        for x, k in train:
            for v in p.values():
                v.grad = np.zeros_like(v.value)
            J(p, x, k).backward()
            for v in p.values():
                v.value = v.value - lr * v.grad
        text.append('epoch=%d crossentropy(train): %s' % (e + 1, mean_J(p, train)))
        text.append('epoch=%d crossentropy(validation): %s' % (e + 1, mean_J(p, valid)))
    for data, path, word in ((train, argv[3], 'train'), (valid, argv[4], 'validation')):
        guess = [int(np.argmax(scores(p, x).value)) for x, _ in data]
        with open(path, 'w') as f:
            f.write(''.join('%d\n' % g for g in guess))
        text.append('error(%s): %s' % (word, sum(g != k for g, (_, k) in zip(guess, data)) / len(data)))
    with open(argv[5], 'w') as f:
        f.write('\n'.join(text) + '\n')

if __name__ == '__main__':
    main(sys.argv)
