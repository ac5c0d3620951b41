"""CMU 10-601 homework 5: the written question on a graph, against formulas worked out anew."""

from __future__ import annotations

import math

import pytest
from course_folders import on_path
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError

with on_path("cmu_10601_hw5"):
    import graph_question as question

values = st.floats(-2, 2).map(lambda x: round(x, 3))


def written_out(p):
    """All nine derivatives in plain arithmetic."""
    s = p["w11"] * p["x1"] + p["w21"] * p["x2"]
    z1 = max(s, 0.0)
    z2 = p["w22"] * p["x2"] ** 2 + p["w32"] * p["x3"] + p["b2"]
    y1 = 1 / (1 + math.exp(-(p["m11"] * z1**3 + p["c1"])))
    y2 = p["m12"] * math.sin(z1) + p["m22"] * math.cos(z2)
    d1, d2 = 2 / (y1 - p["y1"]), 2 / (y2 - p["y2"])
    logistic = y1 - y1 * y1
    dz1 = d1 * logistic * p["m11"] * 3 * z1**2 + d2 * p["m12"] * math.cos(z1)
    dz2 = -d2 * p["m22"] * math.sin(z2)
    return {
        "ŷ₁": d1,
        "z₁": dz1,
        "z₂": dz2,
        "m₁₁": d1 * logistic * z1**3,
        "m₁₂": d2 * math.sin(z1),
        "c₁": d1 * logistic,
        "w₂₂": dz2 * p["x2"] ** 2,
        "b₂": dz2,
        "w₁₁": dz1 * (1.0 if s >= 0 else 0.0) * p["x1"],
    }


@settings(max_examples=40)
@given(st.fixed_dictionaries(dict.fromkeys(question.POINT, values)))
def test_every_answer_at_any_point(point):
    try:
        found = question.answers(point)
    except ChainruleError:
        return  # a logarithm of 0
    expected = written_out(point)
    assert [answer.name for answer in found] == list(expected)
    for answer in found:
        assert answer.value == pytest.approx(expected[answer.name], rel=1e-9, abs=1e-12)
        assert answer.error <= question.LIMIT


def test_the_slope_of_relu_at_0_is_1_in_this_question():
    point = {**question.POINT, "w11": 0.0, "w21": 0.0}
    found = {answer.name: answer for answer in question.answers(point)}
    assert found["w₁₁"].value == found["z₁"].value * point["x1"] != 0
    assert found["w₁₁"].by_numbers is None


def test_formulas_are_the_chain_rule():
    found = {answer.name: answer.formula for answer in question.answers()}
    assert found["ŷ₁"] == "−2 / (y₁ − ŷ₁)"
    assert found["c₁"] == "∂J/∂ŷ₁ · ŷ₁ · (1 − ŷ₁)"
    assert found["m₁₂"] == "∂J/∂ŷ₂ · sin(z₁)"
    assert found["w₁₁"] == "∂J/∂z₁ · relu′(w₁₁ · x₁ + w₂₁ · x₂) · x₁"


def test_the_program_prints_formula_and_number(capsys):
    assert question.main([]) == 0
    out = capsys.readouterr().out
    for answer in question.answers():
        assert f"= {answer.formula}\n" in out
        assert f"= {answer.value:.12g}   graph and complex step within" in out
    assert "= 0 where w₁₁x₁ + w₂₁x₂ < 0, ∂J/∂z₁ · x₁ elsewhere\n" in out
    assert out.count("  ok\n") == 9


@pytest.mark.exhaustive
def test_table_and_picture(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    assert question.main(["--table", "--draw", "graph"]) == 0
    assert "m₁₂ · sin(z₁) + m₂₂ · cos(z₂)" in capsys.readouterr().out
    assert (folder / "graph.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_a_wrong_answer_is_found(monkeypatch, capsys):
    right = question.by_hand

    def wrong(n):
        d = right(n)
        d["c₁"] = (d["c₁"] * 1.001).named("∂J/∂c₁")
        return d

    monkeypatch.setattr(question, "by_hand", wrong)
    assert question.main([]) == 1
    assert capsys.readouterr().out.count("WRONG") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["w1=2"], "unknown variable 'w1'; did you mean"),
        (["w11=two"], "w11 is a number, found 'two'"),
        (["m12=0", "m22=0", "y2=0"], "J is -inf at this point"),
    ],
)
def test_what_is_wrong_at_the_command_line_is_told(words, says):
    with pytest.raises(ChainruleError, match=says):
        question.main(["--at", *words])
