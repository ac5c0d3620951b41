import numpy as np
from activations import ACTIVATIONS

class DenseLayer:
    def __init__(self, weights, biases, activation):
        self.weights = np.array(weights, dtype=float)
        self.biases = np.array(biases, dtype=float)
        self.act, self.act_derivative = ACTIVATIONS[activation]

    def forward_pass(self, x):
        self.inputs = x
        self.z = x @ self.weights + self.biases
        self.outputs = self.act(self.z)
        return self.outputs

    def backward_pass(self, jac):
        # delta Jacobian of this layer
        delta = jac * self.act_derivative(self.z)
        self.weight_gradient = self.inputs.T @ delta
        self.bias_gradient = delta.sum(axis=0)
        return delta @ self.weights.T

    def update(self, lrate):
        self.weights -= lrate * self.weight_gradient
        self.biases -= lrate * self.bias_gradient

class SoftmaxLayer:
    def forward_pass(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.s = e / e.sum(axis=1, keepdims=True)
        return self.s

    def backward_pass(self, jac):
        # J_softmax = diag(s) - s s^T, one per case
        n, k = self.s.shape
        out = np.empty_like(jac)
        for c in range(n):
            s = self.s[c]
            J = np.diag(s) - np.outer(s, s)
            out[c] = jac[c] @ J
        return out

    def update(self, lrate):
        pass
