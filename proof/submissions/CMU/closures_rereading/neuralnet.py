import sys
import numpy as np

def make_network(M, D, K, init):
    alpha = init((D, M))
    beta = init((K, D))
    a0 = np.zeros(D)
    b0 = np.zeros(K)
    cache = {}

    def forward(x):
        cache['x'] = x
        cache['z'] = z = 1 / (1 + np.exp(-(alpha @ x + a0)))
        cache['b'] = b = beta @ z + b0
        w = np.exp(b - b.max())
        cache['p'] = w / w.sum()
        return cache['p']

    def loss(x, k):
        forward(x)
        b = cache['b']
        # log(sum_l exp(b_l - b_k))
        return np.logaddexp.reduce(b - b[k])

    def learn(x, k, lr):
        nonlocal alpha, beta, a0, b0
        forward(x)
        delta = dict()
        delta['out'] = cache['p'] - np.eye(K)[k]
        delta['hid'] = (delta['out'] @ beta) * cache['z'] * (1 - cache['z'])
        beta = beta - lr * np.outer(delta['out'], cache['z'])
        b0 = b0 - lr * delta['out']
        alpha = alpha - lr * np.outer(delta['hid'], cache['x'])
        a0 = a0 - lr * delta['hid']

    def predict(x):
        return int(np.argmax(forward(x)))

    return learn, loss, predict

def rows(path):
    """generator: one (label, pixels) at a time; the file is read again for every pass"""
    with open(path) as f:
        for line in f:
            if not line.isspace():
                v = np.array([float(u) for u in line.split(',')])
                yield int(v[0]), v[1:]

def main():
    args = sys.argv[1:]
    train, valid = args[0], args[1]
    lr = float(args[8])
    M = next(rows(train))[1].size
    inits = {'1': lambda shape: np.random.uniform(-0.1, 0.1, shape), '2': np.zeros}
    learn, loss, predict = make_network(M, int(args[6]), 10, inits[args[7]])
    mean = lambda path: np.mean([loss(x, k) for k, x in rows(path)])
    with open(args[4], 'w') as metrics:
        for epoch in range(int(args[5])):
            for k, x in rows(train):
                learn(x, k, lr)
            for name, path in (('train', train), ('validation', valid)):
                metrics.write('epoch={} crossentropy({}): {}\n'.format(epoch + 1, name, mean(path)))
                print(name, mean(path))
        for name, path, out in (('train', train, args[2]), ('validation', valid, args[3])):
            hits = total = 0
            with open(out, 'w') as f:
                for k, x in rows(path):
                    g = predict(x)
                    f.write('{}\n'.format(g))
                    hits += g == k
                    total += 1
            metrics.write('error({}): {}\n'.format(name, 1 - hits / total))

if __name__ == '__main__':
    main()
