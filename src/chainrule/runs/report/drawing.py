"""The network as a drawing: every unit and weight of a small one, else a box for each layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, printable
from chainrule.core.notation import input_name, sizes_text
from chainrule.nn.description import Description
from chainrule.nn.layers.dense import Dense
from chainrule.plots.graph_layout import Layout, place_of
from chainrule.plots.style import plain
from chainrule.runs.predictions import output_names
from chainrule.runs.run import Run

MOST_UNITS, MOST_WEIGHTS = 16, 320
"""Units and weights of a network with more units in a layer, or more weights, are not drawn."""

MOST_LAYERS = 60
"""A drawing of more layers than this would be longer than anybody reads; the table has them."""

# Sizes in the drawing's own units.
BOX_WIDTH, BOX_HEIGHT, ROW = 190, 40, 66
UNIT, UNIT_ROW, COLUMN, NAMES = 9, 28, 150, 130

Element = ElementTree.Element


def network_drawing(run: Run, network: Description, *, units: bool = True) -> str:
    """The network as an SVG element; empty if it has more than `MOST_LAYERS` layers.

    Args:
        run: whose network it is.
        network: its description.
        units: whether every unit and weight of a small network may be drawn.
    """
    columns = _dense_columns(run) if units else None
    if columns is None and len(network.layers) > MOST_LAYERS:
        return ""
    root = _boxes(network) if columns is None else _units(run, columns)
    return printable(ElementTree.tostring(root, encoding="unicode"))


def _svg(width: float, height: float, what: str, classes: str = "drawing") -> Element:
    box = f"0 0 {width:.0f} {height:.0f}"
    words = {"class": classes, "role": "img", "aria-label": what}
    size = {"width": f"{width:.0f}", "height": f"{height:.0f}"}
    return Element("svg", {"viewBox": box, **size, **words})


def _add(parent: Element, tag: str, text: str = "", **attributes: Any) -> Element:
    named = {key.rstrip("_").replace("_", "-"): _short(v) for key, v in attributes.items()}
    made = ElementTree.SubElement(parent, tag, named)
    made.text = text or None
    return made


def _short(value: Any) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


# A box for each layer


def _boxes(network: Description) -> Element:
    """The layers from above to below, joined as they feed each other."""
    names = ["input", *(layer.name for layer in network.layers)]
    inputs = [[], *([names.index(one) for one in layer.fed_by] for layer in network.layers)]
    layout = Layout(inputs, [BOX_WIDTH] * len(names), 24.0, 12.0)
    low = min(layout.y.values()) - BOX_WIDTH / 2 - 2
    right = max(layout.y.values()) + BOX_WIDTH / 2 + 2

    def place(node: tuple[int, int, int]) -> tuple[float, float]:
        row = layout.columns[node[0]] + (0 if node[0] == node[1] else node[2])
        return layout.y[node] - low, row * ROW + BOX_HEIGHT / 2 + 2

    height = max(layout.columns) * ROW + BOX_HEIGHT + 4
    chain = ", then ".join(f"{one.name} ({one.type})" for one in network.layers)
    root = _svg(right - low, height, f"The network: {chain}.")
    for path in layout.paths.values():
        _edge(root, [place(node) for node in path])
    sizes = [network.input_shape, *(layer.output_shape for layer in network.layers)]
    types = ["", *(layer.type for layer in network.layers)]
    for k, (name, kind, size) in enumerate(zip(names, types, sizes, strict=True)):
        x, y = place(place_of(k))
        group = _add(root, "g")
        _add(group, "title", f"{name}: {kind or 'the input'}, {sizes_text(size)}")
        left, top = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
        size_of_box = {"width": BOX_WIDTH, "height": BOX_HEIGHT, "rx": 6}
        _add(group, "rect", "", class_="box", x=left, y=top, **size_of_box)
        _add(group, "text", plain(name, 24), x=x, y=y - 4, class_="name")
        shown = sizes_text(size) if not kind or name == kind else f"{kind}: {sizes_text(size)}"
        _add(group, "text", plain(shown, 30), x=x, y=y + 13)
    return root


def _edge(root: Element, points: Sequence[tuple[float, float]]) -> None:
    """A line from one box to another, which bends past the boxes between."""
    half = BOX_HEIGHT / 2
    (x, y), d = points[0], ""
    d = f"M{x:.1f} {y + half:.1f}"
    for k, ((ax, ay), (bx, by)) in enumerate(pairwise(points)):
        is_last = k == len(points) - 2
        start, end = ay + (half if k == 0 else 0), by - (half if is_last else 0)
        middle = (start + end) / 2
        d += f"C{ax:.1f} {middle:.1f} {bx:.1f} {middle:.1f} {bx:.1f} {end:.1f}"
    _add(root, "path", d=d, class_="edge")
    x, y = points[-1][0], points[-1][1] - half
    _add(root, "path", d=f"M{x - 4:.1f} {y - 7:.1f}L{x:.1f} {y:.1f}L{x + 4:.1f} {y - 7:.1f}z")


# Every unit and weight


def _dense_columns(run: Run) -> list[Dense] | None:
    """The dense layers of a small chain; None for any other network."""
    network = run.network
    kept = [one for one in network.layers if one.type not in ("softmax", "flatten", "dropout")]
    dense = [one for one in kept if isinstance(one, Dense)]
    sizes = [network.input, *(one.W.shape[1] for one in dense)]
    weights = sum(a * b for a, b in pairwise(sizes))
    fits = len(dense) == len(kept) > 0 and network.graph.is_chain and not network.reads_sequences
    finite = all(np.isfinite(one.W).all() for one in dense)
    return (
        dense if fits and finite and max(sizes) <= MOST_UNITS and weights <= MOST_WEIGHTS else None
    )


def _units(run: Run, layers: Sequence[Dense]) -> Element:
    """Inputs at the left, outputs at the right; lines in the colour and width of their weights."""
    sizes = [run.network.input, *(layer.W.shape[1] for layer in layers)]
    height = max(sizes) * UNIT_ROW + 30
    width = (len(sizes) - 1) * COLUMN + 2 * NAMES
    names = ", then ".join(f"{one.name} with {one.W.shape[1]} units" for one in layers)
    what = f"The network: {sizes[0]} inputs, then {names}; a line for each weight."
    root = _svg(width, height, what, "drawing units")

    def place(column: int, unit: int) -> tuple[float, float]:
        top = 24 + (height - 24) / 2
        y = top + (unit - (sizes[column] - 1) / 2) * UNIT_ROW
        return NAMES + column * COLUMN, y

    fed = input_names(run)
    for column, layer in enumerate(layers):
        _weights(root, layer, fed, lambda k, j, c=column: (*place(c, k), *place(c + 1, j)))
        fed = [f"{layer.name}, unit {j + 1}" for j in range(sizes[column + 1])]
    for column, size in enumerate(sizes):
        name = "input" if column == 0 else layers[column - 1].name
        _add(root, "text", plain(name, 18), x=place(column, 0)[0], y=14, class_="name")
        for unit in range(size):
            x, y = place(column, unit)
            circle = _add(root, "circle", cx=x, cy=y, r=UNIT, class_="box")
            _title(circle, layers, column, unit)
    for ends, at, shift, anchor in (
        (input_names(run), 0, -UNIT - 6, "end"),
        (_outputs(run, sizes[-1]), len(sizes) - 1, UNIT + 6, "start"),
    ):
        for unit, name in enumerate(ends):
            x, y = place(at, unit)
            shown = _add(root, "text", plain(name, 17), x=x + shift, y=y + 4, class_=anchor)
            _add(shown, "title", name) if len(name) > 17 else None
    return root


def _title(circle: Element, layers: Sequence[Dense], column: int, unit: int) -> None:
    """What a unit is, for the pointer."""
    if column:
        layer = layers[column - 1]
        biases = getattr(layer, "b", None)
        bias = "" if biases is None or not biases.size else f", bias {biases[unit]:.4g}"
        _add(circle, "title", f"{layer.name}, unit {unit + 1}{bias}")


def _weights(root: Element, layer: Dense, fed: Sequence[str], place: Any) -> None:
    """The lines of one layer, thick where a weight is large."""
    W: Array = layer.W
    largest = float(np.abs(W).max(initial=0)) or 1.0
    group = _add(root, "g")
    for k, row in enumerate(W):
        for j, w in enumerate(row.tolist()):
            ax, ay, bx, by = place(k, j)
            line = _add(
                group,
                "path",
                d=f"M{ax:.0f} {ay:.1f}L{bx:.0f} {by:.1f}",
                class_="plus" if w > 0 else "minus",
                stroke_width=0.4 + 4 * abs(w) / largest,
            )
            _add(line, "title", f"{fed[k]} to {layer.name}, unit {j + 1}: {w:.4g}")


def input_names(run: Run) -> list[str]:
    """The names of the network's inputs: those of their columns, if the data are there."""
    names = None
    with suppress(ChainruleError):
        names = (run.encoding or run.data).feature_names
    return [input_name(k, names) for k in range(run.network.input)]


def _outputs(run: Run, count: int) -> Iterable[str]:
    """The names of the outputs."""
    names = output_names(run)
    return names if len(names) == count else ()
