"""A graph of operations as a picture: values go to the right, gradients to the left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chainrule.autodiff.node import Node
from chainrule.autodiff.report import Step, shown, steps
from chainrule.core.errors import ChainruleError
from chainrule.plots.graph_layout import Layout, place_of
from chainrule.plots.style import FAINT, INK, PALETTE, house_style, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORWARD, BACKWARD = PALETTE[0], PALETTE[1]
MOST = 200
"""A picture of more nodes than this could not be read."""

# Font sizes in points; all other sizes in inches.
NAME, DETAIL, LABEL = 13, 10, 9
LINE, PAD, GAP, ROUND, MARGIN = 0.2, 0.1, 0.26, 0.08, 0.25
ABOVE = 0.09
"""The distance of an edge's label above or below the edge, in inches."""
PORT, LABELLED_PORT = 0.14, 0.36
"""The distance between two edges at the side of a box, without and with labels."""

Point = tuple[float, float]


def graph_picture(
    output: Node, *, values: bool = False, gradients: bool = False, named_only: bool = False
) -> Figure:
    """Draw a graph from its variables at the left to its output at the right.

    Args:
        output: the last node, a single number.
        values: write on every edge the value that is passed forward along it.
        gradients: write on every edge the term that is passed backward along it, and in every
            node its gradient, the sum of these terms.
        named_only: show only the nodes that have names; see `chainrule.autodiff.report.steps`.

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
    edges = [
        Edge(
            k,
            numbers[term.child],
            forward=shown(step.node.value) if values else "",
            backward=shown(term.value) if gradients else "",
        )
        for k, step in enumerate(found)
        for term in step.terms
    ]
    widest = max((edge.label_width for edge in edges), default=0.0)
    sides = _place(boxes, layout, 0.6 + 1.2 * widest)
    port = LABELLED_PORT if values or gradients else PORT
    with house_style():
        figure, axes = _canvas(boxes, layout)
        for edge in edges:
            _draw_edge(axes, edge, _points(edge, boxes, layout, sides, port))
        for box in boxes:
            _draw_box(axes, box)
    return figure


@dataclass
class Box:
    """A node as it is drawn.

    Attributes:
        lines: text, font size and colour of each line, from above.
        width: in inches.
        height: in inches.
        fill: the colour inside.
        left: the position of its left side, in inches.
        y: the position of its middle.
    """

    lines: list[tuple[str, int, str]]
    width: float
    height: float
    fill: str
    left: float = 0.0
    y: float = 0.0


@dataclass
class Edge:
    """An edge of the graph and its labels.

    Attributes:
        source: the number of the node that it leaves.
        target: the number of the node that it enters.
        forward: the value that is passed along it, or nothing.
        backward: the term of the gradient that is passed back, or nothing.
    """

    source: int
    target: int
    forward: str
    backward: str

    @property
    def label_width(self) -> float:
        """The width of the longer label, in inches."""
        return max(_width(self.forward, LABEL), _width(self.backward, LABEL))


def _box(step: Step, last: Step, values: bool, gradients: bool) -> Box:
    lines = [(plain(step.name, 24), NAME, INK)]
    if step.formula:
        lines.append((plain(step.formula, 44), DETAIL, INK))
    if values and step is last:
        lines.append((f"= {shown(step.node.value)}", DETAIL, FORWARD))
    if gradients:
        gradient = f"∂{last.name}/∂{plain(step.name, 24)} = {shown(step.gradient)}"
        lines.append((gradient, DETAIL, BACKWARD))
    width = max(_width(text, size) for text, size, _ in lines) + 2 * PAD
    fill = "#FBEEE6" if step is last else "#FFFFFF" if step.formula else "#EAF3F9"
    ports = LABELLED_PORT * len(step.terms) if values or gradients else 0.0
    return Box(lines, max(width, 0.45), max(LINE * len(lines) + 2 * PAD, ports), fill)


@cache
def _width(text: str, size: int) -> float:
    """The width of a text in inches."""
    from matplotlib.textpath import TextPath

    return float(TextPath((0, 0), text, size=size).get_extents().width) / 72 if text else 0.0


def _place(boxes: Sequence[Box], layout: Layout, room: float) -> list[Point]:
    """Set the position of every box; returns the left and right side of every column."""
    sides: list[Point] = []
    x = 0.0
    for column in range(max(layout.columns) + 1):
        inside = [k for k, c in enumerate(layout.columns) if c == column]
        width = max(boxes[k].width for k in inside)
        for k in inside:
            box = boxes[k]
            box.left, box.y = x + (width - box.width) / 2, layout.y[place_of(k)]
        sides.append((x, x + width))
        x += width + room
    return sides


def _points(
    edge: Edge, boxes: Sequence[Box], layout: Layout, sides: Sequence[Point], port: float
) -> list[Point]:
    """Where an edge meets its two boxes, and both sides of every column that it passes."""
    source, target = edge.source, edge.target
    path = layout.paths[source, target]
    leaving = sorted(layout.y[p[1]] for ends, p in layout.paths.items() if ends[0] == source)
    coming = sorted(layout.y[p[-2]] for ends, p in layout.paths.items() if ends[1] == target)
    a, b = boxes[source], boxes[target]
    points = [(a.left + a.width, a.y + _port(leaving, layout.y[path[1]], a, port))]
    for place in path[1:-1]:
        left, right = sides[layout.columns[source] + place[2]]
        points += [(left, layout.y[place]), (right, layout.y[place])]
    points.append((b.left, b.y + _port(coming, layout.y[path[-2]], b, PORT)))
    return points


def _port(others: Sequence[float], y: float, box: Box, longest: float) -> float:
    """Where one of several edges meets the side of a box, measured from the box's middle."""
    step = min(longest, (box.height - 2 * ROUND) / len(others))
    return step * (others.index(y) - (len(others) - 1) / 2)


