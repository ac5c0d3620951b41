"""The range test of the learning rate: what it runs, what it says, and its picture."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule
from chainrule.core.errors import ConfigError
from chainrule.plots.range_test import range_figure

CONFIG = {
    "network": {"layers": [{"size": 8, "activation": "tanh"}, {"size": 3}, "softmax"]},
    "data": {"generator": "blobs", "classes": 3, "count": 200, "spread": 4.0},
    "training": {"batch_size": 16, "seed": 3, "callbacks": ["early_stopping"]},
}


def changed(**parts) -> dict:
    return {**CONFIG, **{name: {**CONFIG[name], **part} for name, part in parts.items()}}


def trained(rate: float) -> float:
    run = chainrule.train(
        changed(network={"learning_rate": rate}, training={"epochs": 4, "callbacks": None}),
        save=False,
    )
    return run.train.loss


def test_it_suggests_a_rate_that_trains_and_says_why(folder):
    found = chainrule.range_test(CONFIG)
    assert found.suggestion < found.lowest < 10
    assert trained(found.suggestion) < 0.7 * trained(found.suggestion / 100)
    assert found.reason == (
        f"the loss fell most steeply at a rate of {found.suggestion:g}; it was lowest at "
        f"{found.lowest:g}, and grew beyond"
    )
    assert not [*folder.iterdir()]


def test_the_rates_rise_by_equal_factors_from_minibatch_to_minibatch():
    found = chainrule.range_test(CONFIG, low=1e-4, high=1e-2, minibatches=20)
    expected = [1e-4 * 100 ** (k / 19) for k in range(20)]
    assert found.rates == pytest.approx(expected, rel=1e-12)


def test_each_minibatch_is_trained_at_its_rate():
    """As one would by hand, with a network of one layer that descends by its gradients."""
    network = {"layers": [{"size": 3, "learning_rate": 0.3}, "softmax"], "learning_rate": 0.1}
    config = changed(network=network, training={"shuffle": False, "batch_size": 200})
    found = chainrule.range_test(config, low=0.01, high=0.2, minibatches=10)
    run = chainrule.train({**config, "training": {"epochs": 0, "seed": 3}}, save=False)
    data, theta = run.data.train, run.network.theta
    for k in range(10):
        loss = run.network.loss(data.x, data.t)
        assert found.losses[k] == pytest.approx(loss, rel=1e-12)
        run.network.backpropagate(data.t)
        theta -= 3 * 0.01 * 20 ** (k / 9) * run.network.gradients.vector


def test_the_same_file_gives_the_same_bits():
    one, other = (chainrule.range_test(CONFIG, overrides=["training.seed=9"]) for _ in range(2))
    assert one.losses.tobytes() == other.losses.tobytes()
    assert one.losses.tobytes() != chainrule.range_test(CONFIG).losses.tobytes()


def test_data_may_be_passed():
    x = np.random.default_rng(1).normal(size=(120, 2))
    found = chainrule.range_test(
        {**CONFIG, "data": {}}, data=(x, (x.sum(1) > 0).astype(int) + (x[:, 0] > 1))
    )
    assert found.suggestion is not None


def test_rates_that_are_too_small_teach_nothing():
    found = chainrule.range_test(CONFIG, low=1e-9, high=1e-8)
    assert (found.suggestion, found.lowest) == (None, None)
    assert "did not fall by more than its noise at any rate from 1e-09 to 1e-08:" in found.reason


def test_rates_that_are_too_large_diverge_at_once():
    found = chainrule.range_test(CONFIG, low=1.0, high=1e6)
    assert found.suggestion is None
    assert "where it had grown" in found.reason
    assert len(found.losses) < 100


@pytest.mark.filterwarnings("ignore::chainrule.core.errors.DataWarning")
def test_a_loss_that_is_no_number_from_the_start_is_told():
    x = np.random.default_rng(1).normal(size=(60, 2)) * 1e200
    config = changed(network={"loss": "mse", "layers": [{"size": 1}]})
    found = chainrule.range_test({**config, "data": {}}, data=(x, x[:, 0] / 1e200))
    assert found.suggestion is None
    assert found.reason.startswith("the loss was no longer a finite number after 0 minibatches")
    assert found.figure().axes[0].get_xlabel() in ("", "learning rate")


def test_a_loss_that_still_falls_at_the_last_rate_is_told():
    found = chainrule.range_test(CONFIG, high=0.02)
    assert found.reason.endswith("the last rate of the test")


def test_labels_without_any_sense_give_no_rate():
    rng = np.random.default_rng(5)
    x, t = rng.normal(size=(2000, 2)), rng.integers(0, 3, 2000)
    layers = [{"size": 3, "weights": "zeros"}, "softmax"]  # all classes alike: no better answer
    config = changed(network={"layers": layers})
    assert chainrule.range_test({**config, "data": {}}, data=(x, t)).suggestion is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 0}, "low is a finite rate above 0, found 0"),
        ({"high": float("nan")}, "high is a finite rate above 0"),
        ({"low": "1"}, "low is a finite rate above 0"),
        ({"low": 1.0, "high": 0.1}, "which is 1.0; found 0.1"),
        ({"minibatches": 9}, "minibatches is a whole number from 10 to 1,000,000, found 9"),
        ({"minibatches": 10**7}, "minibatches is a whole number from 10"),
        ({"minibatches": 50.0}, "minibatches is a whole number from 10"),
        (
            {"overrides": ["training.optimizer=lbfgs", "training.batch_size=full"]},
            "there is no learning rate to look for",
        ),
        ({"overrides": ["network.learning_rate=0"]}, "the network's learning_rate is 0"),
        ({"overrides": ["training.optimizer=adm"]}, "adam"),
    ],
)
def test_what_cannot_be_tested(arguments, message):
    with pytest.raises(ConfigError, match=message):
        chainrule.range_test(CONFIG, **arguments)


def test_the_picture_shows_losses_and_suggestion(tmp_path):
    found = chainrule.range_test(CONFIG)
    axes = found.figure().axes[0]
    points, line, mark, at = axes.lines
    assert np.array_equal(points.get_ydata(), found.losses)
    assert np.array_equal(line.get_ydata(), found.smoothed)
    assert mark.get_xdata()[0] == at.get_xdata()[0] == found.suggestion
    assert axes.get_xscale() == "log"
    assert axes.get_title(loc="left").replace("\n", " ") == found.reason
    assert [file.name for file in found.save(tmp_path / "rates")] == ["rates.png", "rates.svg"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("losses", [[], [1.0], [0.0] * 9, [1e300] * 9, [1e-3, 1.0, 1e3]])
def test_any_losses_are_drawn(losses, tmp_path):
    rates, losses = np.geomspace(1e-9, 1e9, len(losses)), np.array(losses)
    figure = range_figure(rates, losses, losses, title="t", suggestion=None, reason="w " * 200)
    figure.savefig(tmp_path / "a.png")


@pytest.mark.exhaustive
def test_the_command_draws_and_suggests(command, folder):
    (folder / "plan.yaml").write_text(chainrule.config.load.load_config(CONFIG).to_yaml())
    done = command("range-test", "plan.yaml", "--set", "training.seed=4")
    assert done.status == 0
    expected = chainrule.range_test(CONFIG, overrides=["training.seed=4"])
    assert f"suggested learning_rate: {expected.suggestion}" in done.out
    assert f"reason: {expected.reason}" in done.out
    names = {"plan.yaml", "plan-range-test.png", "plan-range-test.svg"}
    assert {file.name for file in folder.iterdir()} == names
    (folder / "plan.yaml").rename(folder / "a.plan.yaml")
    assert command("range-test", "a.plan.yaml", "--minibatches", "10").status == 0
    again = command("range-test", "a.plan.yaml", "--minibatches", "10")  # keeps what is there
    assert again.out.endswith(
        "a.plan-range-test-2.png\npicture written to a.plan-range-test-2.svg\n"
    )
    quiet = command("range-test", "a.plan.yaml", "--quiet", "--save", "a.svg", "--to", "1")
    assert (quiet.status, quiet.out) == (0, "")
    assert (folder / "a.svg").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--from", "0"], "low is a finite rate above 0"),
        (["--from", "1", "--to", "0.1"], "the last rate (high, --to) is above the first"),
        (["--minibatches", "3"], "minibatches is a whole number from 10"),
        (["--save", "a.bmp"], "bmp"),
        (["--save", "plan.yaml"], "this is the file that is read"),
        (["--save", "none/a.png"], "the folder 'none' does not exist"),
    ],
)
def test_the_command_refuses(command, folder, options, message):
    text = chainrule.config.load.load_config(CONFIG).to_yaml()
    (folder / "plan.yaml").write_text(text)
    done = command("range-test", "plan.yaml", *options)
    assert done.status == 2
    assert message in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert [file.name for file in folder.iterdir()] == ["plan.yaml"]
    assert (folder / "plan.yaml").read_text() == text
