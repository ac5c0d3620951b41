import numpy as np

class Parameter:
    def __init__(self, data):
        self.data = np.array(data, dtype=np.float64)
        self.grad = np.zeros_like(self.data)

class Module:
    def parameters(self):
        for v in vars(self).values():
            if isinstance(v, Parameter):
                yield v
            elif isinstance(v, Module):
                yield from v.parameters()
            elif isinstance(v, list):
                for m in v:
                    if isinstance(m, Module):
                        yield from m.parameters()

    def zero_grad(self):
        for p in self.parameters():
            p.grad[...] = 0

    def __call__(self, *a):
        return self.forward_pass(*a)

class Linear(Module):
    def __init__(self, w, b):
        self.weight, self.bias = Parameter(w), Parameter(b)

    def forward_pass(self, x):
        self.saved = x
        return np.einsum('bi,io->bo', x, self.weight.data) + self.bias.data

    def backward_pass(self, g):
        self.weight.grad += np.einsum('bi,bo->io', self.saved, g)
        self.bias.grad += np.einsum('bo->o', g)
        return np.einsum('bo,io->bi', g, self.weight.data)

class Act(Module):
    def __init__(self, kind):
        self.kind = kind

    def forward_pass(self, z):
        self.z = z
        if self.kind == 'sigmoid':
            return 1 / (1 + np.exp(-z))
        if self.kind == 'tanh':
            return np.tanh(z)
        if self.kind == 'relu':
            return np.maximum(0, z)
        return z

    def backward_pass(self, g):
        z = self.z
        if self.kind == 'sigmoid':
            s = 1 / (1 + np.exp(-z))
            return g * s * (1 - s)
        if self.kind == 'tanh':
            return g / np.cosh(z) ** 2
        if self.kind == 'relu':
            return g * (z > 0)
        return g

class Softmax(Module):
    def forward_pass(self, z):
        e = np.exp(z - z.max(1, keepdims=True))
        self.p = e / e.sum(1, keepdims=True)
        return self.p

    def backward_pass(self, g):
        J = np.einsum('bi,ij->bij', self.p, np.eye(self.p.shape[1])) - np.einsum('bi,bj->bij', self.p, self.p)
        return np.einsum('bi,bij->bj', g, J)

class Criterion(Module):
    def __init__(self, name):
        self.name = name

    def forward_pass(self, y, t):
        self.y, self.t = y, t
        if self.name == 'mse':
            return np.mean(np.sum((y - t) ** 2, axis=1))
        return np.mean(np.sum(-t * np.log(y), axis=1))

    def backward_pass(self):
        b = len(self.y)
        if self.name == 'mse':
            return 2 * (self.y - self.t) / b
        return -self.t / self.y / b

class Network(Module):
    def __init__(self, weights, biases, acts, softmax):
        self.mods = []
        for w, b, a in zip(weights, biases, acts):
            self.mods += [Linear(w, b), Act(a)]
        if softmax:
            self.mods.append(Softmax())

    def linears(self):
        return [m for m in self.mods if isinstance(m, Linear)]

    def forward_pass(self, x):
        for m in self.mods:
            x = m(x)
        return x

    def backward_pass(self, g):
        for m in self.mods[::-1]:
            g = m.backward_pass(g)

class Penalty:
    def __init__(self, kind, c):
        self.kind, self.c = kind, c

    def value(self, net):
        f = {'L1': np.abs, 'L2': lambda w: w ** 2 / 2, 'none': np.zeros_like}[self.kind]
        return self.c * sum(f(m.weight.data).sum() for m in net.linears())

    def backward_pass(self, net):
        f = {'L1': np.sign, 'L2': lambda w: w, 'none': np.zeros_like}[self.kind]
        for m in net.linears():
            m.weight.grad += self.c * f(m.weight.data)
