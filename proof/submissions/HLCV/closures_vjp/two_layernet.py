import numpy as np

# Chaque fonction renvoie sa sortie et une fonction « retour » (vjp).

def lineaire(x, W, b):
    def retour(g):
        return g.dot(W.T), x.T.dot(g), g.sum(0)
    return x.dot(W) + b, retour

def relu(z):
    actif = (np.sign(z) + 1) / 2        # 0, 1/2 ou 1

    def retour(g):
        return actif * g
    return np.clip(z, 0, None), retour

def entropie(z, y):
    z = z - z.max(1, keepdims=True)
    lse = np.log(np.exp(z).sum(1))
    n = len(z)

    def retour():
        # d lse / d z = softmax
        g = np.exp(z - lse[:, None]) / n
        np.subtract.at(g, (np.arange(n), y), 1 / n)
        return g
    return (lse - z[np.arange(n), y]).sum() / n, retour

class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {'W1': std * np.random.randn(input_size, hidden_size), 'b1': np.zeros(hidden_size),
                       'W2': std * np.random.randn(hidden_size, output_size), 'b2': np.zeros(output_size)}

    def scores(self, X):
        z2, r1 = lineaire(X, self.params['W1'], self.params['b1'])
        a2, r2 = relu(z2)
        z3, r3 = lineaire(a2, self.params['W2'], self.params['b2'])
        return z3, (r1, r2, r3)

    def loss(self, X, y=None, reg=0.0):
        z3, (r1, r2, r3) = self.scores(X)
        if y is None:
            e = np.exp(z3 - z3.max(1, keepdims=True))
            return e / e.sum(1, keepdims=True)
        J, r4 = entropie(z3, y)
        d, dW2, db2 = r3(r4())
        _, dW1, db1 = r1(r2(d))
        for W, dW in ((self.params['W1'], dW1), (self.params['W2'], dW2)):
            J = J + reg * (W * W).sum()
            dW += 2 * reg * W
        return J, {'W2': dW2, 'b2': db2, 'W1': dW1, 'b1': db1}

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        n = len(X)
        pas = max(n // batch_size, 1)
        pertes, app, val = [], [], []
        taux = learning_rate
        for t in range(num_iters):
            k = np.random.randint(n, size=batch_size)
            J, g = self.loss(X[k], y[k], reg)
            pertes.append(J)
            for nom in ('W1', 'b1', 'W2', 'b2'):
                self.params[nom] -= taux * g[nom]
            if t % pas == 0:
                app.append((self.predict(X[k]) == y[k]).mean())
                val.append((self.predict(X_val) == y_val).mean())
                taux *= learning_rate_decay
        return {'loss_history': pertes, 'train_acc_history': app, 'val_acc_history': val}

    def predict(self, X):
        return self.scores(X)[0].argmax(1)
