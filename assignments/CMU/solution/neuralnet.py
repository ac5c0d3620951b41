"""Trains a network of one hidden layer by stochastic gradient descent, and writes its results.

python neuralnet.py TRAIN VALIDATION TRAIN_OUT VALIDATION_OUT METRICS_OUT EPOCHS HIDDEN INIT RATE
"""

import sys

import numpy as np

CLASSES = 10
RANDOM = 1


def read(path):
    """The inputs with a one in front, and the labels."""
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    return np.hstack([np.ones((len(rows), 1)), rows[:, 1:]]), rows[:, 0].astype(int)


def weights(rows, columns, init, rng):
    """Uniform from -0.1 to 0.1 or all 0; the biases, in column 0, are 0."""
    made = rng.uniform(-0.1, 0.1, (rows, columns)) if init == RANDOM else np.zeros((rows, columns))
    made[:, 0] = 0.0
    return made


def forward(x, alpha, beta):
    """z with its one in front, and the class probabilities, for the rows of x."""
    z = 1.0 / (1.0 + np.exp(-(x @ alpha.T)))
    z = np.hstack([np.ones((len(z), 1)), z])
    b = z @ beta.T
    e = np.exp(b - b.max(axis=1, keepdims=True))
    return z, e / e.sum(axis=1, keepdims=True)


def gradients(x, label, alpha, beta):
    """The gradients of one case's cross-entropy by alpha and beta."""
    z, p = forward(x[None], alpha, beta)
    g_b = p[0].copy()
    g_b[label] -= 1.0
    g_z = beta[:, 1:].T @ g_b
    g_a = g_z * z[0, 1:] * (1.0 - z[0, 1:])
    return np.outer(g_a, x), np.outer(g_b, z[0])


def cross_entropy(x, labels, alpha, beta):
    """The mean over the cases."""
    p = forward(x, alpha, beta)[1]
    return -np.log(p[np.arange(len(x)), labels]).mean()


def main(train, validation, train_out, validation_out, metrics_out, epochs, hidden, init, rate):
    """Train, and write the metrics and the labels."""
    data = {"train": read(train), "validation": read(validation)}
    rng = np.random.default_rng()
    x, labels = data["train"]
    alpha = weights(int(hidden), x.shape[1], int(init), rng)
    beta = weights(CLASSES, int(hidden) + 1, int(init), rng)
    lines = []
    for epoch in range(1, int(epochs) + 1):
        for case, label in zip(x, labels, strict=True):
            g_alpha, g_beta = gradients(case, label, alpha, beta)
            alpha -= float(rate) * g_alpha
            beta -= float(rate) * g_beta
        for name, (rows, truth) in data.items():
            loss = cross_entropy(rows, truth, alpha, beta)
            lines.append(f"epoch={epoch} crossentropy({name}): {loss:.11f}")
    paths = {"train": train_out, "validation": validation_out}
    for name, (rows, truth) in data.items():
        predicted = forward(rows, alpha, beta)[1].argmax(axis=1)
        lines.append(f"error({name}): {(predicted != truth).mean()}")
        with open(paths[name], "w", newline="\n") as file:
            file.writelines(f"{label}\n" for label in predicted)
    with open(metrics_out, "w", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main(*sys.argv[1:10])
