"""The learning curve: loss and accuracy over a run, with the test result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import ChainruleError, unknown
from chainrule.plots.curves import (
    LOWEST_R2,
    SCORES,
    History,
    Panel,
    Vector,
    curve_of,
    epochs_of,
)
from chainrule.plots.style import LARGEST, house_style, new_figure, percent_axis, with_room

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Counted = Literal["epochs", "minibatches"]
Losses = Sequence[float] | NDArray[np.float64]


def learning_curve(
    history: History,
    *,
    title: str,
    test: Mapping[str, float] | None = None,
    x_axis: Counted = "epochs",
    minibatch_losses: Losses | None = None,
    minibatches_per_epoch: int | None = None,
) -> Figure:
    """Training and validation loss over a run, and a second panel for accuracy or R².

    The loss axis is logarithmic where positive losses span more than two decades. Values that
    are not finite are left out, and crosses on the panel's top edge mark where they were.

    Args:
        history: the run's columns, one value an epoch: ``epoch`` (else counted from 1),
            ``train_loss``, ``validation_loss``, ``train_accuracy``, ``validation_accuracy``
            or ``train_r2``, ``validation_r2``. A column may be missing, or hold None or NaN
            where nothing was measured; other columns are not drawn.
        title: what was run.
        test: ``loss``, and ``accuracy`` or ``r2``, of the test part after training (or
            ``test_loss`` and so on).
        x_axis: what is counted along the axis.
        minibatch_losses: the loss of every minibatch of the run as it ran, drawn faintly
            behind the epochs' means.
        minibatches_per_epoch: how many there are; follows from ``minibatch_losses`` where
            the run ended with a whole epoch.

    Raises:
        ChainruleError: the columns have different lengths, ``x_axis`` is unknown, or
            minibatches are to be counted and nothing says how many an epoch has.

    Example:
        >>> history = {"train_loss": [0.7, 0.4], "validation_loss": [0.8, 0.6]}
        >>> figure = learning_curve(history, title="xor", test={"loss": 0.5})
        >>> for text in figure.axes[0].get_legend().get_texts():
        ...     print(text.get_text())
        training
        validation
        best validation 0.6 (epoch 2)
        test 0.5
    """
    if x_axis not in get_args(Counted):
        raise ChainruleError(unknown("x axis", x_axis, get_args(Counted)))
    epochs = epochs_of(history)
    losses: Losses = [] if minibatch_losses is None else minibatch_losses
    per_epoch = _per_epoch(epochs, x_axis, losses, minibatches_per_epoch)
    unit = per_epoch if x_axis == "minibatches" else 1.0
    end = max(float(epochs.max(initial=0)), len(losses) / per_epoch)
    result = {key.removeprefix("test_"): value for key, value in (test or {}).items()}
    score = _score(history, result)

    with house_style():
        figure = new_figure(12.5 if score else 8.5, 6, title)
        axes = figure.subplots(1, 2 if score else 1, squeeze=False)[0]
        panels = [Panel(a, unit, end) for a in axes]
        if len(losses):
            panels[0].add_minibatches(losses, unit / per_epoch)
        _draw_loss(panels[0], history, result.get("loss"))
        if score:
            _draw_score(panels[1], history, score, result.get(score))
        for panel in panels:
            panel.finish(x_axis)
    return figure


def _per_epoch(epochs: Vector, x_axis: str, losses: Losses, given: int | None) -> float:
    """How many minibatches an epoch has; 1 where it makes no difference."""
    if given is not None:
        if given < 1:
            raise ChainruleError(f"an epoch has at least 1 minibatch; found {given}")
        return given
    if len(losses):
        return len(losses) / max(1.0, float(epochs.max(initial=1)))
    if x_axis == "minibatches" and len(epochs):
        raise ChainruleError("an axis of minibatches needs minibatches_per_epoch")
    return 1


def _score(history: History, result: Mapping[str, float]) -> str | None:
    """The first of `SCORES` that was measured anywhere."""
    for score in SCORES:
        columns = (f"train_{score}", f"validation_{score}")
        if score in result or any(curve_of(history, column) for column in columns):
            return score
    return None


def _draw_loss(panel: Panel, history: History, test: float | None) -> None:
    """The panel of losses, on a logarithmic axis where that says more."""
    panel.add_parts(history, "loss")
    panel.mark_best()
    panel.mark_test(test, "{:.4g}")
    values = panel.values.clip(-LARGEST, LARGEST)
    is_log = bool(len(values)) and panel.limit_loss(float(values.min()), float(values.max()))
    panel.axes.set_title("loss (logarithmic axis)" if is_log else "loss")
    panel.mark_broken()


def _draw_score(panel: Panel, history: History, score: str, test: float | None) -> None:
    """The panel of accuracies, or of coefficients of determination."""
    panel.add_parts(history, score)
    panel.mark_test(test, "{:.1%}" if score == "accuracy" else "{:.4g}")
    axes, values = panel.axes, panel.values
    axes.set_title(SCORES[score])
    if score == "accuracy":
        percent_axis(axes)
    elif len(values) and values.min() < LOWEST_R2:
        axes.set_title(f"{SCORES[score]} (below {LOWEST_R2:g} not shown)")
    if len(values):
        values = values.clip(LOWEST_R2, 1.0)
        # At least ten points high, so that noise around 100 % does not look like a fall.
        high = float(values.max())
        low = min(float(values.min()), high - 0.1)
        panel.limit(*with_room(low, high))
    panel.mark_broken()
