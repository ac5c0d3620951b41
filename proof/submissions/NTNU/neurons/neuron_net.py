"""Neurons and connections as objects, one case at a time."""
import math

class Connection:
    def __init__(self, source, weight):
        self.source, self.weight = source, weight
        self.gradient = 0.0

class Neuron:
    def __init__(self, bias, act):
        self.bias, self.act = bias, act
        self.incoming, self.outgoing = [], []
        self.bias_gradient = 0.0
        self.value = self.net = self.error = 0.0

    def fire(self):
        self.net = self.bias
        for c in self.incoming:
            self.net += c.weight * c.source.value
        if self.act == 'sigmoid':
            self.value = 1 / (1 + math.exp(-self.net))
        elif self.act == 'tanh':
            self.value = math.tanh(self.net)
        elif self.act == 'relu':
            self.value = max(self.net, 0.0)
        else:
            self.value = self.net

    def slope(self):
        if self.act == 'sigmoid':
            return self.value * (1 - self.value)
        if self.act == 'tanh':
            return 1 - self.value ** 2
        if self.act == 'relu':
            return 1.0 if self.net > 0 else 0.0
        return 1.0

    def blame(self):
        """error of this unit from the units it feeds; for an output unit it is set already"""
        if self.outgoing:
            self.error = 0.0
            for target, c in self.outgoing:
                self.error += target.error * c.weight
        self.error = self.error * self.slope()
        self.bias_gradient += self.error
        for c in self.incoming:
            c.gradient += self.error * c.source.value

class Layer:
    def __init__(self, neurons):
        self.neurons = neurons

    def forward_pass(self):
        for n in self.neurons:
            n.fire()

    def backward_pass(self):
        for n in self.neurons:
            n.blame()

class Source:
    def __init__(self):
        self.value = 0.0
        self.outgoing = []

class Network:
    def __init__(self, weights, biases, acts, softmax, loss, wrt, wreg):
        self.sources = [Source() for _ in weights[0]]
        self.layers, below = [], self.sources
        for w, b, a in zip(weights, biases, acts):
            layer = Layer([Neuron(v, a) for v in b])
            for j, n in enumerate(layer.neurons):
                for i, s in enumerate(below):
                    c = Connection(s, w[i][j])
                    n.incoming.append(c)
                    s.outgoing.append((n, c))
            self.layers.append(layer)
            below = layer.neurons
        self.softmax, self.loss, self.wrt, self.wreg = softmax, loss, wrt, wreg

    def forward_pass(self, case):
        for s, v in zip(self.sources, case):
            s.value = v
        for l in self.layers:
            l.forward_pass()
        out = [n.value for n in self.layers[-1].neurons]
        if self.softmax:
            e = [math.exp(v - max(out)) for v in out]
            out = [v / sum(e) for v in e]
        self.out = out
        return out

    def backward_pass(self, target):
        o, k = self.out, len(self.out)
        if self.loss == 'mse':
            d = [2 * (o[i] - target[i]) / k for i in range(k)]
        else:
            d = [-target[i] / o[i] for i in range(k)]
        if self.softmax:
            d = [sum(d[i] * o[i] * ((i == j) - o[j]) for i in range(k)) for j in range(k)]
        for n, e in zip(self.layers[-1].neurons, d):
            n.error = e
        for l in reversed(self.layers):
            l.backward_pass()

    def case_loss(self, target):
        if self.loss == 'mse':
            return sum((a - b) ** 2 for a, b in zip(self.out, target)) / len(target)
        return -sum(b * math.log(a) for a, b in zip(self.out, target) if b)

    def connections(self):
        return [c for l in self.layers for n in l.neurons for c in n.incoming]

    def batch(self, X, T):
        total, outs = 0.0, []
        for x, t in zip(X, T):
            outs.append(self.forward_pass(x))
            total += self.case_loss(t)
            self.backward_pass(t)
        for c in self.connections():
            if self.wrt == 'L2':
                total += self.wreg * c.weight ** 2 / 2
                c.gradient += self.wreg * c.weight
            elif self.wrt == 'L1':
                total += self.wreg * abs(c.weight)
                c.gradient += math.copysign(self.wreg, c.weight)
        return outs, total

    def gradients(self):
        gw = [[list(g) for g in zip(*[[c.gradient for c in n.incoming] for n in l.neurons])] for l in self.layers]
        return gw, [[n.bias_gradient for n in l.neurons] for l in self.layers]
