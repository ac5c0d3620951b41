"""The learning curve, read back from the figure's own objects."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError
from chainrule.plots import learning_curve, save_figure


def lines(axes):
    return {line.get_label(): line for line in axes.lines}


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def history(epochs=5, **columns):
    loss = [1.0 / (k + 1) for k in range(epochs)]
    return {"epoch": list(range(1, epochs + 1)), "train_loss": loss, **columns}


def test_training_and_validation_stand_over_the_epochs():
    validation = [0.9, 0.5, 0.4, 0.6, 0.7]
    figure = learning_curve(history(validation_loss=validation), title="run")
    (axes,) = figure.axes
    drawn = lines(axes)
    assert drawn["training"].get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert drawn["training"].get_ydata().tolist() == history()["train_loss"]
    assert drawn["validation"].get_ydata().tolist() == validation
    assert drawn["training"].get_color() != drawn["validation"].get_color()
    assert axes.get_xlabel() == "epochs"
    assert figure.get_suptitle() == "run"


def test_the_best_validation_epoch_is_ringed():
    figure = learning_curve(history(validation_loss=[0.9, 0.5, 0.4, 0.6, 0.4]), title="")
    ring = lines(figure.axes[0])["best validation 0.4 (epoch 3)"]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (3, 0.4)


def test_the_test_result_is_a_star_at_the_end_with_its_value():
    figure = learning_curve(history(), title="", test={"loss": 0.25})
    star = lines(figure.axes[0])["test 0.25"]
    assert star.get_xdata().tolist() == [5]
    assert star.get_ydata().tolist() == [0.25]
    assert "test 0.25" in legend(figure.axes[0])


@pytest.mark.parametrize("absent", [None, [None] * 5, [math.nan] * 5])
def test_without_validation_there_is_no_line_and_no_alarm(absent):
    columns = {} if absent is None else {"validation_loss": absent}
    figure = learning_curve(history(**columns), title="")
    assert legend(figure.axes[0]) == ["training"]


def test_validation_measured_now_and_then_is_one_line():
    figure = learning_curve(history(validation_loss=[None, 0.5, None, 0.4, None]), title="")
    line = lines(figure.axes[0])["validation"]
    assert line.get_xdata().tolist() == [2, 4]
    assert line.get_ydata().tolist() == [0.5, 0.4]


def test_accuracy_has_a_panel_of_its_own_in_percent():
    accuracy = {"train_accuracy": [0.2, 0.4, 0.6, 0.8, 0.9]}
    figure = learning_curve(history(**accuracy), title="", test={"loss": 1, "accuracy": 0.875})
    loss, panel = figure.axes
    assert panel.get_title() == "accuracy"
    assert lines(panel)["training"].get_ydata().tolist() == accuracy["train_accuracy"]
    assert legend(panel) == ["training", "test 87.5%"]
    assert panel.yaxis.get_major_formatter()(0.5, 0) == "50%"
    assert loss.get_title() == "loss"


def test_several_labels_a_case_have_panels_of_accuracy_and_f1():
    columns = {"validation_accuracy": [0.5, 0.75], "validation_f1": [0.25, 0.5]}
    columns |= {"validation_row_accuracy": [0.0, 0.5], "validation_mae": [3.0, 2.0]}
    test = {"loss": 1, "accuracy": 0.8, "f1": 0.625, "row_accuracy": 0.5}
    figure = learning_curve({"train_loss": [2.0, 1.0], **columns}, title="", test=test)
    panels = figure.axes
    assert [axes.get_title() for axes in panels[1:]] == ["accuracy", "F1, mean over the labels"]
    assert lines(panels[2])["validation"].get_ydata().tolist() == columns["validation_f1"]
    assert "test 0.625" in lines(panels[2])


def test_a_perfect_accuracy_does_not_fill_the_panel_with_noise():
    figure = learning_curve(history(train_accuracy=[1.0, 0.999, 1.0, 0.998, 1.0]), title="")
    low, high = figure.axes[1].get_ylim()
    assert low < 0.91
    assert high > 1


def test_a_very_bad_r2_does_not_press_the_good_ones_flat():
    columns = {"train_r2": [-400.0, 0.1, 0.5, 0.8, 0.9]}
    panel = learning_curve(history(**columns), title="", test={"r2": 0.85}).axes[1]
    assert panel.get_title() == "R² (below -1 not shown)"
    assert panel.get_ylim()[0] > -1.5
    assert "test 0.85" in legend(panel)


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ([1.0, 0.1, 0.011], "linear"),
        ([1.0, 0.1, 0.009], "log"),
        ([1.0, 0.0, 0.5], "linear"),
        ([100.0, -1.0, 0.001], "linear"),
        ([0.0, 0.0, 0.0], "linear"),
    ],
)
def test_the_axis_is_logarithmic_over_more_than_two_decades(losses, scale):
    axes = learning_curve({"train_loss": losses}, title="").axes[0]
    assert axes.get_yscale() == scale
    low, high = axes.get_ylim()
    assert low < min(losses)
    assert max(losses) < high


def test_values_that_are_no_numbers_are_left_out_and_their_place_is_marked():
    losses = [0.5, 4.0, math.inf, math.nan, 1.0]
    axes = learning_curve({"train_loss": losses}, title="").axes[0]
    drawn = lines(axes)
    assert np.isfinite(drawn["training"].get_ydata()).tolist() == [True, True, False, False, True]
    mark = drawn["not a finite number: 2 epochs, first epoch 3"]
    assert mark.get_xdata().tolist() == [3, 4]


def test_a_training_loss_that_was_written_as_none_is_marked_too():
    axes = learning_curve({"train_loss": [0.5, None]}, title="").axes[0]
    assert "not a finite number: epoch 2" in legend(axes)


def test_a_test_loss_that_is_no_number_is_said_so():
    axes = learning_curve(history(), title="", test={"loss": math.inf}).axes[0]
    assert "test: not a finite number" in legend(axes)


def test_minibatches_stand_behind_the_means_of_their_epochs():
    minibatches = np.linspace(1, 0.1, 20)
    figure = learning_curve(history(), title="", minibatch_losses=minibatches)
    drawn = lines(figure.axes[0])
    faint = drawn["minibatches"]
    assert faint.get_xdata()[[0, -1]].tolist() == [0.25, 5]
    assert faint.get_zorder() < drawn["training"].get_zorder()
    assert faint.get_alpha() < 0.5


def test_minibatches_that_are_their_epochs_are_not_drawn_twice():
    rows = history()
    figure = learning_curve(rows, title="", minibatch_losses=rows["train_loss"])
    assert "training" in lines(figure.axes[0])
    assert "minibatches" not in lines(figure.axes[0])


def test_minibatches_of_almost_no_loss_leave_the_axis_to_the_curves():
    minibatches = np.tile([1.0, 1e-9], 10)
    figure = learning_curve(history(), title="", minibatch_losses=minibatches)
    assert figure.axes[0].get_yscale() == "linear"


def test_the_axis_can_count_minibatches():
    minibatches = np.linspace(1, 0.1, 20)
    figure = learning_curve(
        history(),
        title="",
        x_axis="minibatches",
        minibatch_losses=minibatches,
        test={"loss": 0.5},
    )
    drawn = lines(figure.axes[0])
    assert drawn["training"].get_xdata().tolist() == [4, 8, 12, 16, 20]
    assert drawn["minibatches"].get_xdata().tolist() == list(range(1, 21))
    assert drawn["test 0.5"].get_xdata().tolist() == [20]
    assert figure.axes[0].get_xlabel() == "minibatches"


def test_a_run_broken_off_within_an_epoch_ends_there():
    figure = learning_curve(
        history(2),
        title="",
        test={"loss": 0.5},
        minibatch_losses=[1.0] * 25,
        minibatches_per_epoch=10,
    )
    drawn = lines(figure.axes[0])
    assert drawn["minibatches"].get_xdata()[-1] == 2.5
    assert drawn["test 0.5"].get_xdata().tolist() == [2.5]


def test_a_single_spike_among_a_million_minibatches_is_drawn():
    minibatches = np.ones(1_000_000)
    minibatches[123_456] = 7.0
    figure = learning_curve(history(), title="", minibatch_losses=minibatches)
    (band,) = figure.axes[0].collections
    outline = band.get_paths()[0].vertices
    assert len(outline) < 5000
    assert outline[:, 1].max() == 7.0
    mean = lines(figure.axes[0])["mean and range of 2,500 minibatches"]
    assert mean.get_ydata()[49] == pytest.approx(1 + 6 / 2500)


@pytest.mark.parametrize(("metrics", "shape"), [(0, (1, 2)), (1, (1, 3)), (2, (2, 2))])
def test_four_panels_stand_in_two_rows(metrics, shape):
    names = ["balanced_accuracy", "log_loss"][:metrics]
    more = {f"train_{name}": [0.5] * 5 for name in ("accuracy", *names)}
    figure = learning_curve({**history(), **more}, title="")
    rows, columns, *_ = figure.axes[0].get_subplotspec().get_geometry()
    assert (rows, columns) == shape
    assert figure.get_figwidth() <= 17.5


def test_before_training_the_panel_says_so():
    figure = learning_curve({"epoch": [], "train_loss": []}, title="")
    assert [text.get_text() for text in figure.axes[0].texts] == ["nothing has been trained yet"]


def test_zero_epochs_can_have_a_test_result():
    columns = {"epoch": [], "train_loss": [], "train_accuracy": []}
    figure = learning_curve(columns, title="", test={"test_loss": 1.4, "test_accuracy": 0.25})
    assert [legend(axes) for axes in figure.axes] == [["test 1.4"], ["test 25.0%"]]


@pytest.mark.exhaustive
@pytest.mark.parametrize("epochs", [1, 2, 31, 10_000])
def test_every_length_of_run_can_be_saved(epochs, tmp_path):
    figure = learning_curve(
        history(epochs, train_accuracy=[0.5] * epochs, validation_loss=[0.3] * epochs),
        title="run",
        test={"loss": 0.2, "accuracy": 0.5},
    )
    assert save_figure(figure, tmp_path / "curve")
    ticks = [t for t in figure.axes[0].get_xticks() if t == int(t)]
    assert len(ticks) == len(figure.axes[0].get_xticks())


def test_one_epoch_is_a_visible_point():
    (axes,) = learning_curve(history(1, validation_loss=[0.5]), title="").axes
    assert {line.get_marker() for line in axes.lines} == {"o"}
    assert legend(axes) == ["training", "validation"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x_axis": "epoch"}, "did you mean 'epochs'"),
        ({"x_axis": "minibatches"}, "minibatches_per_epoch"),
        ({"minibatches_per_epoch": 0}, "at least 1 minibatch"),
    ],
)
def test_what_cannot_be_drawn_is_said(arguments, message):
    with pytest.raises(ChainruleError, match=message):
        learning_curve(history(), title="", **arguments)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ChainruleError, match="train_loss 5, validation_loss 1"):
        learning_curve(history(validation_loss=[1.0]), title="")


@pytest.mark.exhaustive
@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)),
        min_size=1,
        max_size=6,
    ),
    st.floats(),
    st.text(max_size=30),
)
def test_any_numbers_and_any_title_make_a_picture(tmp_path_factory, losses, result, title):
    figure = learning_curve(
        {"train_loss": losses, "validation_loss": losses[::-1], "validation_r2": losses},
        title=title,
        test={"loss": result, "r2": result},
        minibatch_losses=[math.nan if loss is None else loss for loss in losses * 2],
    )
    assert save_figure(figure, tmp_path_factory.mktemp("any") / "curve", ("png",))


def test_metrics_from_0_to_1_share_a_panel_and_the_log_loss_has_its_own():
    columns = {"train_loss": [1.0, 0.5], "validation_accuracy": [0.5, 0.6]}
    columns |= {"validation_roc_auc": [0.7, 0.8], "train_f1": [0.2, None]}
    columns |= {"validation_f1": [0.3, 0.4], "validation_log_loss": [9.0, 3.0]}
    test = {"loss": 0.4, "roc_auc": 0.75}
    figure = learning_curve(columns, title="run", test=test)
    assert [axes.get_title() for axes in figure.axes] == [
        "loss",
        "accuracy",
        "metrics",
        "log loss",
    ]
    words = [text.get_text() for text in figure.axes[2].get_legend().get_texts()]
    assert words == ["F1", "ROC AUC, test 0.75", "training", "validation"]
    drawn = [list(line.get_ydata()) for line in figure.axes[2].lines if len(line.get_ydata())]
    assert drawn == [[0.2], [0.3, 0.4], [0.75], [0.7, 0.8]]
    alone = learning_curve({"train_loss": [1.0], "validation_f1": [0.5]}, title="run")
    assert [axes.get_title() for axes in alone.axes] == ["loss", "F1"]
