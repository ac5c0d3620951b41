"""Which weights stay equal when all of them start at 0, step by step and beside a random start.

Run with: python3 zero_start.py [--epochs 10] [--units 20] [--size large] [--jobs 2] [--out out]

From weights of 0 every hidden unit computes the same, gets the same gradient and takes the same
step: however long it is trained, the network has one hidden unit, held many times. The output
units differ, because each has targets of its own.

First α and β are printed after each of the first updates, a row a unit, the bias in front; then
both starts are trained, compared and drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule.cli.terminal import failures_reported
from chainrule.core.arrays import Array
from chainrule.data.dataset import Dataset
from chainrule.training import Callback, Row, Trainer
from experiments import Setting, letters, options, save, side_by_side
from letters import letters_network, train_letters
from steps import matrix, tell_matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEARNING_RATE = 0.01
NAMES = {2: "weights start at 0", 1: "weights start at random"}
IMAGE = (16, 8)
SHOWN = 12

FEW_UNITS, FEW_UPDATES, FEW_RATE = 4, 3, 0.1
"""The units and the rate of the homework's own example, and after how many updates it is shown."""

FEW_COLUMNS = 6
"""So many of α's columns are printed; most belong to pixels white in the first letters."""

Parameters = Mapping[str, Array]


def by_unit(parameters: Parameters) -> dict[str, Array]:
    """What belongs to each hidden unit, a row a unit, by the parameter it stands in."""
    return {
        "hidden.W": parameters["hidden.W"].T,
        "hidden.b": parameters["hidden.b"][:, None],
        "output.W": parameters["output.W"],
    }


def differences(parameters: Parameters) -> dict[str, float]:
    """How far hidden units are apart, by parameter: the largest |difference| from the first."""
    return {name: float(np.abs(u - u[0]).max()) for name, u in by_unit(parameters).items()}


def different_units(parameters: Parameters) -> int:
    """How many hidden units there are, equal ones counted once."""
    return len(np.unique(np.column_stack(list(by_unit(parameters).values())), axis=0))


class Watch(Callback):
    """Keeps how far the hidden units are apart, before training and after every epoch."""

    def __init__(self) -> None:
        self.largest: list[float] = []

    def on_start(self, trainer: Trainer) -> None:
        """See `Callback.on_start`."""
        self.largest.append(max(differences(trainer.network.parameters).values()))

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        """See `Callback.on_epoch`."""
        self.on_start(trainer)


@dataclass(frozen=True)
class Result:
    """A trained network and how it came there.

    Attributes:
        parameters: at the end, by full name.
        largest: difference between two units, at the start and after every epoch.
        losses: the mean cross-entropy at the end, of training and validation data.
    """

    parameters: dict[str, Array]
    largest: list[float]
    losses: dict[str, float]


def result_of(setting: Setting) -> Result:
    """Train as the setting says."""
    train, validation = letters(setting.size)
    network = letters_network(
        train.x.shape[1], setting.hidden_units, setting.init_flag, setting.learning_rate
    )
    watch = Watch()
    history = train_letters(network, train, validation, setting.epochs, callbacks=(watch,))
    losses = {part: history[f"{part}_loss"][-1] for part in ("train", "validation")}
    return Result(dict(network.parameters), watch.largest, losses)


def tell_first_updates(train: Dataset) -> None:
    """Print α and β after each of the first updates from weights of 0, a case each."""
    network = letters_network(train.x.shape[1], FEW_UNITS, 2, FEW_RATE)
    for k in range(FEW_UPDATES):
        case = Dataset(train.x[k : k + 1], train.t[k : k + 1])
        train_letters(network, case, case, epochs=1)
        alpha, beta = (
            matrix(network.parameters[f"{name}.W"], network.parameters[f"{name}.b"])
            for name in ("hidden", "output")
        )
        moved = np.flatnonzero(alpha.any(axis=0))
        shown = moved[:FEW_COLUMNS]
        print(f"after update {k + 1}, on a letter of class {int(case.t[0])}:")
        print(
            f"  alpha, {' x '.join(map(str, alpha.shape))}: {len(moved)} columns are not 0", end=""
        )
        print(f", the first: {', '.join(map(str, shown))}" if len(shown) else "")
        tell_matrix(alpha[:, shown])
        print(f"  beta, {' x '.join(map(str, beta.shape))}")
        tell_matrix(beta)


def tell(title: str, result: Result) -> None:
    """Print which parameters are the same for all hidden units."""
    units = len(result.parameters["hidden.b"])
    print(f"{title}: {different_units(result.parameters)} of {units} hidden units are different")
    for name, difference in differences(result.parameters).items():
        verdict = f"differs by up to {difference:.3g}" if difference else "is the same"
        print(f"  {name} {verdict} from unit to unit")
    classes = result.parameters["output.b"]
    print(f"  output.b has {len(np.unique(classes))} values for {len(classes)} classes")
    told = (f"{part} {loss:.4f}" for part, loss in result.losses.items())
    print(f"  mean cross-entropy: {', '.join(told)}")


def draw(results: Mapping[str, Result]) -> Figure:
    """The units' weights as images, a row a start, and how far the units are apart."""
    from chainrule.plots.style import house_style, marker_of, new_figure

    with house_style():
        figure = new_figure(11, 8.6, "From weights of 0 all hidden units stay alike")
        *tops, bottom = figure.subplots(3, 1, height_ratios=(1, 1, 1.3))
        for axes, (title, result) in zip(tops, results.items(), strict=True):
            _draw_units(axes, result.parameters["hidden.W"], title)
        for k, (title, result) in enumerate(results.items()):
            color, marker = marker_of(k)
            bottom.plot(result.largest, color=color, marker=marker, label=title)
        bottom.set_xlabel("epochs")
        bottom.set_ylabel("largest difference\nbetween two hidden units")
        bottom.xaxis.get_major_locator().set_params(integer=True)
        bottom.legend(loc="best")
    return figure


def _draw_units(axes: Axes, W: Array, title: str) -> None:
    """The incoming weights of the first units, red above 0 and blue below, on one scale."""
    W = W[:, :SHOWN]
    images = (W / (np.abs(W).max() or 1.0)).T.reshape(-1, *IMAGE, 1)
    gap = np.full((IMAGE[0], 1, 1), np.nan)
    row = np.concatenate([part for image in images for part in (image, gap)][:-1], axis=1)
    axes.imshow(row[..., 0], cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(f"{title}: what {len(images)} of the units look for")


def main(words: Sequence[str] | None = None) -> None:
    """Train from both starts, tell and draw what became of the units."""
    chosen = options(__doc__, words, epochs=10, units=20)
    tell_first_updates(letters(chosen.size)[0])
    settings = [
        Setting(chosen.size, chosen.epochs, chosen.units, LEARNING_RATE, flag) for flag in NAMES
    ]
    trained = side_by_side(result_of, settings, chosen.jobs)
    results = dict(zip(NAMES.values(), trained, strict=True))
    for title, result in results.items():
        tell(title, result)
    save(draw(results), chosen.out, "zero_start")


if __name__ == "__main__":
    with failures_reported("zero_start"):
        main()
