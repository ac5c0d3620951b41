"""What the lab's scripts share: their options, the given network, pictures in ``results/``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.core.errors import ConfigError
from chainrule.training.metrics import predicted_classes
from layers import CrossEntropyLayer, FullLayer, ReluLayer, Sequential, SoftMaxLayer
from layers.dataset import Cases, cifar10_subset, cifar100
from layers.layer import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESULTS = Path(__file__).resolve().parent / "results"
HIDDEN, BATCH, EPOCHS = 500, 128, 15

DATA: Mapping[str, Callable[[int], tuple[Cases, Cases]]] = {
    "cifar10": cifar10_subset,
    "cifar100": cifar100,
}
"""Where the four classes come from."""


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that both scripts have."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--data", choices=DATA, default="cifar10", help="by default cifar10")
    made.add_argument("--classes", type=seed, default=0, metavar="SEED", help="draws the classes")
    made.add_argument("--epochs", type=positive, default=EPOCHS, help=f"by default {EPOCHS}")
    made.add_argument("--out", type=Path, default=RESULTS, help="the folder of the pictures")
    return made


def positive(word: str) -> int:
    """A whole number of at least 1."""
    return _whole(word, 1)


def seed(word: str) -> int:
    """A whole number of at least 0."""
    return _whole(word, 0)


def _whole(word: str, least: int) -> int:
    number = int(word) if word.isascii() and word.isdigit() else -1
    if number < least:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}")
    return number


def given_network(pixels: int, classes: int, seed: int = 0) -> Sequential:
    """The lab's network: ``pixels`` inputs, 500 relu units, softmax over the classes."""
    stack = [
        FullLayer(pixels, HIDDEN, seed=2 * seed),
        ReluLayer(),
        FullLayer(HIDDEN, classes, seed=2 * seed + 1),
        SoftMaxLayer(),
    ]
    return Sequential(stack, CrossEntropyLayer())


def accuracy(labels: Array, y: Array) -> float:
    """The fraction of labels, (cases,), that the one-hot rows ``y`` say as well."""
    return float((labels == predicted_classes(y)).mean())


def save(figure: Figure, out: Path, name: str) -> None:
    """Write a picture and say where it is."""
    from chainrule.plots.save import save_figure

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {out}: {error.strerror}") from None
    for file in save_figure(figure, out / f"{name}.png"):
        print(f"picture written to {file}")
