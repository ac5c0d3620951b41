"""``chainrule plot RUN``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import RunPath
from chainrule.cli.terminal import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from chainrule.runs.run import Run


def command(
    run: RunPath,
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WHAT", help="weights, boundary or health; by default all that suit it."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder for the pictures; by default RUN.", metavar="OUT"),
    ] = None,
) -> None:
    """Draw what a trained network has learnt.

    weights: the first layer's weights, or its filters, as images, for a network of images.
    boundary: the class at every point of the plane, for a network of two inputs.
    health: each layer's gradient, update, and dead and saturated units, epoch by epoch.
    """
    from chainrule.core.errors import ChainruleError, unknown
    from chainrule.plots.save import save_figure
    from chainrule.runs.run import load

    for word in what or []:
        if word not in PICTURES:
            raise ChainruleError(unknown("picture", word, PICTURES))
    trained = load(run)
    drawn = {word: PICTURES[word][0](trained) for word in what or PICTURES}
    missing = [word for word, figure in drawn.items() if figure is None]
    if len(missing) == len(drawn) or (what and missing):
        words = " and ".join(f"{word} ({PICTURES[word][1]})" for word in missing)
        raise ChainruleError(f"{run}: there is nothing to draw for {words}")
    for word, figure in drawn.items():
        if figure is not None:
            for file in save_figure(figure, (out or run) / f"{word}.png", own=True):
                say(f"picture written to {file}")


def _weights(run: Run) -> Figure | None:
    """A picture of the first layer's filters, or of its weights if the inputs are images."""
    from chainrule.plots.weights import filter_images, weight_images

    first, shape = run.network.layers[0], run.data.image_shape
    W = getattr(first, "W", None) if "W" in first.shapes() else None
    if W is not None and W.ndim == 4:
        return filter_images(W, title=f"{run.name}: filters of {first.name}")
    if W is None or shape is None or len(W) != prod(shape):
        return None
    W = run.data.pictures(W.T).reshape(len(W.T), -1).T  # colours last, as images are drawn
    return weight_images(W, shape, title=f"{run.name}: weights of {first.name}")


def _boundary(run: Run) -> Figure | None:
    """The plane in the classes' colours; None unless there are classes and two inputs."""
    from chainrule.plots.decision_boundary import boundary_of

    if run.classes is None or run.network.input != 2:
        return None
    return boundary_of(run)


def _health(run: Run) -> Figure | None:
    """The layers' health over the epochs; None if the run recorded none."""
    from chainrule.plots.health import health_figure

    if not run.history.health:
        return None
    return health_figure(run.history.health, title=f"{run.name}: health of the layers")


PICTURES: Mapping[str, tuple[Callable[[Run], Figure | None], str]] = {
    "weights": (_weights, "the first layer has no weights for images"),
    "boundary": (_boundary, "it needs two inputs, and classes"),
    "health": (_health, "the run recorded none: training.health was false, or no epoch ended"),
}
"""For each picture of a run, the function that draws it, and the reason if that returns None."""
