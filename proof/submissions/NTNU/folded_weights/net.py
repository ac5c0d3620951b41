import numpy as np

class Layer:
    """The bias is the last row of the weights, its input is always 1."""

    def __init__(self, weights, bias, kind):
        self.theta = np.concatenate([weights, bias[None, :]], axis=0)
        self.kind = kind

    def forward_pass(self, inp):
        self.inp = np.c_[inp, np.ones(len(inp))]
        z = self.inp @ self.theta
        if self.kind == 'relu':
            z = np.where(z < 0, 0, z)
        elif self.kind == 'tanh':
            z = np.tanh(z)
        elif self.kind == 'sigmoid':
            z = np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))
        self.out = z
        return z

    def backward_pass(self, J):
        if self.kind == 'relu':
            J = J * (self.out > 0)
        elif self.kind == 'tanh':
            J = J - J * self.out ** 2
        elif self.kind == 'sigmoid':
            J = J * self.out * (1 - self.out)
        self.grad = self.inp.T @ J
        return (J @ self.theta.T)[:, :-1]

class Output:
    """softmax (or nothing) together with the loss, so that log(softmax) is never taken of 0"""

    def __init__(self, softmax, loss):
        self.softmax, self.loss = softmax, loss

    def forward_pass(self, z):
        self.z = z
        if self.softmax:
            top = z.max(axis=1, keepdims=True)
            self.log = z - top - np.log(np.exp(z - top).sum(axis=1, keepdims=True))
            self.y = np.exp(self.log)
        else:
            self.y = z
        return self.y

    def value(self, t):
        if self.loss == 'mse':
            return ((self.y - t) ** 2).sum()
        return -(t * (self.log if self.softmax else np.log(self.y))).sum()

    def backward_pass(self, t):
        if self.loss == 'cross_entropy':
            if self.softmax:
                # targets that do not sum to 1 are allowed
                return self.y * t.sum(axis=1, keepdims=True) - t
            return -t / self.y
        J = 2 * (self.y - t)
        if self.softmax:
            J = self.y * J - self.y * np.sum(self.y * J, axis=1, keepdims=True)
        return J

class Net:
    def __init__(self, layers, output, reg, rate):
        self.layers, self.output, self.reg, self.rate = layers, output, reg, rate

    def forward_pass(self, x):
        for l in self.layers:
            x = l.forward_pass(x)
        return self.output.forward_pass(x)

    def cost(self, t):
        c = self.output.value(t)
        for l in self.layers:
            if self.reg == 'L1':
                c = c + self.rate * np.abs(l.theta).sum()
            elif self.reg == 'L2':
                c = c + self.rate * (l.theta ** 2).sum() / 2
        return c

    def backward_pass(self, t):
        J = self.output.backward_pass(t)
        for l in self.layers[::-1]:
            J = l.backward_pass(J)
            if self.reg == 'L1':
                l.grad += self.rate * np.sign(l.theta)
            elif self.reg == 'L2':
                l.grad += self.rate * l.theta
