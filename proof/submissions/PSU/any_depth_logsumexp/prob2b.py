import numpy as np

"""
Two hidden layers, IRIS.
The routines do not care how many layers there are: theta = (W1, b1, W2, b2, ..., WL, bL)
"""

def _pairs(theta):
    return [(theta[i], theta[i + 1]) for i in range(0, len(theta), 2)]

def _run(X, theta):
    acts = [X]
    pres = []
    layers = _pairs(theta)
    for n, (W, b) in enumerate(layers):
        pre = acts[-1].dot(W) + b
        pres.append(pre)
        if n < len(layers) - 1:
            acts.append(np.where(pre > 0, pre, 0.0))
    return acts, pres

def predict(X, theta):
    _, pres = _run(X, theta)
    scores = pres[-1]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_z = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return scores, np.exp(shifted - log_z)

def computeCost(X, y, theta, reg):
    scores, _ = predict(X, theta)
    y = np.ravel(y).astype(int)
    m = scores.max(axis=1)
    lse = m + np.log(np.exp(scores - m[:, None]).sum(axis=1))
    nll = lse - scores[np.arange(len(y)), y]
    penalty = sum((W * W).sum() for W, _ in _pairs(theta))
    return nll.mean() + reg * penalty

def computeGrad(X, y, theta, reg):
    acts, pres = _run(X, theta)
    layers = _pairs(theta)
    y = np.ravel(y).astype(int)
    _, delta = predict(X, theta)
    delta[np.arange(len(y)), y] -= 1.0
    delta = delta / len(y)
    grads = []
    for n in reversed(range(len(layers))):
        W, b = layers[n]
        grads.insert(0, delta.sum(axis=0).reshape(1, -1))
        grads.insert(0, acts[n].T.dot(delta) + 2.0 * reg * W)
        if n > 0:
            delta = delta.dot(W.T)
            delta[pres[n - 1] <= 0] = 0.0
    return tuple(grads)

def computeNumGrad(X, y, theta, reg, eps=1e-5):
    nabla = []
    theta = tuple(theta)
    for k, param in enumerate(theta):
        est = np.empty_like(param)
        for idx in np.ndindex(*param.shape):
            cost = []
            for sign in (+1, -1):
                moved = param.copy()
                moved[idx] += sign * eps
                cost.append(computeCost(X, y, theta[:k] + (moved,) + theta[k + 1:], reg))
            est[idx] = (cost[0] - cost[1]) / (2 * eps)
        nabla.append(est)
    return tuple(nabla)

def create_mini_batch(X, y, start, end):
    index = np.arange(start, min(end, len(X)))
    return X[index], y[index]

def main():
    train = np.loadtxt('data/iris_train.dat', delimiter=',')
    test = np.loadtxt('data/iris_test.dat', delimiter=',')
    X, y = train[:, :-1], train[:, -1].astype(int)
    rng = np.random.default_rng(1)
    sizes = [4, 12, 8, 3]
    theta = ()
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        theta += (rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)), np.zeros((1, n_out)))
    for epoch in range(100):
        order = rng.permutation(len(X))
        Xs, ys = X[order], y[order]
        for s in range(0, len(Xs), 20):
            mx, my = create_mini_batch(Xs, ys, s, s + 20)
            theta = tuple(t - 0.05 * g for t, g in zip(theta, computeGrad(mx, my, theta, 1e-4)))
    for name, d in (('train', train), ('dev', test)):
        print(name, np.mean(predict(d[:, :-1], theta)[1].argmax(axis=1) == d[:, -1]))

if __name__ == '__main__':
    main()