def _canvas(boxes: Sequence[Box], layout: Layout) -> tuple[Figure, Axes]:
    """An empty figure for the boxes and edges, and axes in which one unit is one inch."""
    from matplotlib.figure import Figure

    right = max(box.left + box.width for box in boxes) + MARGIN
    heights = [y for place, y in layout.y.items() if place[2]]
    low = min([box.y - box.height / 2 for box in boxes] + heights) - MARGIN
    high = max([box.y + box.height / 2 for box in boxes] + heights) + MARGIN
    figure = Figure(figsize=(right + MARGIN, high - low))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-MARGIN, right)
    axes.set_ylim(high, low)  # the first node of a column on top
    return figure, axes


def _draw_box(axes: Axes, box: Box) -> None:
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
        _draw_text(axes, (box.left + box.width / 2, y), text, size, color, fontweight=weight)


def _draw_text(axes: Axes, at: Point, text: str, size: int, color: str, **settings: Any) -> None:
    axes.text(
        *at, text, fontsize=size, color=color, ha="center", va="center", zorder=4, **settings
    )


def _draw_edge(axes: Axes, edge: Edge, points: Sequence[Point]) -> None:
    """A curve that is level at both ends of every gap between columns, its arrow, its labels."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    vertices, codes = [points[0]], [Path.MOVETO]
    for k, (a, b) in enumerate(pairwise(points)):
        if k % 2:  # straight through a column
            vertices, codes = [*vertices, b], [*codes, Path.LINETO]
        else:
            vertices, codes = [*vertices, *_bezier(a, b)[1:]], [*codes, *[Path.CURVE4] * 3]
    axes.add_patch(
        FancyArrowPatch(
            path=Path(vertices, codes), arrowstyle="-|>", mutation_scale=10, color=FAINT, lw=1.1
        )
    )
    x, y = _label_position(points[0], points[1], edge.label_width)
    # A white background keeps a line behind the label from striking it out.
    white = {"boxstyle": "square,pad=0.05", "fc": "white", "ec": "none", "alpha": 0.8}
    for text, shift, color in ((edge.forward, -ABOVE, FORWARD), (edge.backward, ABOVE, BACKWARD)):
        if text:
            _draw_text(axes, (x, y + shift), text, LABEL, color, bbox=white)


def _bezier(a: Point, b: Point) -> list[Point]:
    """The control points of a curve from ``a`` to ``b`` that is level at both ends."""
    half = (a[0] + b[0]) / 2
    return [a, (half, a[1]), (half, b[1]), b]


def _label_position(a: Point, b: Point, width: float) -> Point:
    """A point near the beginning of the curve, where edges are apart, but outside the box."""
    from matplotlib.bezier import BezierSegment

    curve = BezierSegment(_bezier(a, b))
    tried = (0.28 + 0.02 * k for k in range(11))
    beside = (t for t in tried if curve(t)[0] - a[0] > width / 2 + 0.05)
    x, y = curve(next(beside, 0.5))
    return float(x), float(y)
