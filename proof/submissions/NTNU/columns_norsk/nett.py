# Prosjekt 1, IT3030. Kolonnevektorer: X er (inndata, antall eksempler).
import numpy as np

class Aktivering:
    @staticmethod
    def lag(navn):
        return {'sigmoid': Sigmoid, 'tanh': Tanh, 'relu': Relu, 'linear': Linear}[navn]()

class Sigmoid(Aktivering):
    def f(self, z):
        return np.exp(-np.logaddexp(0, -z))

    def df(self, z, a):
        return a * (1 - a)

class Tanh(Aktivering):
    def f(self, z):
        return np.tanh(z)

    def df(self, z, a):
        return 1 - a * a

class Relu(Aktivering):
    def f(self, z):
        return z * (z > 0)

    def df(self, z, a):
        return 1.0 * (z > 0)

class Linear(Aktivering):
    def f(self, z):
        return z

    def df(self, z, a):
        return 1.0

class Lag:
    def __init__(self, W, b, akt):
        self.W = W            # (ut, inn)
        self.b = b.reshape(-1, 1)
        self.akt = Aktivering.lag(akt)

    def forward_pass(self, X):
        self.X = X
        self.Z = self.W @ X + self.b
        self.A = self.akt.f(self.Z)
        return self.A

    def backward_pass(self, J):
        delta = J * self.akt.df(self.Z, self.A)
        m = J.shape[1]
        self.dW = delta @ self.X.T / m
        self.db = delta.mean(axis=1, keepdims=True)
        return self.W.T @ delta

class SoftmaxLag:
    def forward_pass(self, X):
        X = X - X.max(axis=0)
        self.S = np.exp(X) / np.exp(X).sum(axis=0)
        return self.S

    def backward_pass(self, J):
        # (diag(s) - s s^T) J for hvert eksempel, uten matrisen
        return self.S * (J - (self.S * J).sum(axis=0))

class Nettverk:
    def __init__(self, lag, softmax, tap, wrt, wreg):
        self.lag = lag
        self.softmax = SoftmaxLag() if softmax else None
        self.tap = tap
        self.wrt = wrt
        self.wreg = wreg

    def forward_pass(self, X):
        for l in self.lag:
            X = l.forward_pass(X)
        if self.softmax:
            X = self.softmax.forward_pass(X)
        self.Y = X
        return X

    def tapsverdi(self, T):
        # summen over utgangene, halvparten, snitt over eksemplene
        if self.tap == 'mse':
            data = 0.5 * ((self.Y - T) ** 2).sum(axis=0).mean()
        else:
            data = -(T * np.log(self.Y)).sum(axis=0).mean()
        straff = 0
        for l in self.lag:
            if self.wrt == 'L1':
                straff += np.abs(l.W).sum()
            if self.wrt == 'L2':
                straff += (l.W ** 2).sum() / 2
        return data + self.wreg * straff

    def backward_pass(self, T):
        if self.tap == 'mse':
            J = self.Y - T
        else:
            J = -T / self.Y
        if self.softmax:
            J = self.softmax.backward_pass(J)
        for l in reversed(self.lag):
            J = l.backward_pass(J)
            if self.wrt == 'L1':
                l.dW = l.dW + self.wreg * np.sign(l.W)
            if self.wrt == 'L2':
                l.dW = l.dW + self.wreg * l.W
