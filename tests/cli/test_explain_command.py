"""``chainrule explain``."""

from __future__ import annotations

import pytest

from chainrule import train
from chainrule.cli.main import app
from printed_formulas import latex_steps_of, steps_of, wrong_steps

CONFIG = """\
network:
  loss: binary_cross_entropy
  layers: [{size: 2, activation: sigmoid}, {size: 1, activation: sigmoid}]
data: {generator: xor, count: 4, noise: 0, split: [1, 0, 0]}
training: {epochs: 1, seed: 1}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(CONFIG)
    return path


def explain(capsys, *arguments, status=0):
    with pytest.raises(SystemExit) as ended:
        app(["explain", *map(str, arguments)])
    assert ended.value.code == status
    return capsys.readouterr()


def test_a_configuration_is_worked_out_as_it_starts(config, capsys):
    out = explain(capsys, config, "--case", 2).out
    assert wrong_steps(out) == []
    assert len(steps_of(out)) > 20
    assert "Case 2 of the training data" in out


def test_a_run_is_worked_out_as_it_is_after_its_training(config, capsys, tmp_path):
    run = train(config, run=tmp_path / "run")
    out = explain(capsys, tmp_path / "run", "--digits", 6).out
    assert out.startswith("One pass worked out: run\n")
    printed = {step.name: step.sides[-1] for step in steps_of(out)}
    assert float(printed["b⁽²⁾₁"].replace("−", "-")) != run.network.layers[1].b[0]
    z = run.network.layers[0].evaluate(run.data.train.x[:1], run.network.parameters["dense_1"])[0]
    assert printed["z⁽¹⁾₁"] == f"{z[0, 0]:.6g}".replace("-", "−")
    refused = explain(capsys, tmp_path / "run", "--set", "training.epochs=5", status=2)
    assert "--set) go with a configuration" in refused.err


def test_one_weight_alone(config, capsys):
    out = explain(capsys, config, "--weight", "dense_1.W[0, 1]", "--width", 40).out
    gradients = {step.name for step in steps_of(out) if step.name.startswith("∂L/∂W")}
    assert gradients == {"∂L/∂W⁽¹⁾₁₂"}
    assert wrong_steps(out) == []


@pytest.mark.parametrize(("ending", "begins"), [("md", "# One"), ("html", "<!DOCTYPE html>")])
def test_the_ending_of_the_file_says_the_form(config, capsys, tmp_path, ending, begins):
    path = tmp_path / f"pass.{ending}"
    explain(capsys, config, "--out", path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith(begins)
    if ending == "md":
        assert wrong_steps(latex_steps_of(text)) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--case", 4], "no case 4 in the training data: cases 0 to 3"),
        (["--case", -1], "no case -1"),
        (["--weight", "dens_1.W[0,0]"], "did you mean 'dense_1.W'"),
        (["--weight", "dense_1.W[2,0]"], "shape (2, 2)"),
        (["--weight", "dense_1.W"], "dense_1.W[0,0]"),
        (["--split", "test"], "there are no test data"),
        (["--split", "tets"], "did you mean 'test'"),
        (["--format", "htlm"], "did you mean 'html'"),
        (["--digits", 1], "from 2 to 17"),
        (["--width", 10], "40"),
        (["--out", "page.pdf"], "the ending .pdf is no form of an explanation"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(config, capsys, arguments, words):
    found = explain(capsys, config, *arguments, status=2)
    assert words in " ".join(found.err.split())
    assert "Traceback" not in found.err


def test_neither_configuration_nor_run_is_written_over(config, capsys):
    assert "net.yaml" in explain(capsys, config, "--out", config, status=2).err
    assert config.read_text() == CONFIG
