"""The picture of a graph: nothing overlaps, everything is on it, the labels are the numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from chainrule.autodiff import sigmoid, sin, variable
from chainrule.core.errors import ChainruleError, ShapeError
from chainrule.plots import graph_picture, save_figure
from chainrule.plots.graph import LABEL, MOST
from chainrule.plots.graph_layout import Layout, columns_of, place_of


def two_ways():
    x, w = variable(0.5, "x"), variable(2.0, "w")
    z = sigmoid(w * x).named("z")
    return (z * sin(z) + x).named("J")


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def boxes_of(figure):
    """The drawn boxes as (left, top, right, bottom), in inches."""
    from matplotlib.patches import FancyBboxPatch

    found = [p for p in figure.axes[0].patches if isinstance(p, FancyBboxPatch)]
    return [
        (p.get_x(), p.get_y(), p.get_x() + p.get_width(), p.get_y() + p.get_height())
        for p in found
    ]


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@st.composite
def graphs(draw):
    nodes = [variable(0.3 * k + 0.1, f"x{k}") for k in range(draw(st.integers(1, 3)))]
    for k in range(draw(st.integers(1, 8))):
        a, b = (draw(st.sampled_from(nodes)) for _ in range(2))
        nodes.append((a * sin(b)).named(f"node {k}"))
    return nodes[-1]


@pytest.mark.exhaustive
@settings(max_examples=15)
@given(graphs(), st.booleans())
def test_no_box_covers_another_and_all_lie_within(node, labelled):
    figure = graph_picture(node, values=labelled, gradients=labelled)
    boxes = boxes_of(figure)
    assert not [1 for k, a in enumerate(boxes) for b in boxes[:k] if overlap(a, b)]
    axes = figure.axes[0]
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert all(left < a[0] and a[2] < right and top < a[1] and a[3] < bottom for a in boxes)


def test_text_lies_within_its_box():
    figure = graph_picture(two_ways(), gradients=True, named_only=True)
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = boxes_of(figure)
    inside = figure.axes[0].transData.inverted()
    names = [t for t in figure.axes[0].texts if t.get_text().startswith(("∂J", "J", "z", "σ"))]
    for text in names:
        extent = text.get_window_extent(renderer)
        (x0, y0), (x1, y1) = inside.transform([(extent.x0, extent.y0), (extent.x1, extent.y1)])
        assert any(b[0] <= x0 and x1 <= b[2] and b[1] <= y1 and y0 <= b[3] for b in boxes)


def test_labels_of_edges_stand_beside_the_boxes():
    x, w = variable(np.arange(4.0).reshape(2, 2) / 7, "x"), variable(np.full((2, 2), 1.23456), "w")
    figure = graph_picture((x @ w).named("z").sum().named("L"), values=True, gradients=True)
    renderer = FigureCanvasAgg(figure).get_renderer()
    inside = figure.axes[0].transData.inverted()
    labels = [t for t in figure.axes[0].texts if t.get_fontsize() == LABEL]
    assert len(labels) == 6
    for label in labels:
        extent = label.get_window_extent(renderer)
        (x0, y0), (x1, y1) = inside.transform([(extent.x0, extent.y0), (extent.x1, extent.y1)])
        assert not any(overlap((x0, y1, x1, y0), box) for box in boxes_of(figure))


def test_names_formulas_and_nothing_else_without_a_request():
    assert sorted(texts(graph_picture(two_ways(), named_only=True))) == [
        "J", "w", "x", "z", "z · sin(z) + x", "σ(w · x)"
    ]  # fmt: skip


def test_values_and_gradients_on_request():
    values = texts(graph_picture(two_ways(), values=True, named_only=True))
    assert values.count("0.5") == 2  # x goes into z and into J
    assert "2" in values
    assert not [text for text in values if text.startswith("∂")]
    both = texts(graph_picture(two_ways(), values=True, gradients=True, named_only=True))
    assert "∂J/∂J = 1" in both
    z = 1 / (1 + np.exp(-1))
    slope = np.sin(z) + z * np.cos(z)
    assert f"∂J/∂z = {slope:.4g}" in both
    assert f"{slope * z * (1 - z) * 2:.4g}" in both  # the term of x through z
    assert f"∂J/∂x = {slope * z * (1 - z) * 2 + 1:.4g}" in both


def test_the_same_graph_gives_the_same_file(tmp_path):
    for name in ("a", "b"):
        save_figure(graph_picture(two_ways(), values=True), tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_graph_too_large_for_a_picture_is_told():
    node = variable(1.0, "x")
    for _ in range(MOST):
        node = node + 1
    with pytest.raises(ChainruleError, match=f"at most {MOST} nodes, found {MOST + 1}"):
        graph_picture(node)


def test_an_array_at_the_end_has_no_gradients():
    with pytest.raises(ShapeError, match="single number"):
        graph_picture(variable([1.0, 2.0], "x") * 2)


def test_columns_go_to_the_right():
    inputs = [[], [], [0, 1], [2, 0], [], [3, 4]]
    columns = columns_of(inputs)
    assert all(columns[s] < columns[k] for k, sources in enumerate(inputs) for s in sources)
    assert columns[4] == columns[5] - 1


def test_a_crossing_that_can_be_avoided_is():
    """0 → 3 and 1 → 2 cross in the order they are made, and need not."""
    layout = Layout([[], [], [1], [0], [2, 3]], [0.5] * 5, 0.2)
    y = layout.y
    above = y[place_of(0)] < y[place_of(1)]
    assert (y[place_of(3)] < y[place_of(2)]) == above


def test_a_chain_is_a_straight_line():
    layout = Layout([[], [0], [1], [2]], [0.5, 1.0, 0.3, 0.7], 0.2)
    assert len({round(y, 9) for y in layout.y.values()}) == 1
