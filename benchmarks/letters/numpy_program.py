"""The homework's program as one writes it in plain NumPy; takes the same nine arguments."""

from __future__ import annotations

import sys

import numpy as np


def read(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels with a leading 1 for the bias, and labels."""
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    return np.hstack([np.ones((len(rows), 1)), rows[:, 1:]]), rows[:, 0].astype(int)


def forward(x, alpha, beta):
    """Hidden units with a leading 1, and probabilities, of one case or of all."""
    z = 1 / (1 + np.exp(-(x @ alpha.T)))
    z = np.insert(z, 0, 1, axis=-1)
    b = z @ beta.T
    e = np.exp(b - b.max(axis=-1, keepdims=True))
    return z, e / e.sum(axis=-1, keepdims=True)


def main() -> None:
    """Train and write the three files."""
    train_in, val_in, train_out, val_out, metrics, epochs, hidden, flag, rate = sys.argv[1:]
    x, y = read(train_in)
    x_val, y_val = read(val_in)
    rng = np.random.default_rng(0)
    shapes = (int(hidden), x.shape[1]), (10, int(hidden) + 1)
    alpha, beta = (rng.uniform(-0.1, 0.1, s) if flag == "1" else np.zeros(s) for s in shapes)
    alpha[:, 0] = beta[:, 0] = 0
    lines = []
    for epoch in range(1, int(epochs) + 1):
        for case, label in zip(x, y, strict=True):
            z, p = forward(case, alpha, beta)
            p[label] -= 1
            upstream = beta[:, 1:].T @ p * z[1:] * (1 - z[1:])
            beta -= float(rate) * np.outer(p, z)
            alpha -= float(rate) * np.outer(upstream, case)
        for name, (a, t) in {"train": (x, y), "validation": (x_val, y_val)}.items():
            p = forward(a, alpha, beta)[1]
            loss = -np.log(p[np.arange(len(t)), t]).mean()
            lines.append(f"epoch={epoch} crossentropy({name}): {loss:.12g}")
    parts = {"train": (x, y, train_out), "validation": (x_val, y_val, val_out)}
    for name, (a, t, path) in parts.items():
        predicted = forward(a, alpha, beta)[1].argmax(axis=1)
        np.savetxt(path, predicted, fmt="%d")
        lines.append(f"error({name}): {(predicted != t).mean():.12g}")
    with open(metrics, "w") as file:
        file.write("\n".join(lines) + "\n")


main()
