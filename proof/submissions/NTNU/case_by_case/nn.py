"""One case at a time, as vectors. Gradients are summed up over the cases, no average is taken."""
import math
import numpy as np

class Layer(object):
    """Units with the weights coming in. W has shape (units, inputs) as in the lecture."""

    def __init__(self, W, b, act):
        self.W = W
        self.b = b
        self.act = act
        self.clear()

    def clear(self):
        self.JW = np.zeros_like(self.W)
        self.JB = np.zeros_like(self.b)

    def forward_pass(self, v):
        self.v = v
        s = np.dot(self.W, v) + self.b
        if self.act == 'sigmoid':
            self.out = np.array([1.0 / (1.0 + math.exp(-q)) if q > -700 else 0.0 for q in s])
        elif self.act == 'tanh':
            self.out = np.array([math.tanh(q) for q in s])
        elif self.act == 'relu':
            self.out = np.array([max(0.0, q) for q in s])
        else:
            self.out = s
        return self.out

    def slope(self):
        o = self.out
        if self.act == 'sigmoid':
            return o * (1 - o)
        if self.act == 'tanh':
            return (1 - o) * (1 + o)
        if self.act == 'relu':
            return np.where(o > 0, 1.0, 0.0)
        return np.ones(len(o))

    def backward_pass(self, J):
        # step 3: delta Jacobian is a diagonal matrix here
        delta = J.dot(np.diag(self.slope()))
        self.JW += np.outer(delta, self.v)
        self.JB += delta
        return delta.dot(self.W)

class Softmax(object):
    def forward_pass(self, v):
        e = np.exp(v - max(v))
        self.s = e / sum(e)
        return self.s

    def backward_pass(self, J):
        k = len(self.s)
        JS = np.zeros((k, k))
        for i in range(k):
            for j in range(k):
                if i == j:
                    JS[i, j] = self.s[i] - self.s[i] ** 2
                else:
                    JS[i, j] = -self.s[i] * self.s[j]
        return J.dot(JS)

class Net(object):
    def __init__(self, layers, softmax, loss, wrt, wreg):
        self.layers = layers
        self.softmax = Softmax() if softmax else None
        self.lossname = loss
        self.wrt, self.wreg = wrt, wreg

    def forward_pass(self, v):
        for l in self.layers:
            v = l.forward_pass(v)
        if self.softmax is not None:
            v = self.softmax.forward_pass(v)
        return v

    def loss(self, o, t):
        if self.lossname == 'mse':
            return np.mean((t - o) ** 2)
        return -sum(t[i] * math.log(o[i]) for i in range(len(o)) if t[i] != 0)

    def loss_jacobian(self, o, t):
        if self.lossname == 'mse':
            return -2.0 / len(o) * (t - o)
        return np.array([-t[i] / o[i] if t[i] != 0 else 0.0 for i in range(len(o))])

    def backward_pass(self, o, t):
        J = self.loss_jacobian(o, t)
        if self.softmax is not None:
            J = self.softmax.backward_pass(J)
        for l in self.layers[::-1]:
            J = l.backward_pass(J)

    def omega(self):
        if self.wrt == 'L2':
            return self.wreg / 2 * sum((l.W ** 2).sum() + (l.b ** 2).sum() for l in self.layers)
        if self.wrt == 'L1':
            return self.wreg * sum(abs(l.W).sum() + abs(l.b).sum() for l in self.layers)
        return 0

    def run_batch(self, X, T):
        for l in self.layers:
            l.clear()
        total, outs = 0, []
        for x, t in zip(X, T):
            o = self.forward_pass(x)
            total += self.loss(o, t)
            self.backward_pass(o, t)
            outs.append(o)
        for l in self.layers:
            if self.wrt == 'L2':
                l.JW += self.wreg * l.W
                l.JB += self.wreg * l.b
            if self.wrt == 'L1':
                l.JW += self.wreg * np.sign(l.W)
                l.JB += self.wreg * np.sign(l.b)
        return np.array(outs), total + self.omega()
