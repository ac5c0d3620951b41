# Only lists and math. Slow, but I understand every number.
import math

class Layer:
    def __init__(self, weights, biases, activation):
        self.weights = weights      # weights[i][j] from unit i upstream to unit j here
        self.biases = biases
        self.activation = activation
        self.n_in = len(weights)
        self.n_out = len(biases)
        self.reset()

    def reset(self):
        self.weight_gradients = [[0.0] * self.n_out for _ in range(self.n_in)]
        self.bias_gradients = [0.0] * self.n_out

    def forward_pass(self, inputs):
        self.inputs = inputs
        self.sums = []
        self.outputs = []
        for j in range(self.n_out):
            s = self.biases[j]
            for i in range(self.n_in):
                s += inputs[i] * self.weights[i][j]
            self.sums.append(s)
            self.outputs.append(self.activate(s))
        return self.outputs

    def activate(self, s):
        if self.activation == "sigmoid":
            if s < 0:
                return math.exp(s) / (1 + math.exp(s))
            return 1 / (1 + math.exp(-s))
        if self.activation == "tanh":
            return math.tanh(s)
        if self.activation == "relu":
            return s if s > 0 else 0.0
        return s

    def derivative(self, j):
        s = self.sums[j]
        y = self.outputs[j]
        if self.activation == "sigmoid":
            return y * (1 - y)
        if self.activation == "tanh":
            return 1 - y * y
        if self.activation == "relu":
            return 1.0 if s > 0 else 0.0
        return 1.0

    def backward_pass(self, jacobian):
        delta = [jacobian[j] * self.derivative(j) for j in range(self.n_out)]
        upstream = []
        for i in range(self.n_in):
            total = 0.0
            for j in range(self.n_out):
                total += delta[j] * self.weights[i][j]
                self.weight_gradients[i][j] += delta[j] * self.inputs[i]
            upstream.append(total)
        for j in range(self.n_out):
            self.bias_gradients[j] += delta[j]
        return upstream

class SoftmaxLayer:
    def forward_pass(self, inputs):
        biggest = max(inputs)
        exps = [math.exp(v - biggest) for v in inputs]
        total = sum(exps)
        self.outputs = [e / total for e in exps]
        return self.outputs

    def backward_pass(self, jacobian):
        n = len(self.outputs)
        result = []
        for j in range(n):
            total = 0.0
            for i in range(n):
                if i == j:
                    total += jacobian[i] * self.outputs[i] * (1 - self.outputs[i])
                else:
                    total -= jacobian[i] * self.outputs[i] * self.outputs[j]
            result.append(total)
        return result

class Network:
    def __init__(self, loss, wrt, wreg):
        self.layers = []
        self.loss = loss
        self.wrt = wrt
        self.wreg = wreg

    def add(self, layer):
        self.layers.append(layer)

    def forward_pass(self, case):
        values = case
        for layer in self.layers:
            values = layer.forward_pass(values)
        return values

    def case_loss(self, outputs, targets):
        total = 0.0
        for o, t in zip(outputs, targets):
            if self.loss == "mse":
                total += (o - t) ** 2
            elif t != 0:
                total -= t * math.log(o)
        if self.loss == "mse":
            total = total / len(outputs)
        return total

    def backward_pass(self, outputs, targets):
        if self.loss == "mse":
            jacobian = [2 * (o - t) / len(outputs) for o, t in zip(outputs, targets)]
        else:
            jacobian = [-t / o if t != 0 else 0.0 for o, t in zip(outputs, targets)]
        for layer in reversed(self.layers):
            jacobian = layer.backward_pass(jacobian)

    def dense(self):
        return [l for l in self.layers if isinstance(l, Layer)]

    def minibatch(self, cases, targets):
        for layer in self.dense():
            layer.reset()
        total = 0.0
        all_outputs = []
        for case, target in zip(cases, targets):
            outputs = self.forward_pass(case)
            total += self.case_loss(outputs, target)
            self.backward_pass(outputs, target)
            all_outputs.append(outputs)
        n = len(cases)
        total = total / n
        for layer in self.dense():
            for j in range(layer.n_out):
                layer.bias_gradients[j] = layer.bias_gradients[j] / n
                for i in range(layer.n_in):
                    layer.weight_gradients[i][j] = layer.weight_gradients[i][j] / n
                    w = layer.weights[i][j]
                    if self.wrt == "L2":
                        total += self.wreg * w * w / 2
                        layer.weight_gradients[i][j] += self.wreg * w
                    elif self.wrt == "L1":
                        total += self.wreg * abs(w)
                        if w > 0:
                            layer.weight_gradients[i][j] += self.wreg
                        elif w < 0:
                            layer.weight_gradients[i][j] -= self.wreg
        return all_outputs, total
