"""The homework's functions for θ = (W, b, W2, b2, ...): relu between layers, softmax on top.

The penalty is reg · ΣW² over the weights, whose derivative is 2 reg · W.
"""

import numpy as np


def layers(theta):
    """θ in pairs of W and b."""
    return list(zip(theta[::2], theta[1::2], strict=True))


def forward(X, theta):
    """The input of each layer, and its z."""
    inputs, sums = [X], []
    for W, b in layers(theta):
        sums.append(inputs[-1] @ W + b)
        inputs.append(np.maximum(0, sums[-1]))
    return inputs[:-1], sums


def log_softmax(f):
    f = f - f.max(axis=1, keepdims=True)
    return f - np.log(np.exp(f).sum(axis=1, keepdims=True))


def predict(X, theta):
    scores = forward(X, theta)[1][-1]
    return scores, np.exp(log_softmax(scores))


def computeCost(X, y, theta, reg):
    log_p = log_softmax(forward(X, theta)[1][-1])
    data = -log_p[np.arange(len(X)), np.ravel(y)].mean()
    return data + reg * sum((W**2).sum() for W, _ in layers(theta))


def computeGrad(X, y, theta, reg):
    inputs, sums = forward(X, theta)
    delta = np.exp(log_softmax(sums[-1]))
    delta[np.arange(len(X)), np.ravel(y)] -= 1
    delta /= len(X)
    grads = []
    for k, (W, _) in reversed(list(enumerate(layers(theta)))):
        grads[:0] = [inputs[k].T @ delta + 2 * reg * W, delta.sum(axis=0, keepdims=True)]
        if k:
            delta = (delta @ W.T) * (sums[k - 1] > 0)
    return tuple(grads)


def computeNumGrad(X, y, theta, reg, eps=1e-5):
    theta = [np.array(array, dtype=float) for array in theta]
    grads = []
    for array in theta:
        grad = np.zeros_like(array)
        for at in np.ndindex(array.shape):
            kept = array[at]
            array[at] = kept + eps
            above = computeCost(X, y, theta, reg)
            array[at] = kept - eps
            below = computeCost(X, y, theta, reg)
            array[at] = kept
            grad[at] = (above - below) / (2 * eps)
        grads.append(grad)
    return tuple(grads)


def create_mini_batch(X, y, start, end):
    return X[start:end], y[start:end]
