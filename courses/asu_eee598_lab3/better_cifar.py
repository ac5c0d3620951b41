"""A network that beats the given one, 3072-500-4, on test images, over several seeds.

Run with: python3 better_cifar.py [--seeds 3] [--data cifar10] [--epochs 15] [--out results]

What is different: two hidden layers with He's start, momentum, L2, a rate that falls along a
cosine, a new order each epoch, the training images' mean taken away, and every training image
once more as its mirror image. The given network has the lab's own training at rate 0.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.cli.terminal import failures_reported
from chainrule.nn import Network
from chainrule.training import Part, Settings, Trainer
from chainrule.training.scores import evaluate
from images import BATCH, DATA, accuracy, given_network, parser, positive, save
from layers.dataset import Cases
from layers.layer import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GIVEN_RATE = 0.1
HIDDEN = (512, 256)
RATE = 0.01
PENALTY = {"type": "L2", "rate": 2e-3}


def mirrored(x: Array) -> Array:
    """The mirror images of rows of pixels, (cases, 3072).

    Example:
        >>> x = np.arange(3072.0)[None]
        >>> mirrored(x)[0, :3], bool((mirrored(mirrored(x)) == x).all())
        (array([31., 30., 29.]), True)
    """
    return x.reshape(len(x), 3, 32, 32)[..., ::-1].reshape(x.shape)


def given_accuracy(train: Cases, test: Cases, epochs: int, seed: int) -> float:
    """Test accuracy of the given network, trained as in the lab."""
    model = given_network(train[0].shape[1], train[1].shape[1], seed)
    model.fit(*train, epochs, GIVEN_RATE, BATCH)
    return accuracy(model.predict(test[0]), test[1])


def better_accuracy(train: Cases, test: Cases, epochs: int, seed: int) -> float:
    """Test accuracy of the better one."""
    (x, y), (x_test, y_test) = train, test
    network = Network.from_config(
        {
            "input": x.shape[1],
            "loss": "cross_entropy",
            "learning_rate": RATE,
            "penalty": PENALTY,
            "dtype": "float32",
            "layers": [
                *({"size": size, "activation": "relu", "weights": "he"} for size in HIDDEN),
                {"size": y.shape[1]},
                "softmax",
            ],
        },
        seed=seed,
    )
    mean, scale = x.mean(axis=0), x.std()
    prepared = ((part - mean) / scale for part in (np.concatenate([x, mirrored(x)]), x_test))
    x, x_test = (part.astype(np.float32) for part in prepared)
    settings = Settings(
        epochs=epochs,
        batch_size=BATCH,
        seed=seed,
        optimizer="momentum",
        schedule={"type": "cosine", "final": 0},
    )
    part = Part(x, np.concatenate([y, y]))
    Trainer(network, part, Part(x[:0], y[:0]), settings, classes=True).run()
    score = evaluate(network, x_test, y_test, classes=True)
    assert score is not None, "there are test images"
    assert score.accuracy is not None, "the targets are classes"
    return score.accuracy


def draw(given: Sequence[float], better: Sequence[float]) -> Figure:
    """Both accuracies of every seed, joined by a line."""
    from chainrule.plots.style import FAINT, INK, PALETTE, house_style, new_figure

    with house_style():
        from matplotlib.ticker import PercentFormatter

        gain = float(np.mean(better) - np.mean(given))
        figure = new_figure(7.5, 6, f"Test accuracy, {100 * gain:+.1f} points on average")
        axes = figure.subplots()
        for pair in zip(given, better, strict=True):
            axes.plot([0, 1], pair, color=FAINT, linewidth=1.2, zorder=1)
        for place, values in enumerate((given, better)):
            axes.plot(
                [place] * len(values), values, "o", color=PALETTE[place], markersize=11, zorder=3
            )
            axes.plot(
                [place - 0.1, place + 0.1], [np.mean(values)] * 2, color=INK, linewidth=2.5,
                zorder=2, label="mean" if place else None,
            )  # fmt: skip
        hidden = "-".join(map(str, HIDDEN))
        axes.set_xticks(
            [0, 1], ["the given network\n3072-500-4", f"the better one\n3072-{hidden}-4"]
        )
        axes.set_xlim(-0.4, 1.4)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
        axes.set_ylabel("test accuracy, a point a seed")
        axes.legend(loc="upper left")
    return figure


def main(words: Sequence[str] | None = None) -> None:
    """Train both with every seed, print and draw what they reach."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=positive, default=3, help="how many; by default 3")
    chosen = options.parse_args(words)
    train, test = DATA[chosen.data](chosen.classes)
    given, better = [], []
    print(f"{'seed':>4}  {'given':>6}  {'better':>6}  ({len(test[0])} test images)")
    for seed in range(chosen.seeds):
        given.append(given_accuracy(train, test, chosen.epochs, seed))
        better.append(better_accuracy(train, test, chosen.epochs, seed))
        print(f"{seed:>4}  {given[-1]:>6.1%}  {better[-1]:>6.1%}", flush=True)
    gain = 100 * (np.mean(better) - np.mean(given))
    print(f"mean  {np.mean(given):>6.1%}  {np.mean(better):>6.1%}  {gain:+.1f} points")
    save(draw(given, better), chosen.out, "better_cifar")


if __name__ == "__main__":
    with failures_reported("better_cifar"):
        main()
