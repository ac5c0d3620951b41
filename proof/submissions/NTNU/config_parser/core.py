from abc import ABC, abstractmethod
import numpy as np

class Registry(dict):
    def add(self, name):
        def put(cls):
            self[name] = cls
            return cls
        return put

ACTIVATION, LOSS, REGULARIZER = Registry(), Registry(), Registry()

class Activation(ABC):
    @abstractmethod
    def value(self, z): ...

    @abstractmethod
    def slope(self, z): ...

@ACTIVATION.add("sigmoid")
class Sigmoid(Activation):
    def value(self, z):
        pos = z >= 0
        e = np.exp(np.where(pos, -z, z))
        return np.where(pos, 1, e) / (1 + e)

    def slope(self, z):
        return self.value(z) * self.value(-z)

@ACTIVATION.add("tanh")
class Tanh(Activation):
    def value(self, z):
        return np.tanh(z)

    def slope(self, z):
        return 1 / np.cosh(np.clip(z, -350, 350)) ** 2

@ACTIVATION.add("relu")
class Relu(Activation):
    def value(self, z):
        return np.maximum(z, 0.0)

    def slope(self, z):
        return np.heaviside(z, 0.5)

@ACTIVATION.add("linear")
class Linear(Activation):
    def value(self, z):
        return z

    def slope(self, z):
        return np.ones(z.shape)

class Loss(ABC):
    @abstractmethod
    def value(self, y, t): ...

    @abstractmethod
    def gradient(self, y, t): ...

@LOSS.add("mse")
class MSE(Loss):
    def value(self, y, t):
        return np.square(t - y).sum(axis=1).mean() / 2

    def gradient(self, y, t):
        return (y - t) / len(t)

@LOSS.add("cross_entropy")
class CrossEntropy(Loss):
    def value(self, y, t):
        return -np.where(t > 0, t * np.log(np.where(t > 0, y, 1)), 0).sum() / len(t)

    def gradient(self, y, t):
        return -np.divide(t, y, out=np.zeros_like(y), where=t > 0) / len(t)

class Regularizer(ABC):
    def __init__(self, c):
        self.c = c

    @abstractmethod
    def omega(self, w): ...

    @abstractmethod
    def d_omega(self, w): ...

@REGULARIZER.add("none")
class NoRegularizer(Regularizer):
    def omega(self, w):
        return 0.0

    def d_omega(self, w):
        return np.zeros_like(w)

@REGULARIZER.add("L1")
class L1(Regularizer):
    def omega(self, w):
        return self.c * np.linalg.norm(w.ravel(), 1)

    def d_omega(self, w):
        return self.c * ((w > 0).astype(float) - (w < 0))

@REGULARIZER.add("L2")
class L2(Regularizer):
    def omega(self, w):
        return self.c * np.linalg.norm(w) ** 2 / 2

    def d_omega(self, w):
        return self.c * w

class Dense:
    trainable = True

    def __init__(self, activation):
        self.activation = ACTIVATION[activation]()

    def set(self, weights, biases):
        self.weights, self.biases = weights.copy(), biases.copy()

    def forward_pass(self, x):
        self.cache = x, x @ self.weights + self.biases
        return self.activation.value(self.cache[1])

    def backward_pass(self, jacobian):
        x, z = self.cache
        delta = jacobian * self.activation.slope(z)
        self.weight_gradients = x.T @ delta
        self.bias_gradients = np.sum(delta, axis=0)
        return delta @ self.weights.T

class Softmax:
    trainable = False

    def forward_pass(self, x):
        e = np.exp(x - x.max(axis=1)[:, None])
        self.s = e / e.sum(axis=1)[:, None]
        return self.s

    def backward_pass(self, jacobian):
        mixed = np.sum(jacobian * self.s, axis=1)[:, None]
        return self.s * (jacobian - mixed)

class Network:
    def __init__(self, layers, loss, regularizer):
        self.layers, self.loss, self.regularizer = layers, loss, regularizer

    @property
    def dense(self):
        return [l for l in self.layers if l.trainable]

    def forward_pass(self, x):
        for l in self.layers:
            x = l.forward_pass(x)
        return x

    def total(self, y, t):
        return self.loss.value(y, t) + sum(self.regularizer.omega(l.weights) for l in self.dense)

    def backward_pass(self, y, t):
        j = self.loss.gradient(y, t)
        for l in reversed(self.layers):
            j = l.backward_pass(j)
        for l in self.dense:
            l.weight_gradients = l.weight_gradients + self.regularizer.d_omega(l.weights)
