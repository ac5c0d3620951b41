"""Questions 1 to 3 of the exercise: the toy network, CIFAR-10 at the first settings, and tuned.

Run with: python3 ex2_FCnet.py [toy] [first] [tuned]    (all three without a name)

Pictures go to ``out/``: loss history, training and validation accuracy, first-layer weights.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.cli.terminal import failures_reported
from chainrule.plots.learning_curve import learning_curve
from chainrule.plots.save import save_figure
from chainrule.plots.weights import weight_images
from data_utils import Parts, get_CIFAR10_data
from gradient_check import eval_numerical_gradient
from two_layernet import Array, Stats, TwoLayerNet, iterations_per_epoch

OUT = Path(__file__).resolve().parent / "out"

FIRST = {"learning_rate": 1e-4, "reg": 0.25, "num_iters": 1000}
"""The exercise's first settings on CIFAR-10, with 50 hidden units."""

TUNED = {"learning_rate": 1.2e-3, "reg": 0.1, "num_iters": 4000}
"""Better ones, with 256 hidden units, by the same plain descent."""


def toy_net() -> TwoLayerNet:
    """The exercise's 4-10-3 network, always the same."""
    np.random.seed(0)  # noqa: NPY002  # as the exercise's script does
    return TwoLayerNet(4, 10, 3, std=1e-1)


def toy_data() -> tuple[Array, Array]:
    """The exercise's five cases of four numbers, with their labels."""
    np.random.seed(1)  # noqa: NPY002
    return 10 * np.random.randn(5, 4), np.array([0, 1, 2, 2, 1])  # noqa: NPY002


def rel_error(x: Array, y: Array) -> float:
    """The exercise's own rule: the largest of |x − y| / max(1e-8, |x| + |y|), entry by entry.

    Example:
        >>> rel_error(np.array([1.0, 0.0]), np.array([3.0, 1e-9]))
        0.5
    """
    return float(np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y))))


def toy() -> None:
    """Forward pass, loss, gradient check and training of the toy network."""
    net = toy_net()
    X, y = toy_data()
    print("class probabilities:")
    print(net.loss(X))
    loss, gradients = net.loss(X, y, reg=0.05)
    print(f"loss with reg 0.05: {loss:.11f} (the exercise states 1.30378789133)")
    for name, gradient in gradients.items():
        numeric = eval_numerical_gradient(
            lambda _: net.loss(X, y, reg=0.05)[0], net.params[name], verbose=False
        )
        error = rel_error(numeric, gradient)
        print(f"{name}: largest relative error {error:.1e} (below 1e-8 is asked for)")
    stats = toy_net().train(X, y, X, y, learning_rate=1e-1, reg=5e-6, num_iters=100)
    print(f"final training loss: {stats['loss_history'][-1]:.4f} (at most 0.02 is asked for)")
    _draw(stats, iterations_per_epoch(len(X), 200), "toy", "The toy network", {})


def on_cifar(
    parts: Parts, name: str, title: str, hidden_size: int, std: float, settings: Mapping[str, Any]
) -> None:
    """Train on CIFAR-10 and draw what came of it."""
    np.random.seed(0)  # noqa: NPY002
    net = TwoLayerNet(parts.X_train.shape[1], hidden_size, 10, std)
    print(f"\n{title}: {hidden_size} hidden units, {dict(settings)}")
    stats = net.train(
        parts.X_train, parts.y_train, parts.X_val, parts.y_val, verbose=True, **settings
    )
    accuracies = {
        "validation": np.mean(net.predict(parts.X_val) == parts.y_val),
        "test": np.mean(net.predict(parts.X_test) == parts.y_test),
    }
    print(", ".join(f"{part} accuracy {value:.1%}" for part, value in accuracies.items()))
    test = {"accuracy": float(accuracies["test"])}
    _draw(stats, iterations_per_epoch(len(parts.X_train), 200), name, title, test)
    figure = weight_images(net.params["W1"], (32, 32, 3), title=f"{title}: W1")
    _say(save_figure(figure, OUT / f"{name}_weights.png"))


def _draw(stats: Stats, epoch: int, name: str, title: str, test: Mapping[str, float]) -> None:
    """Loss history and accuracies; a point of the curve is the mean loss of the epoch behind."""
    losses = np.array(stats["loss_history"])
    recorded = len(stats["val_acc_history"])
    ends = np.arange(recorded) * epoch + 1
    starts = np.concatenate([[0], ends[:-1]])
    history = {
        "epoch": (ends / epoch).tolist(),
        "train_loss": [losses[a:b].mean() for a, b in zip(starts, ends, strict=True)],
        "train_accuracy": stats["train_acc_history"],
        "validation_accuracy": stats["val_acc_history"],
    }
    figure = learning_curve(
        history,
        title=title,
        test=test,
        x_axis="minibatches",
        minibatch_losses=losses,
        minibatches_per_epoch=epoch,
    )
    _say(save_figure(figure, OUT / f"{name}.png"))


def _say(files: Sequence[Path]) -> None:
    for file in files:
        print(f"picture written to {file}")


def first(parts: Parts) -> None:
    """CIFAR-10 at the exercise's first settings."""
    on_cifar(parts, "first", "CIFAR-10, first settings", 50, 1e-4, FIRST)


def tuned(parts: Parts) -> None:
    """CIFAR-10 at better settings."""
    on_cifar(parts, "tuned", "CIFAR-10, tuned", 256, 1e-3, TUNED)


ON_CIFAR: Mapping[str, Callable[[Parts], None]] = {"first": first, "tuned": tuned}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = ("toy", *ON_CIFAR)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(names)}")
    chosen = parser.parse_args(arguments).parts or names
    for name in chosen:
        if name not in names:
            parser.error(f"there is no part {name!r}; there are {', '.join(names)}")
    OUT.mkdir(exist_ok=True)
    if "toy" in chosen:
        toy()
    if set(chosen) & set(ON_CIFAR):
        parts = get_CIFAR10_data()
        for name in (name for name in ON_CIFAR if name in chosen):
            ON_CIFAR[name](parts)


if __name__ == "__main__":
    with failures_reported("ex2_FCnet"):
        main()
