"""The plane in the colours of the classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule
from chainrule.core.errors import ShapeError
from chainrule.plots.decision_boundary import boundary_of, decision_boundary
from chainrule.plots.save import save_figure

X = np.array([[-1.0, -1.0], [1.0, 1.0], [1.0, -1.0]])
CLASSES = ("low", "high", "none")


def by_sum(x):
    """Sure of 'low' below the diagonal, of 'high' above it."""
    high = 0.5 + 0.5 * np.tanh(20 * x.sum(axis=1))
    return np.column_stack([1 - high, high, 0 * high])


def image_of(axes):
    return np.asarray(axes.images[0].get_array(), float)


def test_regions_have_the_colours_of_their_classes():
    figure = decision_boundary({"sum": by_sum}, X, [0, 1, 2], classes=CLASSES, title="plane")
    image = image_of(figure.axes[0])
    assert figure.axes[0].images[0].origin == "lower"
    low, high = image[0, 0], image[-1, -1]
    assert low[2] > low[0]  # the first colour is a blue, the second a red
    assert high[0] > high[2]
    lines = [c for c in figure.axes[0].collections if type(c).__name__ == "QuadContourSet"]
    points = np.concatenate([path.vertices for line in lines for path in line.get_paths()])
    assert np.abs(points.sum(axis=1)).max() < 0.05


def test_a_surer_region_is_stronger():
    def doubtful(x):
        p = by_sum(x) * 0.2
        return p + np.array([0.3, 0.3, 0.2])

    figure = decision_boundary(
        {"sure": by_sum, "doubtful": doubtful}, X, [0, 1, 2], classes=CLASSES, title="two"
    )
    sure, less = (image_of(axes)[0, 0].sum() for axes in figure.axes[:2])
    assert sure < less
    assert [axes.get_title() for axes in figure.axes[:2]] == ["sure", "doubtful"]


def test_one_output_tells_two_classes_apart():
    two = decision_boundary(
        {"": lambda x: by_sum(x)[:, :2]}, X, [0, 1, 1], classes="ab", title="two"
    )
    one = decision_boundary(
        {"": lambda x: by_sum(x)[:, 1:2]}, X, [0, 1, 1], classes="ab", title="one"
    )
    assert np.array_equal(image_of(one.axes[0]), image_of(two.axes[0]))


@pytest.mark.exhaustive
@pytest.mark.parametrize("panels", [1, 2, 4, 5])
def test_panels_fill_rows_of_three(panels, tmp_path):
    networks = {f"λ = {k}": by_sum for k in range(panels)}
    figure = decision_boundary(networks, X, [0, 1, 2], classes=CLASSES, title="many")
    drawn = [axes for axes in figure.axes if axes.images]
    assert len(drawn) == panels
    assert all(not axes.axison for axes in figure.axes if not axes.images)
    assert save_figure(figure, tmp_path / "many.png")[0].stat().st_size > 5000


def test_what_is_no_plane():
    with pytest.raises(ShapeError, match="2 inputs"):
        decision_boundary({"": by_sum}, np.ones((3, 3)), [0, 1, 2], classes=CLASSES, title="x")
    with pytest.raises(ShapeError, match="3 classes"):
        decision_boundary(
            {"": lambda x: by_sum(x)[:, :2]}, X, [0, 1, 2], classes=CLASSES, title="x"
        )
    for x, t in [([[1.0]], [0]), (X, [0, 1]), (X[:0], []), (X * np.nan, [0, 1, 2]), (X, 1)]:
        with pytest.raises(ShapeError):
            decision_boundary(by_sum, x, t, classes=CLASSES, title="x")
    with pytest.raises(ShapeError, match="needs a network"):
        decision_boundary({}, X, [0, 1, 2], classes=CLASSES, title="x")
    with pytest.raises(ShapeError, match="0 to 2"):
        decision_boundary(by_sum, X, [0, 1, 3], classes=CLASSES, title="x")


def test_one_network_needs_no_name_and_asks_in_the_inputs_own_units():
    asked = []

    def remembering(x):
        asked.append(x.copy())
        return by_sum(x)

    figure = decision_boundary(remembering, X, np.eye(3), classes=CLASSES, title="plane")
    assert figure.axes[0].get_title() == ""
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(CLASSES)
    (plane,) = asked
    assert plane.min(axis=0) == pytest.approx([-1.2, -1.2])
    assert plane.max(axis=0) == pytest.approx([1.2, 1.2])
    (low, high), (bottom, top) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    assert (low, high, bottom, top) == pytest.approx((-1.2, 1.2, -1.2, 1.2))


def test_the_cases_lie_on_top_in_the_colours_of_their_classes():
    figure = decision_boundary(by_sum, X, [0, 1, 2], classes=CLASSES, title="plane")
    points = [c for c in figure.axes[0].collections if type(c).__name__ == "PathCollection"]
    colored = [c for c in points if c.get_facecolor()[0][:3].min() < 0.9]
    assert np.concatenate([c.get_offsets() for c in colored]).tolist() == X.tolist()
    assert len({tuple(c.get_facecolor()[0]) for c in colored}) == 3


@pytest.mark.parametrize(("spread", "aspect"), [(2.0, 1.0), (1000.0, "auto")])
def test_like_inputs_are_drawn_to_one_scale(spread, aspect):
    x = X * [spread, 1]
    figure = decision_boundary(by_sum, x, [0, 1, 2], classes=CLASSES, title="scale")
    assert figure.axes[0].get_aspect() == aspect


def test_a_network_that_has_diverged_leaves_the_plane_white(tmp_path):
    def broken(x):
        return np.where(x[:, :1] > 0, by_sum(x), np.nan)

    figure = decision_boundary(broken, X, [0, 1, 2], classes=CLASSES, title="broken")
    image = image_of(figure.axes[0])
    assert (image[:, 0] == 1).all()
    assert (image[:, -1] < 1).any()
    save_figure(figure, tmp_path / "broken.png")


def test_cases_that_are_not_finite_are_left_out_and_told():
    x = np.vstack([X, [[np.nan, 0]], [[0, np.inf]]])
    figure = decision_boundary(by_sum, x, [0, 1, 2, 0, 1], classes=CLASSES, title="some")
    assert figure.get_suptitle() == "some (2 cases with NaN or infinity left out)"


@pytest.mark.exhaustive
@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300)), min_size=1))
def test_any_plane_becomes_a_picture(points):
    t = [k % 3 for k in range(len(points))]

    def halves(x):
        right = (x[:, :1] > 0).astype(float)
        return np.hstack([right, 1 - right, 0 * right])

    figure = decision_boundary(halves, points, t, classes=CLASSES, title="any")
    figure.canvas.draw()
    for low, high in (figure.axes[0].get_xlim(), figure.axes[0].get_ylim()):
        assert low < high


def trained(data, layers, loss="cross_entropy"):
    return chainrule.train(
        {
            "network": {"layers": layers, "loss": loss, "learning_rate": 0.5},
            "data": data,
            "training": {"epochs": 40, "batch_size": 10},
        },
        save=False,
    )


@pytest.mark.parametrize("standardize", [False, True])
def test_the_boundary_of_a_run_is_in_the_inputs_own_units(standardize):
    data = {"generator": "moons", "count": 60, "split": [1, 0, 0]}
    run = trained({**data, "standardize": standardize}, [{"size": 2}, "softmax"])
    raw = trained(data, [{"size": 2}, "softmax"]).data.train
    axes = boundary_of(run).axes[0]
    assert axes.get_xlim()[0] < raw.x[:, 0].min() < raw.x[:, 0].max() < axes.get_xlim()[1]
    points = [c for c in axes.collections if type(c).__name__ == "PathCollection"]
    drawn = np.concatenate([c.get_offsets() for c in points])
    for case in raw.x:
        assert np.abs(drawn - case).sum(axis=1).min() < 1e-12
    # What the picture says at each case's pixel is what the run predicts there.
    image, (left, right), (bottom, top) = image_of(axes), axes.get_xlim(), axes.get_ylim()
    n = len(image)
    column = ((raw.x[:, 0] - left) / (right - left) * (n - 1)).round().astype(int)
    row = ((raw.x[:, 1] - bottom) / (top - bottom) * (n - 1)).round().astype(int)
    blue = image[row, column, 2] > image[row, column, 0]
    assert (blue == (run.predict(raw.x) == int(run.classes[0]))).mean() > 0.95
    assert boundary_of(run, title="mine").get_suptitle() == "mine"


def test_a_run_that_has_no_plane():
    run = trained({"generator": "blobs", "features": 3, "count": 30}, [{"size": 3}, "softmax"])
    with pytest.raises(ShapeError, match="3 inputs"):
        boundary_of(run)
    values = {"generator": "moons", "count": 30, "target": "value"}
    run = trained(values, [{"size": 1}], "mse")
    with pytest.raises(ShapeError, match="targets are values"):
        boundary_of(run)
