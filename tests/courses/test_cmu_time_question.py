"""CMU 10-601 homework 5: the written question in time, against sums worked out anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from course_folders import on_path

from chainrule.core.errors import ChainruleError

with on_path("cmu_10601_hw5"):
    import time_question as question


def written_out(p):
    """The gradients by loops over single numbers, with steps counted from 1."""
    N = len(p.x)
    h = {0: p.h0}
    for n in range(1, N + 1):
        h[n] = p.U @ p.x[n - 1] + h[n - 1]
    g = {}
    for t in range(1, N + 1):
        o, y = p.V @ h[t], p.y[t - 1]
        g[t] = o - y if p.loss == "squared" else np.exp(o) / np.exp(o).sum() - y
    found = {}
    for n in range(1, N + 1):
        found[question.raised("h", n)] = sum(p.V.T @ g[t] for t in range(n, N + 1))
    found["V"], found["U"] = np.zeros_like(p.V), np.zeros_like(p.U)
    for n in range(1, N + 1):
        for i, j in np.ndindex(p.V.shape):
            found["V"][i, j] += g[n][i, 0] * h[n][j, 0]
        for t in range(n, N + 1):
            for i, j in np.ndindex(p.U.shape):
                found["U"][i, j] += (p.V[:, i] @ g[t][:, 0]) * p.x[n - 1][j, 0]
    return found


@pytest.mark.parametrize("loss", list(question.LOSSES))
@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_every_answer_for_any_number_of_steps(steps, loss):
    problem = question.Problem.drawn(steps, loss, seed=steps)
    expected = written_out(problem)
    found = {answer.name: answer for answer in question.answers(problem)}
    assert list(found) == list(expected)
    for name, answer in found.items():
        assert answer.value.shape == expected[name].shape
        np.testing.assert_allclose(answer.value, expected[name], rtol=1e-12, atol=1e-12)
        assert answer.is_right


def test_the_formulas_for_one_step_and_for_two():
    def formulas(steps):
        return {a.name: a.formula for a in question.answers(question.Problem.drawn(steps))}

    assert formulas(1) == {"h⁽¹⁾": "Vᵀ g⁽¹⁾", "V": "g⁽¹⁾ h⁽¹⁾ᵀ", "U": "Vᵀ g⁽¹⁾ x⁽¹⁾ᵀ"}
    assert formulas(2)["h⁽¹⁾"] == "Vᵀ g⁽¹⁾ + Vᵀ g⁽²⁾"
    assert formulas(2)["U"] == "Vᵀ g⁽¹⁾ x⁽¹⁾ᵀ + Vᵀ g⁽²⁾ x⁽¹⁾ᵀ + Vᵀ g⁽²⁾ x⁽²⁾ᵀ"
    assert formulas(12)["h⁽¹¹⁾"] == "Σ_{t=11}^{12} Vᵀ g⁽ᵗ⁾"


def test_a_wrong_answer_is_found(monkeypatch, capsys):
    right = question.by_hand

    def forgets_the_later_step(problem, n):
        d = right(problem, n)
        return {**d, "h⁽¹⁾": d["h⁽²⁾"]} if "h⁽²⁾" in d else d

    monkeypatch.setattr(question, "by_hand", forgets_the_later_step)
    assert question.main(["--steps", "1"]) == 0
    assert question.main(["--steps", "2"]) == 1
    assert capsys.readouterr().out.count("WRONG") == 1


def test_a_transposed_answer_is_wrong():
    [answer] = [a for a in question.answers(question.Problem.drawn(2)) if a.name == "U"]
    assert answer.is_right
    assert not replace(answer, value=answer.value.T).is_right


@pytest.mark.parametrize("words", [["--steps", "0"], ["--steps", "51"], ["--seed", "-1"]])
def test_what_cannot_be_is_refused(words):
    with pytest.raises(ChainruleError, match="found"):
        question.main(words)
