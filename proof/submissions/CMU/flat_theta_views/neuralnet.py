import sys
import numpy as np
from collections import namedtuple

# All parameters live in one long vector; alpha and beta are views of it.

Sizes = namedtuple('Sizes', 'M D K')

def views(theta, s):
    cut = s.D * (s.M + 1)
    return theta[:cut].reshape(s.D, s.M + 1), theta[cut:].reshape(s.K, s.D + 1)

def forward(x, theta, s):
    alpha, beta = views(theta, s)
    z = np.empty(s.D + 1)
    z[0] = 1
    np.matmul(alpha, x, out=z[1:])
    z[1:] = 1 / (1 + np.exp(-z[1:]))
    b = beta @ z
    m = b.max()
    lse = m + np.log(np.exp(b - m).sum())
    return z, b, lse

def backprop(x, label, theta, s):
    alpha, beta = views(theta, s)
    z, b, lse = forward(x, theta, s)
    grad = np.zeros_like(theta)
    g_alpha, g_beta = views(grad, s)
    g_b = np.exp(b - lse)
    g_b[label] -= 1
    g_beta[...] = np.multiply.outer(g_b, z)
    g_z = g_b @ beta
    g_a = g_z[1:] * z[1:] * (1 - z[1:])
    g_alpha[...] = np.multiply.outer(g_a, x)
    return grad

def finite_diff(x, label, theta, s, epsilon=1e-5):
    # not called; kept for debugging (section A.6)
    grad = np.zeros_like(theta)
    for m in range(theta.size):
        d = np.zeros_like(theta)
        d[m] = epsilon
        v = 0
        for sign in (1, -1):
            _, b, lse = forward(x, theta + sign * d, s)
            v += sign * (lse - b[label])
        grad[m] = v / (2 * epsilon)
    return grad

def evaluate(X, labels, theta, s):
    J = 0.0
    for x, l in zip(X, labels):
        _, b, lse = forward(x, theta, s)
        J += lse - b[l]
    return J / len(labels)

def classify(X, theta, s):
    return np.array([forward(x, theta, s)[1].argmax() for x in X])

def load(path):
    table = np.loadtxt(path, delimiter=',', ndmin=2)
    labels = table[:, 0].astype(np.int64)
    table[:, 0] = 1.0
    return table, labels

def main():
    X, t = load(sys.argv[1])
    Xv, tv = load(sys.argv[2])
    s = Sizes(X.shape[1] - 1, int(sys.argv[7]), 10)
    theta = np.zeros(s.D * (s.M + 1) + s.K * (s.D + 1))
    if sys.argv[8] == '1':
        for w in views(theta, s):
            w[:, 1:] = np.random.uniform(-0.1, 0.1, size=(w.shape[0], w.shape[1] - 1))
    rate = float(sys.argv[9])
    with open(sys.argv[5], 'w') as out:
        for epoch in range(int(sys.argv[6])):
            for x, label in zip(X, t):
                theta -= rate * backprop(x, label, theta, s)
            out.write('epoch=%d crossentropy(train): %r\n' % (epoch + 1, float(evaluate(X, t, theta, s))))
            out.write('epoch=%d crossentropy(validation): %r\n' % (epoch + 1, float(evaluate(Xv, tv, theta, s))))
        p, pv = classify(X, theta, s), classify(Xv, theta, s)
        out.write('error(train): %r\n' % float((p != t).mean()))
        out.write('error(validation): %r\n' % float((pv != tv).mean()))
    for path, labels in ((sys.argv[3], p), (sys.argv[4], pv)):
        with open(path, 'w') as f:
            f.write('\n'.join(map(str, labels)) + '\n\n')

if __name__ == '__main__':
    main()
