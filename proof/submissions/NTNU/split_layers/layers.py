import numpy as np

class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward_pass(self, x):
        self.x = x
        return x.dot(self.W) + self.b

    def backward_pass(self, up):
        self.dW = self.x.T.dot(up)
        self.db = up.sum(0)
        return up.dot(self.W.T)

class Sigmoid:
    def forward_pass(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward_pass(self, up):
        return up * self.y * (1 - self.y)

class Tanh:
    def forward_pass(self, x):
        p, m = np.exp(np.clip(x, -300, 300)), np.exp(np.clip(-x, -300, 300))
        self.y = (p - m) / (p + m)
        return self.y

    def backward_pass(self, up):
        return up * (1 - self.y ** 2)

class ReLU:
    def forward_pass(self, x):
        self.x = x
        return x * (x > 0)

    def backward_pass(self, up):
        return up * (self.x > 0)

class Identity:
    def forward_pass(self, x):
        return x

    def backward_pass(self, up):
        return up

class Softmax:
    def forward_pass(self, x):
        x = x - x.max(axis=-1, keepdims=True)
        self.log_y = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
        self.y = np.exp(self.log_y)
        return self.y

    def backward_pass(self, up):
        return self.y * (up - np.sum(up * self.y, axis=-1, keepdims=True))

class SquaredError:
    def forward_pass(self, y, t):
        self.e = y - t
        return (self.e ** 2).mean()

    def backward_pass(self):
        return 2.0 / self.e.size * self.e

class CrossEntropy:
    def forward_pass(self, y, t):
        self.y, self.t = y, t
        return -(t * np.log(y)).sum(axis=1).mean()

    def backward_pass(self):
        return -self.t / (self.y * len(self.y))

class Network:
    kinds = {'sigmoid': Sigmoid, 'tanh': Tanh, 'relu': ReLU, 'linear': Identity}

    def __init__(self, weights, biases, activations, softmax, loss, wrt, wreg):
        self.stages = []
        for W, b, a in zip(weights, biases, activations):
            self.stages.append(Affine(W, b))
            self.stages.append(self.kinds[a]())
        if softmax:
            self.stages.append(Softmax())
        self.loss = SquaredError() if loss == 'mse' else CrossEntropy()
        self.wrt, self.c = wrt, wreg

    def affine(self):
        return [s for s in self.stages if isinstance(s, Affine)]

    def forward_pass(self, x, t):
        for s in self.stages:
            x = s.forward_pass(x)
        self.y = x
        value = self.loss.forward_pass(x, t)
        for s in self.affine():
            for p in (s.W, s.b):
                if self.wrt == 'L1':
                    value += self.c * np.abs(p).sum()
                if self.wrt == 'L2':
                    value += self.c / 2 * (p * p).sum()
        return value

    def backward_pass(self):
        d = self.loss.backward_pass()
        for s in self.stages[::-1]:
            d = s.backward_pass(d)
        for s in self.affine():
            if self.wrt == 'L1':
                s.dW = s.dW + self.c * np.sign(s.W)
                s.db = s.db + self.c * np.sign(s.b)
            if self.wrt == 'L2':
                s.dW = s.dW + self.c * s.W
                s.db = s.db + self.c * s.b
