import os
import numpy as np
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt

'''
IST 597: Foundations of Deep Learning
Problem 2b: 2-Layer MLP for IRIS

@author - Chen Li
'''

# meta-parameters
trial_name = 'p2b'
n_hid1, n_hid2 = 16, 8
n_epoch = 60
mini_batch_size = 11
alpha = 0.1
reg = 1e-4

def forward(X, theta):
    W, b, W2, b2, W3, b3 = theta
    cache = {}
    cache['h1_pre'] = X.dot(W) + b
    cache['h1'] = np.maximum(cache['h1_pre'], 0)
    cache['h2_pre'] = cache['h1'].dot(W2) + b2
    cache['h2'] = np.maximum(cache['h2_pre'], 0)
    cache['f'] = cache['h2'].dot(W3) + b3
    f = cache['f'] - np.max(cache['f'], axis=1, keepdims=True)
    cache['logp'] = f - np.log(np.sum(np.exp(f), axis=1, keepdims=True))
    return cache

def predict(X, theta):
    cache = forward(X, theta)
    return (cache['f'], np.exp(cache['logp']))

def computeCost(X, y, theta, reg):
    W, b, W2, b2, W3, b3 = theta
    yy = np.squeeze(y.reshape(len(X), 1), axis=1).astype(np.int64)
    logp = forward(X, theta)['logp']
    loss = -np.mean(logp[np.arange(len(X)), yy])
    l2 = np.sum(W ** 2) + np.sum(W2 ** 2) + np.sum(W3 ** 2)
    return loss + reg * l2

def computeGrad(X, y, theta, reg):
    W, b, W2, b2, W3, b3 = theta
    yy = np.squeeze(y.reshape(len(X), 1), axis=1).astype(np.int64)
    cache = forward(X, theta)
    delta3 = np.exp(cache['logp'])
    delta3[np.arange(len(X)), yy] -= 1
    delta3 = delta3 / len(X)
    delta2 = delta3.dot(W3.T)
    delta2 = delta2 * (cache['h2_pre'] > 0)
    delta1 = delta2.dot(W2.T)
    delta1 = delta1 * (cache['h1_pre'] > 0)
    dW3 = cache['h2'].T.dot(delta3) + 2 * reg * W3
    dW2 = cache['h1'].T.dot(delta2) + 2 * reg * W2
    dW = X.T.dot(delta1) + 2 * reg * W
    db3 = np.sum(delta3, axis=0, keepdims=True)
    db2 = np.sum(delta2, axis=0, keepdims=True)
    db = np.sum(delta1, axis=0, keepdims=True)
    return (dW, db, dW2, db2, dW3, db3)

def computeNumGrad(X, y, theta, reg):
    eps = 1e-5
    nabla_n = [np.zeros_like(param) for param in theta]
    for param, grad in zip(theta, nabla_n):
        for r in range(param.shape[0]):
            for c in range(param.shape[1]):
                original = param[r, c]
                param[r, c] = original + eps
                plus = computeCost(X, y, theta, reg)
                param[r, c] = original - eps
                minus = computeCost(X, y, theta, reg)
                param[r, c] = original
                grad[r, c] = (plus - minus) / (2 * eps)
    return tuple(nabla_n)

def create_mini_batch(X, y, start, end):
    end = min(end, X.shape[0])
    mb_x = X[start:end, :]
    mb_y = y[start:end]
    return (mb_x, mb_y)

def accuracy(X, y, theta):
    return np.mean(np.argmax(predict(X, theta)[1], axis=1) == np.ravel(y))

data = np.loadtxt(os.getcwd() + '/data/iris_train.dat', delimiter=',')
dev = np.loadtxt(os.getcwd() + '/data/iris_test.dat', delimiter=',')
X_train, y_train = data[:, :-1], data[:, -1:].astype(int)
X_dev, y_dev = dev[:, :-1], dev[:, -1:].astype(int)

rng = np.random.RandomState(597)
K = int(y_train.max()) + 1
sizes = [X_train.shape[1], n_hid1, n_hid2, K]
theta = []
for fan_in, fan_out in zip(sizes, sizes[1:]):
    theta.append(rng.normal(0, np.sqrt(2. / fan_in), size=(fan_in, fan_out)))
    theta.append(np.zeros((1, fan_out)))

train_curve, dev_curve = [], []
for epoch in range(n_epoch):
    perm = rng.permutation(len(X_train))
    Xp, yp = X_train[perm], y_train[perm]
    start = 0
    while start < len(Xp):
        mb_x, mb_y = create_mini_batch(Xp, yp, start, start + mini_batch_size)
        for param, grad in zip(theta, computeGrad(mb_x, mb_y, theta, reg)):
            param -= alpha * grad
        start += mini_batch_size
    train_curve.append(computeCost(X_train, y_train, theta, reg))
    dev_curve.append(computeCost(X_dev, y_dev, theta, reg))
print('train acc', accuracy(X_train, y_train, theta), 'dev acc', accuracy(X_dev, y_dev, theta))

plt.plot(train_curve, label='train')
plt.plot(dev_curve, label='dev')
plt.legend()
try:
    plt.savefig(os.getcwd() + '/out/' + trial_name + '.png')
except OSError:
    pass
