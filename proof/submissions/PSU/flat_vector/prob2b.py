import numpy as np

def unroll(theta):
    return np.concatenate([np.ravel(t) for t in theta])

def roll(v, shapes):
    out = []
    at = 0
    for s in shapes:
        n = s[0] * s[1]
        out.append(v[at:at + n].reshape(s))
        at += n
    return tuple(out)

def relu(z):
    return z * (z > 0)

def d_relu(z):
    return 1.0 * (z > 0)

def cost_and_grad(v, shapes, X, y, reg):
    """the cost and its gradient as a flat vector, in one go"""
    W1, b1, W2, b2, W3, b3 = roll(v, shapes)
    N = X.shape[0]
    z1 = np.matmul(X, W1) + b1
    a1 = relu(z1)
    z2 = np.matmul(a1, W2) + b2
    a2 = relu(z2)
    z3 = np.matmul(a2, W3) + b3
    z3 = z3 - z3.max(axis=1, keepdims=True)
    logp = z3 - np.log(np.sum(np.exp(z3), axis=1, keepdims=True))
    Y = np.zeros(logp.shape)
    for i in range(N):
        Y[i, int(y[i])] = 1
    cost = -np.sum(Y * logp) / N
    cost += reg * np.sum(np.square(W1))
    cost += reg * np.sum(np.square(W2))
    cost += reg * np.sum(np.square(W3))

    e3 = (np.exp(logp) - Y) / N
    e2 = np.matmul(e3, W3.T) * d_relu(z2)
    e1 = np.matmul(e2, W2.T) * d_relu(z1)
    g = (np.matmul(X.T, e1) + 2 * reg * W1, e1.sum(axis=0),
         np.matmul(a1.T, e2) + 2 * reg * W2, e2.sum(axis=0),
         np.matmul(a2.T, e3) + 2 * reg * W3, e3.sum(axis=0))
    return cost, unroll(g)

def shapes_of(theta):
    return [t.shape for t in theta]

def predict(X, theta):
    W1, b1, W2, b2, W3, b3 = theta
    f = np.matmul(relu(np.matmul(relu(np.matmul(X, W1) + b1), W2) + b2), W3) + b3
    e = np.exp(f - np.max(f, axis=1, keepdims=True))
    return f, e / np.sum(e, axis=1, keepdims=True)

def computeCost(X, y, theta, reg):
    return cost_and_grad(unroll(theta), shapes_of(theta), X, np.ravel(y), reg)[0]

def computeGrad(X, y, theta, reg):
    return roll(cost_and_grad(unroll(theta), shapes_of(theta), X, np.ravel(y), reg)[1], shapes_of(theta))

def computeNumGrad(X, y, theta, reg):
    eps = 1e-5
    v = unroll(theta)
    shapes = shapes_of(theta)
    I = np.eye(len(v)) * eps
    J = lambda u: cost_and_grad(u, shapes, X, np.ravel(y), reg)[0]
    return roll(np.array([(J(v + e) - J(v - e)) / (2 * eps) for e in I]), shapes)

def create_mini_batch(X, y, start, end):
    return (X[start:end, ...], y[start:end, ...])
