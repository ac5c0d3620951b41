from __future__ import annotations
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Tuple
import numpy as np

Array = np.ndarray

@dataclass
class Cache:
    X: Array
    pre: Array
    hidden: Array
    log_p: Array

    @property
    def N(self) -> int:
        return self.X.shape[0]

@dataclass
class History:
    loss_history: List[float] = field(default_factory=list)
    train_acc_history: List[float] = field(default_factory=list)
    val_acc_history: List[float] = field(default_factory=list)

def minibatches(n: int, size: int, steps: int) -> Iterator[Array]:
    """Goes through a permutation and shuffles anew at its end."""
    size = min(size, n)
    order, pos = np.random.permutation(n), 0
    for _ in range(steps):
        if pos + size > n:
            order, pos = np.random.permutation(n), 0
        yield order[pos:pos + size]
        pos += size

class TwoLayerNet:
    def __init__(self, input_size: int, hidden_size: int, output_size: int, std: float = 1e-4):
        self.params: Dict[str, Array] = {
            "W1": np.random.randn(input_size, hidden_size) * std,
            "b1": np.zeros(hidden_size),
            "W2": np.random.randn(hidden_size, output_size) * std,
            "b2": np.zeros(output_size),
        }

    def _forward(self, X: Array) -> Cache:
        pre = np.add(X @ self.params["W1"], self.params["b1"])
        hidden = (pre + np.abs(pre)) / 2
        z = hidden @ self.params["W2"] + self.params["b2"]
        z = z - np.amax(z, axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return Cache(X, pre, hidden, log_p)

    def _data_loss(self, c: Cache, y: Array) -> float:
        return float(-np.take_along_axis(c.log_p, y[:, None], axis=1).mean())

    def _penalty(self) -> float:
        return float(sum(np.vdot(self.params[w], self.params[w]) for w in ("W1", "W2")))

    def _backward(self, c: Cache, y: Array, reg: float) -> Dict[str, Array]:
        delta3 = np.exp(c.log_p)
        delta3[np.arange(c.N), y] -= 1.0
        delta2 = (delta3 @ self.params["W2"].T) * np.heaviside(c.pre, 0.5)
        grads = {
            "W1": c.X.T @ delta2 / c.N + 2.0 * reg * self.params["W1"],
            "b1": delta2.mean(axis=0),
            "W2": c.hidden.T @ delta3 / c.N + 2.0 * reg * self.params["W2"],
            "b2": delta3.mean(axis=0),
        }
        return grads

    def loss(self, X: Array, y: Array | None = None, reg: float = 0.0):
        cache = self._forward(X)
        if y is None:
            return np.exp(cache.log_p)
        return self._data_loss(cache, y) + reg * self._penalty(), self._backward(cache, y, reg)

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        hist = History()
        epoch = max(X.shape[0] // batch_size, 1)
        for it, batch in enumerate(minibatches(X.shape[0], batch_size, num_iters)):
            value, grads = self.loss(X[batch], y[batch], reg)
            hist.loss_history.append(value)
            for key, grad in grads.items():
                self.params[key] -= learning_rate * grad
            if not it % epoch:
                hist.train_acc_history.append((self.predict(X[batch]) == y[batch]).mean())
                hist.val_acc_history.append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
        return vars(hist)

    def predict(self, X):
        return self._forward(X).log_p.argmax(axis=1)
