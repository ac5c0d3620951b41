from math import exp, log, fsum
import numpy as np

# beginners' version, ordinary lists inside

def dot(u, v):
    total = 0.0
    for i in range(len(u)):
        total += u[i] * v[i]
    return total

def score_row(x, W, b):
    scores = []
    for k in range(len(W[0])):
        column = [W[d][k] for d in range(len(W))]
        scores.append(dot(x, column) + b[0][k])
    return scores

def softmax_row(s):
    m = max(s)
    e = [exp(v - m) for v in s]
    t = fsum(e)
    return [v / t for v in e]

def number(v):
    # y may be (N,) or (N, 1)
    return int(np.asarray(v).ravel()[0])

def predict(X, theta):
    W = theta[0].tolist()
    b = theta[1].tolist()
    S = [score_row(x, W, b) for x in X.tolist()]
    P = [softmax_row(s) for s in S]
    return np.array(S), np.array(P)

def computeCost(X, y, theta, reg):
    S, P = predict(X, theta)
    costs = []
    for s, t in zip(S.tolist(), y):
        m = max(s)
        costs.append(m + log(fsum(exp(v - m) for v in s)) - s[number(t)])
    squares = [w * w for row in theta[0].tolist() for w in row]
    return fsum(costs) / len(costs) + reg * fsum(squares)

def computeGrad(X, y, theta, reg):
    S, P = predict(X, theta)
    W = theta[0].tolist()
    N = len(X)
    D = len(W)
    K = len(W[0])
    dW = [[2 * reg * W[d][k] for k in range(K)] for d in range(D)]
    db = [0.0] * K
    for n in range(N):
        t = number(y[n])
        for k in range(K):
            error = P[n][k] - (k == t)
            db[k] += error / N
            for d in range(D):
                dW[d][k] += X[n][d] * error / N
    return np.array(dW), np.array([db])

def computeNumGrad(X, y, theta, reg):
    eps = 0.0001
    grads = []
    for which in (0, 1):
        rows = theta[which].tolist()
        g = []
        for i in range(len(rows)):
            g.append([])
            for j in range(len(rows[i])):
                old = rows[i][j]
                J = []
                for value in (old + eps, old - eps):
                    rows[i][j] = value
                    changed = [theta[0], theta[1]]
                    changed[which] = np.array(rows)
                    J.append(computeCost(X, y, changed, reg))
                rows[i][j] = old
                g[i].append((J[0] - J[1]) / (2 * eps))
        grads.append(np.array(g))
    return grads[0], grads[1]

def create_mini_batch(X, y, start, end):
    return X[start:end], y[start:end]
