"""A solution of exercise 2: dense, relu, dense, softmax, cross-entropy."""

import numpy as np


class TwoLayerNet:
    """Two layers of weights, relu between them."""

    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {
            "W1": std * np.random.randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": std * np.random.randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }

    def loss(self, X, y=None, reg=0.0):
        """The class probabilities; with labels, the loss and its gradients."""
        W1, b1, W2, b2 = (self.params[name] for name in ("W1", "b1", "W2", "b2"))
        z1 = X @ W1 + b1
        a1 = np.maximum(0, z1)
        z2 = a1 @ W2 + b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        if y is None:
            return p
        N = len(X)
        log_p = z2 - z2.max(axis=1, keepdims=True) - np.log(e.sum(axis=1, keepdims=True))
        loss = -log_p[np.arange(N), y].mean() + reg * (np.sum(W1**2) + np.sum(W2**2))
        d2 = p.copy()
        d2[np.arange(N), y] -= 1
        d2 /= N
        d1 = (d2 @ W2.T) * (z1 > 0)
        grads = {
            "W2": a1.T @ d2 + 2 * reg * W2,
            "b2": d2.sum(axis=0),
            "W1": X.T @ d1 + 2 * reg * W1,
            "b1": d1.sum(axis=0),
        }
        return loss, grads

    def predict(self, X):
        """The most probable class of each case; of equals the smaller."""
        return np.argmax(self.loss(X), axis=1)

    def train(
        self,
        X,
        y,
        X_val,
        y_val,
        learning_rate=1e-3,
        learning_rate_decay=0.95,
        reg=5e-6,
        num_iters=100,
        batch_size=200,
        verbose=False,
    ):
        """Stochastic gradient descent; the rate decays in the first iteration of each epoch."""
        history = {"loss_history": [], "train_acc_history": [], "val_acc_history": []}
        epoch = max(len(X) // batch_size, 1)
        for it in range(num_iters):
            chosen = np.random.choice(len(X), batch_size)
            loss, grads = self.loss(X[chosen], y[chosen], reg)
            history["loss_history"].append(loss)
            for name in self.params:
                self.params[name] -= learning_rate * grads[name]
            if verbose and it % 100 == 0:
                print(f"iteration {it} of {num_iters}: loss {loss:f}")
            if it % epoch == 0:
                right = self.predict(X[chosen]) == y[chosen]
                history["train_acc_history"].append(right.mean())
                history["val_acc_history"].append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
        return history
