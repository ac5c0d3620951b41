from __future__ import division, print_function
import numpy as np
import sys

class Data(object):
    def __init__(self, path, n_classes):
        raw = np.loadtxt(path, delimiter=',', ndmin=2)
        self.labels = raw[:, 0].astype(int)
        self.n = raw.shape[0]
        self.X = np.ones(raw.shape)
        self.X[:, 1:] = raw[:, 1:]
        self.Y = np.zeros((self.n, n_classes))
        for i in range(self.n):
            self.Y[i, self.labels[i]] = 1.0

def forward(x, alpha, beta):
    a = np.matmul(alpha, x)
    z = 1.0 / (1.0 + np.exp(-a))
    z = np.insert(z, 0, 1.0)
    b = np.matmul(beta, z)
    b = b - np.max(b)
    log_y = b - np.log(np.sum(np.exp(b)))
    return z, log_y

def backward(x, y, z, log_y, beta):
    delta_b = np.exp(log_y) - y
    g_beta = np.outer(delta_b, z)
    delta_z = np.matmul(beta[:, 1:].T, delta_b)
    delta_a = delta_z * z[1:] * (1.0 - z[1:])
    g_alpha = np.outer(delta_a, x)
    return g_alpha, g_beta

def evaluate(data, alpha, beta):
    J = 0.0
    predicted = []
    for x, y in zip(data.X, data.Y):
        z, log_y = forward(x, alpha, beta)
        J -= np.sum(y * log_y)
        predicted.append(np.argmax(log_y))
    predicted = np.array(predicted)
    wrong = np.count_nonzero(predicted != data.labels)
    return J / data.n, predicted, wrong / data.n

def sgd(train, valid, D, epochs, flag, rate, metrics):
    M = train.X.shape[1]
    K = train.Y.shape[1]
    alpha = np.zeros((D, M))
    beta = np.zeros((K, D + 1))
    if flag == 1:
        alpha[:, 1:] = np.random.uniform(-0.1, 0.1, (D, M - 1))
        beta[:, 1:] = np.random.uniform(-0.1, 0.1, (K, D))
    for e in range(1, epochs + 1):
        for x, y in zip(train.X, train.Y):
            z, log_y = forward(x, alpha, beta)
            g_alpha, g_beta = backward(x, y, z, log_y, beta)
            alpha -= rate * g_alpha
            beta -= rate * g_beta
        print('epoch=%d crossentropy(train): %.12f' % (e, evaluate(train, alpha, beta)[0]), file=metrics)
        print('epoch=%d crossentropy(validation): %.12f' % (e, evaluate(valid, alpha, beta)[0]), file=metrics)
    return alpha, beta

def main():
    n_classes = 10
    train = Data(sys.argv[1], n_classes)
    valid = Data(sys.argv[2], n_classes)
    metrics = open(sys.argv[5], 'w')
    alpha, beta = sgd(train, valid, int(sys.argv[7]), int(sys.argv[6]), int(sys.argv[8]), float(sys.argv[9]), metrics)
    _, p, e = evaluate(train, alpha, beta)
    _, pv, ev = evaluate(valid, alpha, beta)
    print('error(train): %s' % e, file=metrics)
    print('error(validation): %s' % ev, file=metrics)
    metrics.close()
    np.savetxt(sys.argv[3], p, fmt='%d')
    np.savetxt(sys.argv[4], pv, fmt='%d')

main()
