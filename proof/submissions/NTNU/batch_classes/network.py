import numpy as np
from layers import DenseLayer, SoftmaxLayer
from losses import LOSSES

class Network:
    """A feed-forward net. layers: list of DenseLayer, maybe a SoftmaxLayer last."""

    def __init__(self, layers, loss="mse", wrt="none", wreg=0.0):
        self.layers = layers
        self.loss, self.loss_derivative = LOSSES[loss]
        self.wrt = wrt
        self.wreg = wreg

    def forward_pass(self, x):
        for layer in self.layers:
            x = layer.forward_pass(x)
        return x

    def penalty(self):
        total = 0.0
        for layer in self.layers:
            if isinstance(layer, DenseLayer):
                if self.wrt == "L1":
                    total += self.wreg * np.sum(np.abs(layer.weights))
                elif self.wrt == "L2":
                    total += 0.5 * self.wreg * np.sum(layer.weights ** 2)
        return total

    def total_loss(self, y, t):
        return self.loss(y, t) + self.penalty()

    def backward_pass(self, y, t):
        jac = self.loss_derivative(y, t)
        for layer in reversed(self.layers):
            jac = layer.backward_pass(jac)
        for layer in self.layers:
            if isinstance(layer, DenseLayer):
                if self.wrt == "L1":
                    layer.weight_gradient += self.wreg * np.sign(layer.weights)
                elif self.wrt == "L2":
                    layer.weight_gradient += self.wreg * layer.weights

    def train_minibatch(self, x, t, lrate):
        y = self.forward_pass(x)
        self.backward_pass(y, t)
        for layer in self.layers:
            layer.update(lrate)
        return self.total_loss(y, t)
