"""A graph of operations as a picture: values go to the right, gradients to the left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from operator import mul
from typing import TYPE_CHECKING, Any

from chainrule.autodiff.node import Node
from chainrule.autodiff.report import Step, Term, shown, steps
from chainrule.core.errors import ChainruleError
from chainrule.plots.graph_layout import Layout, place_of
from chainrule.plots.style import FAINT, INK, PALETTE, house_style, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORWARD, BACKWARD = PALETTE[0], PALETTE[1]
MOST = 200
"""A picture of more nodes than this could not be read."""

# Sizes: text in points, all else in inches.
NAME, DETAIL, LABEL = 13, 10, 9
LINE, PAD, GAP, ROUND = 0.2, 0.1, 0.26, 0.08
ABOVE, PORT, LABELLED_PORT = 0.09, 0.14, 0.36
MARGIN = 0.25


Point = tuple[float, float]


@dataclass
class Box:
    """A node as it is drawn.

    Attributes:
        lines: text, size and colour, from above.
        width: in inches.
        height: in inches.
        fill: the colour inside.
        left: where it begins, in inches.
        y: of its middle.
    """

    lines: list[tuple[str, int, str]]
    width: float
    height: float
    fill: str
    left: float = 0.0
    y: float = 0.0


@dataclass
class Wire:
    """An edge as it is drawn.

    Attributes:
        points: from box to box, and between them the ends of the columns that it passes.
        forward: the value that goes along it, or nothing.
        back: the term that comes back, or nothing.
    """

    points: list[Point]
    forward: str
    back: str


def graph_picture(
    output: Node, *, values: bool = False, gradients: bool = False, named_only: bool = False
) -> Figure:
    """Draw a graph from its variables at the left to its output at the right.

    Args:
        output: the last node, a single number.
        values: write on every edge the value that goes forward along it.
        gradients: write on every edge the gradient that comes back along it, which is a term of
            the sum, and in every node the sum, its gradient.
        named_only: show the nodes with names alone; see `chainrule.autodiff.report.steps`.

    Returns:
        A figure for `save_figure`, as SVG or in any other format.

    Raises:
        ChainruleError: there are more than `MOST` nodes.
        ShapeError: the output is not a single number.
    """
    found = steps(output, named_only=named_only)
    if len(found) > MOST:
        raise ChainruleError(
            f"a picture shows at most {MOST} nodes, found {len(found)}; give names to some and "
            "show these alone (named_only), or print the graph as a table"
        )
    boxes = [_box(step, found[-1], values, gradients) for step in found]
    numbers = {step: k for k, step in enumerate(found)}
    inputs = [[numbers[source] for source in step.inputs] for step in found]
    layout = Layout(inputs, [box.height for box in boxes], GAP, 0.1)
    ends = _place(boxes, layout, _room(found, values, gradients))
    wires = [
        _wire(term, (k, numbers[term.child]), boxes, layout, ends, values or gradients)
        for k, step in enumerate(found)
        for term in step.terms
    ]
    for wire, (step, term) in zip(wires, _edges(found), strict=True):
        wire.forward = shown(step.node.value) if values else ""
        wire.back = shown(term.value) if gradients else ""
    with house_style():
        return _drawn(boxes, wires)


def _edges(found: Sequence[Step]) -> list[tuple[Step, Term]]:
    return [(step, term) for step in found for term in step.terms]


def _box(step: Step, last: Step, values: bool, gradients: bool) -> Box:
    lines = [(plain(step.name, 24), NAME, INK)]
    if step.formula:
        lines.append((plain(step.formula, 44), DETAIL, INK))
    if values and step is last:
        lines.append((f"= {shown(step.node.value)}", DETAIL, FORWARD))
    if gradients:
        lines.append((_gradient(step, last.name), DETAIL, BACKWARD))
    width = max(_width(text, size) for text, size, _ in lines) + 2 * PAD
    fill = "#FBEEE6" if step is last else "#FFFFFF" if step.formula else "#EAF3F9"
    ways = LABELLED_PORT * len(step.terms) if values or gradients else 0.0
    return Box(lines, max(width, 0.45), max(LINE * len(lines) + 2 * PAD, ways), fill)


def _gradient(step: Step, result: str) -> str:
    return f"∂{result}/∂{plain(step.name, 24)} = {shown(step.gradient)}"


@cache
def _width(text: str, size: int) -> float:
    """The width of a text in inches."""
    from matplotlib.textpath import TextPath

    return float(TextPath((0, 0), text, size=size).get_extents().width) / 72 if text else 0.0


def _room(found: Sequence[Step], values: bool, gradients: bool) -> float:
    """Between two columns: what the longest label of an edge needs."""
    labels = [shown(step.node.value) for step in found[:-1] if values]
    labels += [shown(term.value) for _, term in _edges(found) if gradients]
    return 0.6 + max((_width(text, LABEL) for text in labels), default=0.0) * 1.2


def _place(boxes: Sequence[Box], layout: Layout, room: float) -> list[Point]:
    """Give every box its place; the left and right end of every column."""
    ends: list[Point] = []
    x = 0.0
    for column in range(max(layout.columns) + 1):
        inside = [k for k, c in enumerate(layout.columns) if c == column]
        width = max(boxes[k].width for k in inside)
        for k in inside:
            box = boxes[k]
            box.left, box.y = x + (width - box.width) / 2, layout.y[place_of(k)]
        ends.append((x, x + width))
        x += width + room
    return ends


def _wire(
    term: Term,
    edge: tuple[int, int],
    boxes: Sequence[Box],
    layout: Layout,
    ends: Sequence[Point],
    labelled: bool,
) -> Wire:
    """The way of one edge: it leaves a box at its own height, and comes in at its own."""
    source, target = edge
    path = layout.paths[edge]
    leaving = sorted(layout.y[p[1]] for e, p in layout.paths.items() if e[0] == source)
    coming = sorted(layout.y[p[-2]] for e, p in layout.paths.items() if e[1] == target)
    a, b = boxes[source], boxes[target]
    points = [
        (
            a.left + a.width,
            a.y + _port(leaving, layout.y[path[1]], a, LABELLED_PORT if labelled else PORT),
        )
    ]
    for place in path[1:-1]:
        left, right = ends[layout.columns[source] + place[2]]
        points += [(left, layout.y[place]), (right, layout.y[place])]
    points.append((b.left, b.y + _port(coming, layout.y[path[-2]], b, PORT)))
    return Wire(points, "", "")


def _port(others: Sequence[float], y: float, box: Box, longest: float) -> float:
    """Where at the side of a box one of several edges begins or ends, from its middle."""
    step = min(longest, (box.height - 2 * ROUND) / len(others))
    return step * (others.index(y) - (len(others) - 1) / 2)


def _drawn(boxes: Sequence[Box], wires: Sequence[Wire]) -> Figure:
    """The figure, an inch of it an inch."""
    from matplotlib.figure import Figure

    right = max(box.left + box.width for box in boxes) + MARGIN
    heights = [y for wire in wires for _, y in wire.points]
    low = min([box.y - box.height / 2 for box in boxes] + heights) - MARGIN
    high = max([box.y + box.height / 2 for box in boxes] + heights) + MARGIN
    figure = Figure(figsize=(right + MARGIN, high - low))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-MARGIN, right)
    axes.set_ylim(high, low)  # the first node of a column on top
    for wire in wires:
        _put_wire(axes, wire)
    for box in boxes:
        _put_box(axes, box)
    return figure


def _put_box(axes: Axes, box: Box) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = (box.left, box.y - box.height / 2)
    shape = f"round,pad=0,rounding_size={ROUND}"
    axes.add_patch(
        FancyBboxPatch(
            corner, box.width, box.height, boxstyle=shape, fc=box.fill, ec=INK, lw=1, zorder=3
        )
    )
    for k, (text, size, color) in enumerate(box.lines):
        y = box.y + LINE * (k - (len(box.lines) - 1) / 2)
        weight = "bold" if k == 0 else "normal"
        _put_text(axes, (box.left + box.width / 2, y), text, size, color, fontweight=weight)


def _put_text(axes: Axes, at: Point, text: str, size: int, color: str, **settings: Any) -> None:
    axes.text(
        *at, text, fontsize=size, color=color, ha="center", va="center", zorder=4, **settings
    )


def _put_wire(axes: Axes, wire: Wire) -> None:
    """A curve that is level at both ends of every gap, its arrow, and its labels."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    vertices, codes = [wire.points[0]], [Path.MOVETO]
    for k, (a, b) in enumerate(zip(wire.points, wire.points[1:], strict=False)):
        if k % 2:
            vertices, codes = [*vertices, b], [*codes, Path.LINETO]
        else:
            half = (a[0] + b[0]) / 2
            vertices += [(half, a[1]), (half, b[1]), b]
            codes += [Path.CURVE4] * 3
    axes.add_patch(
        FancyArrowPatch(
            path=Path(vertices, codes), arrowstyle="-|>", mutation_scale=10, color=FAINT, lw=1.1
        )
    )
    widest = max(_width(wire.forward, LABEL), _width(wire.back, LABEL))
    x, y = _label_place(wire.points[0], wire.points[1], widest)
    # On white, so that a line behind a label does not strike it out.
    white = {"boxstyle": "square,pad=0.05", "fc": "white", "ec": "none", "alpha": 0.8}
    for text, shift, color in ((wire.forward, -ABOVE, FORWARD), (wire.back, ABOVE, BACKWARD)):
        if text:
            _put_text(axes, (x, y + shift), text, LABEL, color, bbox=white)


def _label_place(a: Point, b: Point, width: float) -> Point:
    """Near the beginning of the curve, where edges are apart, but beside the box."""
    tried = (_along(a, b, 0.28 + 0.02 * k) for k in range(11))
    return next((p for p in tried if p[0] - a[0] > width / 2 + 0.05), _along(a, b, 0.5))


def _along(a: Point, b: Point, t: float) -> Point:
    """The point of the curve at parameter t."""
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    half = (a[0] + b[0]) / 2
    xs, ys = (a[0], half, half, b[0]), (a[1], a[1], b[1], b[1])
    return sum(map(mul, weights, xs)), sum(map(mul, weights, ys))
