import math
import numpy as np

def predict(X, theta):
    W, b, W2, b2 = theta
    n = len(X)
    scores = np.zeros((n, W2.shape[1]))
    probs = np.zeros((n, W2.shape[1]))
    for i in range(n):
        h = hidden(X[i], W, b)
        for k in range(W2.shape[1]):
            s = b2[0][k]
            for j in range(len(h)):
                s = s + h[j] * W2[j][k]
            scores[i][k] = s
        biggest = max(scores[i])
        total = 0
        for k in range(W2.shape[1]):
            total = total + math.exp(scores[i][k] - biggest)
        for k in range(W2.shape[1]):
            probs[i][k] = math.exp(scores[i][k] - biggest) / total
    return scores, probs

def hidden(x, W, b):
    h = []
    for j in range(W.shape[1]):
        s = b[0][j]
        for d in range(W.shape[0]):
            s = s + x[d] * W[d][j]
        if s > 0:
            h.append(s)
        else:
            h.append(0.0)
    return h

def computeCost(X, y, theta, reg):
    W, b, W2, b2 = theta
    scores, probs = predict(X, theta)
    cost = 0
    for i in range(len(X)):
        biggest = max(scores[i])
        total = 0
        for s in scores[i]:
            total = total + math.exp(s - biggest)
        cost = cost + math.log(total) + biggest - scores[i][int(y[i].item())]
    cost = cost / len(X)
    squares = 0
    for row in W:
        for w in row:
            squares = squares + w * w
    for row in W2:
        for w in row:
            squares = squares + w * w
    return cost + reg * squares / 2

def computeGrad(X, y, theta, reg):
    W, b, W2, b2 = theta
    dW = reg * W
    dW2 = reg * W2
    db = np.zeros(b.shape)
    db2 = np.zeros(b2.shape)
    scores, probs = predict(X, theta)
    n = len(X)
    for i in range(n):
        h = hidden(X[i], W, b)
        df = []
        for k in range(W2.shape[1]):
            target = 1 if k == int(y[i].item()) else 0
            df.append((probs[i][k] - target) / n)
        for k in range(W2.shape[1]):
            db2[0][k] += df[k]
            for j in range(len(h)):
                dW2[j][k] += h[j] * df[k]
        for j in range(len(h)):
            if h[j] > 0:
                dh = 0
                for k in range(W2.shape[1]):
                    dh += df[k] * W2[j][k]
                db[0][j] += dh
                for d in range(W.shape[0]):
                    dW[d][j] += X[i][d] * dh
    return (dW, db, dW2, db2)

def computeNumGrad(X, y, theta, reg):
    e = 0.0001
    result = []
    for t in range(4):
        p = theta[t]
        g = np.zeros(p.shape)
        for i in range(p.shape[0]):
            for j in range(p.shape[1]):
                p[i][j] += e
                up = computeCost(X, y, theta, reg)
                p[i][j] -= 2 * e
                down = computeCost(X, y, theta, reg)
                p[i][j] += e
                g[i][j] = (up - down) / (2 * e)
        result.append(g)
    return tuple(result)

def create_mini_batch(X, y, start, end):
    mx = []
    my = []
    for i in range(start, min(end, len(X))):
        mx.append(X[i])
        my.append(y[i])
    return np.array(mx), np.array(my)
