"""A tiny tape: every operation knows how to send its gradient back. More than the exercise asks for."""
import numpy as np

class Node:
    def __init__(self, value, parents=(), pull=None):
        self.value = value
        self.parents = parents
        self.pull = pull
        self.grad = None

    def backward(self):
        order, seen = [], set()

        def visit(n):
            if id(n) in seen:
                return
            seen.add(id(n))
            for p in n.parents:
                visit(p)
            order.append(n)

        visit(self)
        self.grad = 1.0
        for n in reversed(order):
            if n.pull is None:
                continue
            for p, g in zip(n.parents, n.pull(n.grad)):
                p.grad = g if p.grad is None else p.grad + g

def dot(a, b):
    return Node(a.value @ b.value, (a, b), lambda g: (g @ b.value.T, a.value.T @ g))

def add_bias(a, b):
    return Node(a.value + b.value, (a, b), lambda g: (g, g.sum(axis=0)))

def relu(a):
    return Node(np.maximum(a.value, 0), (a,), lambda g: (np.where(a.value > 0, g, 0),))

def cross_entropy(scores, y):
    s = scores.value
    lse = np.logaddexp.reduce(s, axis=1)
    rows = np.arange(len(s))

    def pull(g):
        p = np.exp(s - lse[:, None])
        p[rows, y] -= 1
        return (g * p / len(s),)

    return Node((lse - s[rows, y]).mean(), (scores,), pull)

def sumsq(w):
    return Node(np.sum(w.value ** 2), (w,), lambda g: (g * 2 * w.value,))

def scale(a, c):
    return Node(c * a.value, (a,), lambda g: (c * g,))

def add(a, b):
    return Node(a.value + b.value, (a, b), lambda g: (g, g))

class TwoLayerNet(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def graph(self, X):
        leaf = {k: Node(v) for k, v in self.params.items()}
        hidden = relu(add_bias(dot(Node(X), leaf['W1']), leaf['b1']))
        return leaf, add_bias(dot(hidden, leaf['W2']), leaf['b2'])

    def loss(self, X, y=None, reg=0.0):
        leaf, scores = self.graph(X)
        if y is None:
            s = scores.value
            return np.exp(s - np.logaddexp.reduce(s, axis=1, keepdims=True))
        total = add(cross_entropy(scores, y),
                    scale(add(sumsq(leaf['W1']), sumsq(leaf['W2'])), reg))
        total.backward()
        return total.value, {k: n.grad for k, n in leaf.items()}

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        num_train = X.shape[0]
        iterations_per_epoch = max(num_train / batch_size, 1)
        loss_history, train_acc_history, val_acc_history = [], [], []
        for it in range(num_iters):
            idx = np.random.choice(num_train, batch_size)
            loss, grads = self.loss(X[idx], y[idx], reg)
            loss_history.append(loss)
            for k, g in grads.items():
                self.params[k] -= learning_rate * g
            if it % iterations_per_epoch == 0:
                train_acc_history.append(np.mean(self.predict(X[idx]) == y[idx]))
                val_acc_history.append(np.mean(self.predict(X_val) == y_val))
                learning_rate *= learning_rate_decay
        return dict(loss_history=loss_history, train_acc_history=train_acc_history,
                    val_acc_history=val_acc_history)

    def predict(self, X):
        return self.graph(X)[1].value.argmax(axis=1)
