# 10-601 HW5
import numpy as np
import sys

class NeuralNetwork(object):

    def __init__(self, n_features, n_hidden, n_classes, init_flag):
        shape_a = (n_hidden, n_features + 1)
        shape_b = (n_classes, n_hidden + 1)
        if init_flag == 1:
            self.alpha = np.random.uniform(-0.1, 0.1, shape_a)
            self.beta = np.random.uniform(-0.1, 0.1, shape_b)
            self.alpha[:, 0] = 0.0
            self.beta[:, 0] = 0.0
        else:
            self.alpha = np.zeros(shape_a)
            self.beta = np.zeros(shape_b)

    # everything is a column vector here
    def forward(self, x):
        self.x = x
        self.a = self.alpha @ self.x
        self.z = np.ones((self.a.shape[0] + 1, 1))
        self.z[1:] = 1 / (1 + np.exp(-self.a))
        self.b = self.beta @ self.z
        ex = np.exp(self.b - self.b.max())
        self.yhat = ex / ex.sum()
        self.logy = self.b - self.b.max() - np.log(ex.sum())
        return self.yhat

    def backward(self, y):
        self.g_b = self.yhat - y
        self.g_beta = self.g_b @ self.z.T
        self.g_z = self.beta.T @ self.g_b
        dsig = self.z * (1 - self.z)
        self.g_a = (self.g_z * dsig)[1:]
        self.g_alpha = self.g_a @ self.x.T

    def step(self, lr):
        self.alpha -= lr * self.g_alpha
        self.beta -= lr * self.g_beta

    def loss(self, xs, ys):
        s = 0
        for i in range(len(xs)):
            self.forward(xs[i])
            s -= np.sum(ys[i] * self.logy)
        return s / len(xs)

    def labels(self, xs):
        out = []
        for x in xs:
            out.append(np.argmax(self.forward(x)))
        return out

def read_file(name):
    xs, ys, t = [], [], []
    with open(name) as f:
        for line in f:
            line = line.strip()
            if line == '':
                continue
            v = [float(s) for s in line.split(',')]
            t.append(int(v[0]))
            y = np.zeros((10, 1))
            y[int(v[0]), 0] = 1
            ys.append(y)
            xs.append(np.array([1.0] + v[1:]).reshape(-1, 1))
    return xs, ys, t

def write_labels(name, labels):
    f = open(name, 'w')
    for l in labels:
        f.write(str(l) + '\n')
    f.close()

def error_rate(pred, t):
    wrong = 0
    for i in range(len(t)):
        if pred[i] != t[i]:
            wrong += 1
    return wrong / len(t)

if __name__ == '__main__':
    args = sys.argv
    xs, ys, t = read_file(args[1])
    vxs, vys, vt = read_file(args[2])
    epochs = int(args[6])
    net = NeuralNetwork(len(xs[0]) - 1, int(args[7]), 10, int(args[8]))
    lr = float(args[9])
    lines = []
    for ep in range(epochs):
        for i in range(len(xs)):
            net.forward(xs[i])
            net.backward(ys[i])
            net.step(lr)
        lines.append('epoch={} crossentropy(train): {}'.format(ep + 1, net.loss(xs, ys)))
        lines.append('epoch={} crossentropy(validation): {}'.format(ep + 1, net.loss(vxs, vys)))
    p = net.labels(xs)
    vp = net.labels(vxs)
    lines.append('error(train): {}'.format(error_rate(p, t)))
    lines.append('error(validation): {}'.format(error_rate(vp, vt)))
    write_labels(args[3], p)
    write_labels(args[4], vp)
    m = open(args[5], 'w')
    m.write('\n'.join(lines) + '\n')
    m.close()
