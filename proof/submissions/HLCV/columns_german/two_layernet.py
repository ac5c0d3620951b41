# -*- coding: utf-8 -*-
# Blatt 2, HLCV. Wir rechnen wie im Skript mit Spaltenvektoren: W (10 x 4) x + b.
import numpy as np

class TwoLayerNet(object):

    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        rs = np.random
        self.params = {}
        self.params['W1'] = std * rs.randn(input_size, hidden_size)
        self.params['W2'] = std * rs.randn(hidden_size, output_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['b2'] = np.zeros(output_size)

    def _vorwaerts(self, A1):
        """A1 hat die Form (D, N), jede Spalte ein Bild."""
        W1 = self.params['W1'].T
        W2 = self.params['W2'].T
        b1 = self.params['b1'][:, None]
        b2 = self.params['b2'][:, None]
        Z2 = W1 @ A1 + b1
        A2 = np.where(Z2 >= 0, Z2, 0)
        Z3 = W2 @ A2 + b2
        Z3 = Z3 - Z3.max(0)             # Verschiebung je Spalte
        S = np.exp(Z3).sum(0)
        LogA3 = Z3 - np.log(S)
        return Z2, A2, LogA3

    def loss(self, X, y=None, reg=0.0):
        A1 = X.T
        Z2, A2, LogA3 = self._vorwaerts(A1)
        A3 = np.exp(LogA3)
        if y is None:
            return A3.T
        K, N = A3.shape
        # Delta aus Gleichung (17), hier transponiert
        Delta = np.zeros((K, N))
        Delta[y, range(N)] = 1
        Jdaten = -(Delta * LogA3).sum() / N
        quadrate = (self.params['W1'] ** 2).sum() + (self.params['W2'] ** 2).sum()
        J = Jdaten + reg * quadrate

        d3 = (A3 - Delta) / N
        dW2 = d3 @ A2.T + 2 * reg * self.params['W2'].T
        db2 = d3.sum(axis=1)
        # Ableitung von ReLU, nach (1) ist u = 0 im ersten Zweig
        d2 = (self.params['W2'] @ d3) * (Z2 >= 0)
        dW1 = d2 @ A1.T + 2 * reg * self.params['W1'].T
        db1 = d2.sum(axis=1)
        return J, {'W1': dW1.T, 'b1': db1, 'W2': dW2.T, 'b2': db2}

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        n = X.shape[0]
        epoche = max(n // batch_size, 1)
        verlust, gut_train, gut_val = [], [], []
        for t in range(num_iters):
            wahl = np.random.choice(n, size=batch_size, replace=batch_size > n)
            J, g = self.loss(X[wahl], y[wahl], reg)
            verlust.append(J)
            for name, dp in g.items():
                v = -learning_rate * dp
                self.params[name] = self.params[name] + v
            if t % epoche == 0:
                gut_train.append((self.predict(X[wahl]) == y[wahl]).mean())
                gut_val.append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
            if verbose and t % 100 == 0:
                print('Schritt', t, 'Verlust', J)
        return {'loss_history': verlust, 'train_acc_history': gut_train, 'val_acc_history': gut_val}

    def predict(self, X):
        return self._vorwaerts(X.T)[2].argmax(axis=0)
