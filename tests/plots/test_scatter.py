"""Scatter plots, read back from the figure's own objects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib.backends.backend_agg import FigureCanvasAgg

from chainrule.core.errors import ShapeError
from chainrule.plots import save_figure, scatter
from chainrule.plots.scatter import principal_components

RNG = np.random.default_rng(0)


def points(axes):
    """The points of each group in ``axes``."""
    return [np.asarray(collection.get_offsets()) for collection in axes.collections]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_two_features_are_a_plane_coloured_by_class():
    x, t = RNG.normal(size=(30, 2)), np.arange(30) % 3
    figure = scatter(x, t, classes=["a", "b", "c"], feature_names=["width", "height"], title="t")
    (axes,) = figure.axes
    for k, group in enumerate(points(axes)):
        assert np.allclose(group, x[t == k])
    colors = {tuple(c.get_facecolor()[0]) for c in axes.collections}
    assert len(colors) == 3
    assert legend(figure) == ["a", "b", "c"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("width", "height")
    assert figure.get_suptitle() == "t"


def test_one_hot_rows_and_class_numbers_are_the_same_picture():
    x, t = RNG.normal(size=(12, 2)), np.arange(12) % 3
    one = scatter(x, t, classes=list("abc"), title="")
    two = scatter(x, np.eye(3)[t], classes=list("abc"), title="")
    for a, b in zip(points(one.axes[0]), points(two.axes[0]), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("features", [3, pytest.param(4, marks=pytest.mark.exhaustive)])
def test_a_few_features_are_a_matrix_of_planes(features, tmp_path):
    x, t = RNG.normal(size=(40, features)), np.arange(40) % 2
    figure = scatter(x, t, classes=["a", "b"], title="")
    panels = np.array(figure.axes).reshape(features, features)
    assert np.allclose(points(panels[1, 0])[0], x[t == 0][:, [0, 1]])
    assert np.allclose(points(panels[0, 2])[1], x[t == 1][:, [2, 0]])
    assert panels[-1, 1].get_xlabel() == "x₂"
    assert panels[1, 0].get_ylabel() == "x₂"
    assert not points(panels[1, 1])
    assert save_figure(figure, tmp_path / "matrix", ("png",))


def scale_of(axes):
    """How many units of the data a point of the drawing is wide, over how many it is high."""
    FigureCanvasAgg(axes.figure).draw()
    box, (left, right), (low, high) = axes.bbox, axes.get_xlim(), axes.get_ylim()
    return (right - left) / box.width / ((high - low) / box.height)


@pytest.mark.parametrize("features", [2, pytest.param(3, marks=pytest.mark.exhaustive), 5])
def test_features_in_one_unit_have_one_scale(features):
    x, t = RNG.normal(size=(30, features)) * ([1, 8] + [1] * (features - 2)), np.arange(30) % 2
    for one_unit in (False, True):
        figure = scatter(x, t, classes=["a", "b"], one_unit=one_unit, title="")
        axes = figure.axes[1 if features == 3 else 0]
        assert (abs(scale_of(axes) - 1) < 0.01) == one_unit


def test_the_diagonal_of_the_matrix_counts_every_case():
    x, t = RNG.normal(size=(40, 3)), np.arange(40) % 2
    figure = scatter(x, t, classes=["a", "b"], title="")
    counts = [patch.get_data().values.sum() for patch in figure.axes[0].patches]
    assert sorted(set(counts)) == [20]


def test_many_features_are_their_principal_components():
    direction = np.array([3.0, 0, 4, 0, 0]) / 5
    along = np.linspace(-2, 2, 50)
    x = along[:, None] * direction + 1e-3 * RNG.normal(size=(50, 5))
    (axes,) = scatter(x, np.zeros(50, int), classes=["a"], title="").axes
    assert np.allclose(points(axes)[0][:, 0], along, atol=0.01)
    assert axes.get_xlabel() == "principal component 1 (100% of variance)"
    assert axes.get_ylabel() == "principal component 2 (0% of variance)"


def test_one_feature_has_a_line_for_each_class():
    x, t = RNG.normal(size=30), np.arange(30) % 3
    (axes,) = scatter(x, t, classes=["a", "b", "c"], title="").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    for k, group in enumerate(points(axes)):
        assert np.array_equal(group[:, 0], x[t == k])
        assert np.abs(group[:, 1] - k).max() <= 0.25


def test_a_regression_of_one_feature_is_its_curve():
    x = RNG.normal(size=20)
    (axes,) = scatter(x[:, None], x**2, classes=None, title="").axes
    assert np.allclose(points(axes)[0], np.column_stack([x, x**2]))
    assert axes.get_ylabel() == "target"


def test_a_regression_of_many_features_shows_the_first_four():
    x, t = RNG.normal(size=(20, 6)), RNG.normal(size=(20, 2))
    figure = scatter(x, t, classes=None, title="houses")
    assert len(figure.axes) == 4
    assert np.allclose(points(figure.axes[2])[1], np.column_stack([x[:, 2], t[:, 1]]))
    assert figure.get_suptitle() == "houses (the first 4 of 6 features)"
    assert legend(figure) == ["target 1", "target 2"]
    figure = scatter(x, t, classes=None, target_names=["price", "rent"], title="")
    assert legend(figure) == ["price", "rent"]


def test_a_class_without_cases_keeps_its_place():
    x = RNG.normal(size=(4, 2))
    figure = scatter(x, [2, 2, 0, 0], classes=["a", "b", "c"], title="")
    assert legend(figure) == ["a", "b", "c"]
    assert [len(group) for group in points(figure.axes[0])] == [2, 0, 2]


@pytest.mark.parametrize("names", [["_hidden", "$5"], ["a\nb", "\ud800"], ["", "圆"]])
def test_any_string_is_a_class_name(names, tmp_path):
    figure = scatter(RNG.normal(size=(4, 2)), [0, 1, 0, 1], classes=names, title=names[1])
    assert len(legend(figure)) == 2
    assert save_figure(figure, tmp_path / "names")


def test_the_legend_of_very_many_classes_ends():
    figure = scatter(
        RNG.normal(size=(90, 2)), range(90), classes=[str(k) for k in range(90)], title=""
    )
    assert legend(figure)[-1] == "and 67 more"
    assert len(legend(figure)) == 24


def test_many_points_stay_a_small_svg(tmp_path):
    figure = scatter(RNG.normal(size=(50_000, 2)), np.zeros(50_000, int), classes=["a"], title="")
    (file,) = save_figure(figure, tmp_path / "many.svg")
    assert file.stat().st_size < 1_000_000


def test_values_that_are_no_numbers_are_left_out_and_counted():
    x = np.array([[0.0, 1], [np.nan, 1], [2, 3], [np.inf, 0]])
    figure = scatter(x, [0, 0, 0, 0], classes=["a"], title="t")
    assert points(figure.axes[0])[0].tolist() == [[0, 1], [2, 3]]
    assert figure.get_suptitle() == "t (2 cases with NaN or infinity left out)"


def test_no_cases_is_said():
    figure = scatter(np.zeros((0, 3)), [], classes=["a"], title="")
    assert figure.axes[0].texts[0].get_text() == "no cases"


@pytest.mark.parametrize(
    ("x", "t", "arguments", "message"),
    [
        (np.zeros((3, 2)), [0, 1], {}, r"found \(3, 2\) and \(2, 1\)"),
        (np.zeros((2, 2)), [0, 2], {}, "class numbers are 0 to 1; found 2"),
        (np.zeros((2, 2)), [0, 0.5], {}, "class numbers are 0 to 1; found 0.5"),
        (np.zeros((2, 2)), np.eye(2, 3), {}, "2 classes need rows"),
        (np.zeros((2, 2, 2)), [0, 1], {}, "one row of x"),
        (np.zeros((2, 2)), [0, 1], {"feature_names": ["a"]}, "2 features need as many names"),
    ],
)
def test_what_does_not_fit_is_said(x, t, arguments, message):
    with pytest.raises(ShapeError, match=message):
        scatter(x, t, classes=["a", "b"], title="", **arguments)


@pytest.mark.exhaustive
@settings(max_examples=15, deadline=None)
@given(arrays.arrays(np.float64, st.tuples(st.integers(0, 4), st.integers(1, 5))), st.booleans())
def test_any_values_make_a_picture(tmp_path_factory, x, regression):
    t = x[:, 0] if regression else np.zeros(len(x))
    figure = scatter(x, t, classes=None if regression else ["a"], title="")
    assert save_figure(figure, tmp_path_factory.mktemp("any") / "points", ("png",))


# Principal components against the eigenvectors of the covariance


@pytest.mark.parametrize("shape", [(50, 6), (4, 9), (1, 5), (2, 2)])
def test_shares_are_the_covariance_s_largest_eigenvalues(shape):
    x = np.random.default_rng(1).normal(size=shape) * np.arange(1, shape[1] + 1)
    points, shares = principal_components(x)
    assert points.shape == (shape[0], 2)
    assert np.allclose(points.sum(axis=0), 0)
    centred = x - x.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(centred.T @ centred)[::-1]
    assert np.allclose((points**2).sum(axis=0), eigenvalues[:2])
    assert np.allclose(shares * eigenvalues.clip(0).sum(), eigenvalues[:2])


@pytest.mark.parametrize("seed", range(8))
def test_a_component_grows_with_the_feature_it_is_mostly_made_of(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(30, 7)) * [1, 1, 1, 30, 1, 1, 1] + rng.normal(size=(30, 1))
    points, _ = principal_components(x)
    assert np.corrcoef(points[:, 0], x[:, 3])[0, 1] > 0.9


def test_cases_that_are_all_alike_stand_in_one_point():
    points, shares = principal_components(np.full((5, 6), 3.0))
    assert not points.any()
    assert not shares.any()
