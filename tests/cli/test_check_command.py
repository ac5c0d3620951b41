"""``chainrule check``."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.cli.check import shown_error
from chainrule.gradients import Finding, Verdict
from chainrule.nn.activations import Tanh
from chainrule.nn.network import Network

CONFIG = """\
network:
  penalty: {type: L1, rate: 0.01}
  layers:
    - {size: 4, activation: tanh}
    - {size: 3}
    - softmax
data: {generator: blobs, classes: 3, features: 5, count: 60}
training: {epochs: 1}
"""
QUICK = ["--method", "complex", "--method", "projection"]


@pytest.fixture
def config(folder):
    path = folder / "some.yaml"
    path.write_text(CONFIG)
    return path


def rows(text: str) -> dict[str, list[str]]:
    """The lines of a table by their first word or two."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if words:
            found.setdefault(" ".join(words[:2]), words)
            found.setdefault(words[0], words)
    return found


def test_a_right_network(command, config):
    outcome = command("check", config, *QUICK)
    assert (outcome.status, outcome.err) == (0, "")
    table = rows(outcome.out)
    assert table["shape"] == ["shape", "complex", "projection", "checked", "verdict"]
    for name, shape in {"dense_1.W": "5 x 4", "dense_2.b": "3"}.items():
        assert " ".join(table[name]).startswith(f"{name} {shape} ")
        assert table[name][-2:] == ["all", "right"]
        assert all(float(word) < 1e-12 for word in table[name][-4:-2])
    for place in ("loss ∂L/∂z", "softmax ∂s/∂z", "dense_2 ∂z/∂W", "penalty ∂P/∂θ"):
        assert table[place][-1] == "right"
    assert outcome.out.splitlines()[-1].startswith(
        "right: every gradient agrees (39 parameters, 8"
    )


def test_a_network_with_dropout_is_checked_in_both_modes(command, config):
    dropout = "    - {type: dropout, rate: 0.5}\n    - {size: 3}"
    config.write_text(CONFIG.replace("    - {size: 3}", dropout))
    outcome = command("check", config, *QUICK)
    assert (outcome.status, outcome.err) == (0, "")
    table = rows(outcome.out)
    assert " ".join(table["dense_1.W in"]).startswith("dense_1.W in training 5 x 4 ")
    for place in ("dense_1.W", "dense_1.W in", "dropout_1 ∂z/∂x"):
        assert table[place][-1] == "right"
    assert "∂z/∂x in training" in outcome.out


def test_all_methods_by_default(command, config):
    pytest.importorskip("torch", reason="needs the package torch")
    pytest.importorskip("jax", reason="needs the package jax")
    heading = rows(command("check", config).out)["shape"]
    assert heading[1:6] == ["central", "complex", "projection", "torch", "jax"]


def test_a_wrong_derivative_is_status_1_and_its_place_is_told(command, config, monkeypatch):
    right = Tanh.derivative
    wrong = lambda self, z, out=None: 1.001 * right(self, z, out)  # noqa: E731
    monkeypatch.setattr(Tanh, "derivative", wrong)
    outcome = command("check", config, *QUICK)
    assert (outcome.status, outcome.err) == (1, "")
    assert outcome.out.splitlines()[-1].startswith(
        "WRONG (39 parameters, 8 cases): it first goes "
    )
    assert "dense_1 ∂a/∂z: relative error 0.0005" in outcome.out.splitlines()[-1]
    table = rows(outcome.out)
    assert table["dense_1.W"][-1] == "WRONG"
    assert table["dense_2.W"][-1] == "right"


def test_quiet_prints_the_conclusion_alone(command, config):
    out = command("check", config, "--quiet", *QUICK).out
    assert len(out.splitlines()) == 1
    assert out.startswith("right:")


def test_how_many_cases_and_numbers(command, config):
    outcome = command("check", config, *QUICK, "--cases", "1", "--coordinates", "3")
    assert "39 parameters, 1 case;" in outcome.out
    assert " ".join(rows(outcome.out)["dense_1.W"]).endswith("3 of 20 right")


def test_a_value_may_be_overridden(command, config):
    out = command(
        "check", config, *QUICK, "--set", "network.layers.0.size=7", "data.features=2"
    ).out
    assert " ".join(rows(out)["dense_1.W"]).startswith("dense_1.W 2 x 7 ")


def test_float32_is_checked_in_float64_and_said_so(command, config):
    outcome = command("check", config, *QUICK, "--set", "network.dtype=float32")
    assert outcome.status == 0
    assert "checked in float64: float32 has too few digits to tell" in outcome.out


