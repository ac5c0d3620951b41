"""``chainrule describe``."""

from __future__ import annotations

import pytest

CHAIN = """\
network:
  input: 5
  dtype: float32
  layers:
    - {size: 4, activation: tanh}
    - {size: 3}
    - softmax
data: {file: nowhere.csv}
"""
GRAPH = """\
network:
  layers:
    - {size: 2, name: f}
    - {type: add, inputs: [input, f]}
    - {size: 3, inputs: add_1}
    - softmax
data: {generator: spirals, count: 60}
"""
COMPACT = "GLOBALS\nloss: mse\nLAYERS\ninput: 20\nsize: 100 act: relu\nsize: 5\n"


@pytest.fixture
def described(command, folder):
    def described(text, *arguments, name="some.yaml"):
        (folder / name).write_text(text)
        return command("describe", name, *arguments)

    return described


def rows(out: str) -> dict[str, list[str]]:
    """The words of each line, by the first."""
    return {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.split()}


def test_a_line_a_layer_and_the_sums(described):
    outcome = described(CHAIN)
    assert (outcome.status, outcome.err) == (0, "")
    found = rows(outcome.out)
    assert found["layer"] == ["type", "fed", "by", "output", *found["layer"][4:]]
    assert found["layer"][4:] == ["weights", "biases", "multiplications"]
    assert found["input"] == ["5"]
    assert found["dense_1"] == ["dense", "input", "4", "20", "4", "20"]
    assert found["dense_2"] == ["dense", "dense_1", "3", "12", "3", "12"]
    assert found["softmax"] == ["softmax", "dense_2", "3", "–", "–", "–"]
    assert outcome.out.splitlines()[-3:] == [
        "parameters       39: 32 weights and 7 biases",
        "bytes            156 in float32; the gradient takes as many",
        "multiplications  32 by weights, a case and forward pass",
    ]


def test_a_graph_names_all_that_feed_a_layer(described):
    found = rows(described(GRAPH).out)
    assert found["add_1"] == ["add", "input,", "f", "2", "–", "–", "–"]
    assert found["dense_2"] == ["dense", "add_1", "3", "6", "3", "6"]


def test_the_input_is_taken_from_the_data_where_it_is_left_out(described):
    assert rows(described(GRAPH).out)["input"] == ["2"]
    outcome = described(CHAIN.replace("  input: 5\n", ""))
    assert outcome.status == 2
    assert outcome.err.startswith("some.yaml:")
    assert "nowhere.csv" in outcome.err


def test_the_compact_form_and_overrides(described):
    found = rows(described(COMPACT, "--set", "network.layers.0.size=10", name="c.txt").out)
    assert found["dense_1"] == ["dense", "input", "10", "200", "10", "200"]


def test_what_does_not_fit_is_told_at_its_place(described):
    outcome = described(CHAIN, "--set", "network.input=[2, 3, 4]")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("some.yaml:5:7: dense_1")
    assert "2 x 3 x 4" in outcome.err


def test_a_network_beyond_any_memory_is_described(described):
    outcome = described(CHAIN, "--set", "network.input=100000000", "network.layers.0.size=1000000")
    assert outcome.status == 0
    assert "parameters       100,000,004,000,003" in outcome.out
