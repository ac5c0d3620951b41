import os
import numpy as np
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt

'''
IST 597: Foundations of Deep Learning
Problem 1a: softmax regression for XOR

Name: J. Miller
'''

# meta-parameters
trial_name = 'p1a'
n_epoch = 300
reg = 0.001
alpha = 0.5
eps = 1e-5

def computeCost(X, y, theta, reg):
    N = X.shape[0]
    f, p = predict(X, theta)
    f = f - np.max(f, axis=1, keepdims=True)
    correct = f[np.arange(N), y.flatten().astype(int)]
    data_loss = np.sum(np.log(np.sum(np.exp(f), axis=1)) - correct) / N
    reg_loss = 0.5 * reg * np.sum(theta[0] * theta[0])
    return data_loss + reg_loss

def predict(X, theta):
    W, b = theta
    f = np.dot(X, W) + b
    f_shift = f - np.max(f, axis=1, keepdims=True)
    exp_f = np.exp(f_shift)
    p = exp_f / np.sum(exp_f, axis=1, keepdims=True)
    return (f, p)

def computeGrad(X, y, theta, reg):
    W, b = theta
    N = X.shape[0]
    scores, probs = predict(X, theta)
    dscores = probs
    dscores[np.arange(N), y.flatten().astype(int)] -= 1
    dscores /= N
    dW = np.dot(X.T, dscores)
    dW += reg * W
    db = np.sum(dscores, axis=0, keepdims=True)
    return (dW, db)

def computeNumGrad(X, y, theta, reg):
    eps = 1e-4
    theta_list = list(theta)
    nabla_n = []
    for i in range(len(theta_list)):
        param = theta_list[i]
        param_grad = np.zeros(param.shape)
        it = np.nditer(param, flags=['multi_index'])
        while not it.finished:
            idx = it.multi_index
            old = param[idx]
            param[idx] = old + eps
            j_plus = computeCost(X, y, theta_list, reg)
            param[idx] = old - eps
            j_minus = computeCost(X, y, theta_list, reg)
            param[idx] = old
            param_grad[idx] = (j_plus - j_minus) / (2 * eps)
            it.iternext()
        nabla_n.append(param_grad)
    return tuple(nabla_n)

def create_mini_batch(X, y, start, end):
    mb_x = X[start:end, :]
    mb_y = y[start:end]
    return (mb_x, mb_y)

# load in the data
path = os.getcwd() + '/data/xor.dat'
data = np.loadtxt(path, delimiter=',')
X = data[:, 0:2]
y = data[:, 2].astype(int).reshape(-1, 1)
np.random.seed(0)
k = int(np.amax(y)) + 1
W = 0.01 * np.random.randn(X.shape[1], k)
b = np.zeros((1, k))
theta = (W, b)

# gradient check
nabla_n = list(computeNumGrad(X, y, theta, reg))
nabla = list(computeGrad(X, y, theta, reg))
for jj in range(len(nabla)):
    is_incorrect = np.abs(nabla[jj] - nabla_n[jj]) >= eps
    if is_incorrect.any():
        print("Param {0} is WRONG, error = {1}".format(jj, np.sum(np.abs(nabla[jj] - nabla_n[jj]))))
    else:
        print("Param {0} is CORRECT".format(jj))

costs = []
for i in range(n_epoch):
    dW, db = computeGrad(X, y, theta, reg)
    W = W - alpha * dW
    b = b - alpha * db
    theta = (W, b)
    costs.append(computeCost(X, y, theta, reg))
    if i % 100 == 0:
        print("epoch", i, "loss", costs[-1])

scores, probs = predict(X, theta)
print('Accuracy = {0}%'.format(np.mean(np.argmax(probs, axis=1) == y.flatten()) * 100.))
plt.plot(costs)
plt.xlabel('epoch')
plt.ylabel('loss')
if os.path.isdir(os.getcwd() + '/out'):
    plt.savefig(os.getcwd() + '/out/' + trial_name + '_loss.png')