def test_a_kink_is_told(command, config, monkeypatch):
    right = Network._lay_out

    def with_a_unit_at_0(self, seed):
        right(self, seed)
        self.layers[0].W[:, 0] = 0.0

    monkeypatch.setattr(Network, "_lay_out", with_a_unit_at_0)
    relu = ("--set", "network.layers.0.activation=relu")
    outcome = command("check", config, "--method", "central", *relu)
    assert outcome.status == 0
    assert " ".join(rows(outcome.out)["dense_1.W"]).endswith("all at a kink (5)")
    assert "batch 1: 6 on a kink: z of dense_1 at 0" in outcome.out
    assert "batch 1: 5 on a kink: w of the penalty at 0" in outcome.out


def config_of(folder, x, t, network="{layers: [{size: 8}, {size: 2}, softmax]}"):
    """A configuration of the data."""
    np.savez(folder / "d.npz", x=x, t=t)
    path = folder / "c.yaml"
    path.write_text(f"network: {network}\ndata: {{file: d.npz}}\n")
    return path


def test_a_table_with_an_unscaled_column_is_right_without_a_warning(command, folder):
    rng = np.random.default_rng(1)
    x = np.stack([rng.integers(18, 70, 40), rng.integers(15_000, 90_000, 40)], axis=1)
    outcome = command("check", config_of(folder, x, np.arange(40) % 2), "--method", "complex")
    assert (outcome.status, outcome.err) == (0, "")
    last = outcome.out.splitlines()[-1]
    assert last.startswith("right: every gradient agrees (42 parameters, 8 cases; largest")
    assert float(last.rpartition(" ")[2].rstrip(")")) < 1e-10


def test_inputs_of_0_alone_are_right_without_an_error_of_1(command, folder):
    outcome = command("check", config_of(folder, np.zeros((40, 4)), np.arange(40) % 2))
    assert outcome.status == 0
    assert outcome.out.splitlines()[-1].startswith("right: every gradient agrees")
    assert "1.0e+00" not in outcome.out


def test_a_method_without_digits_says_so(command, folder):
    """Central differences see nothing of a weight that moves a loss of 1e12 by 1e-10."""
    network = (
        "{layers: [{size: 2, activation: tanh}, "
        "{size: 1, activation: linear, weights: [-1.0e-8, 1.0e-8]}]}"
    )
    x = np.random.default_rng(0).normal(size=(40, 2))
    config = config_of(folder, x, np.full((40, 1), 1e6), network)
    both = command("check", config, "--method", "central", "--method", "complex")
    assert both.status == 0
    assert " ".join(rows(both.out)["dense_1.W"][4:6]) == "no digits"
    assert rows(both.out)["dense_1.W"][-1] == "right"
    assert both.out.splitlines()[-1].startswith("right: every gradient agrees")
    alone = command("check", config, "--method", "central").out
    assert " ".join(rows(alone)["dense_1.W"]).endswith("not judged")
    assert alone.splitlines()[-1].startswith("right as far as can be judged (")
    assert alone.splitlines()[-1].endswith("no method has digits for: dense_1.W, dense_1.b")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "komplex"], "unknown method 'komplex'; did you mean 'complex'?"),
        (["--set", "network.layers.0.activation=tahn"], "did you mean 'tanh'?"),
    ],
)
def test_what_is_wrong_with_the_input_is_status_2(command, config, arguments, message):
    outcome = command("check", config, *arguments)
    assert outcome.status == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_no_such_file(command, folder):
    outcome = command("check", folder / "none.yaml")
    assert outcome.status == 2
    assert "none.yaml" in outcome.err


@pytest.mark.parametrize(
    ("compared", "roundings", "verdict", "cell"),
    [
        (4, 7.0, Verdict.RIGHT, "2.0e-13"),
        (0, 7.4, Verdict.RIGHT, "7 roundings"),
        (0, 0.3, Verdict.RIGHT, "1 rounding"),
        (0, 0.0, Verdict.UNJUDGED, "no digits"),
        (0, 0.0, Verdict.RIGHT, "few digits"),
        (0, 0.0, Verdict.KINK, "-"),
    ],
)
def test_a_finding_is_shown_in_the_unit_in_which_it_was_judged(compared, roundings, verdict, cell):
    error = 2e-13 if compared else 0.0
    found = Finding(
        "l", "W", "central", 1, error, verdict, 4, 4, compared=compared, roundings=roundings
    )
    assert shown_error([found]) == cell
