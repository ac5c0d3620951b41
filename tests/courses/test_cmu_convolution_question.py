"""CMU 10-601 homework 5: the written question on convolution, against SciPy and counting anew."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from course_folders import on_path
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import correlate2d

from chainrule.core.errors import ChainruleError

with on_path("cmu_10601_hw5"):
    import convolution_question as question

settings = st.builds(
    question.Setting,
    height=st.integers(4, 9),
    width=st.integers(4, 9),
    size=st.integers(1, 4),
    stride=st.integers(1, 3),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
)


def test_the_whole_output():
    expected = correlate2d(question.X, question.FILTER, mode="valid")
    assert question.convolution().tolist() == expected.tolist()
    assert question.by_library(question.X, question.FILTER, 1).tolist() == expected.tolist()
    assert expected[2, 1] == 8


def test_a_step_is_the_patch_under_the_filter():
    step = question.step(3, 2)
    assert step.patch.tolist() == [[-3, 1, 3], [5, 2, 0], [4, -3, 1]]
    assert step.products.tolist() == [[3, -1, -3], [-5, 16, 0], [-4, 3, -1]]
    assert step.value == 8


@given(settings)
def test_sizes_and_weights_are_those_of_walking_over_the_map(setting):
    along = [
        [at for at in range(length) if at % setting.stride == 0 and at + setting.size <= length]
        for length in (setting.height, setting.width)
    ]
    assert setting.output == tuple(map(len, along))
    one = len(list(product(*map(range, (setting.size, setting.size)), range(setting.channels))))
    assert setting.shared == one * setting.filters
    assert setting.unshared == len(list(product(*along))) * one * setting.filters


def test_the_answers_are_the_questions():
    found = question.answers()
    assert [answer.part for answer in found] == ["1a", "1a", "1b", "2c", "2d", "2e", "2e"]
    assert [answer.found for answer in found] == [(4, 4), 8, (3, 2), 16, 1600, 17328, 51984]
    assert all(answer.right for answer in found)


def test_the_program_shows_every_step(capsys):
    assert question.main([]) == 0
    out = capsys.readouterr().out
    assert " 5  2  0  · -1  8 -1  = -5 16  0\n" in out
    assert "+3 -1 -3 -5 +16 +0 -4 +3 -1 = 8\n" in out
    assert "unshared: 19 x 19 x 4 x 4 x 3 = 17,328\n" in out
    assert "(2e) 40 x 40 x 3 under 4 x 4 at stride 2\n" in out
    assert out.count("  ok\n") == 7


def test_any_number_of_the_output_can_be_shown(capsys):
    assert question.main(["--at", "1", "4"]) == 0
    assert " = -24\n" in capsys.readouterr().out
    assert question.main(["--all"]) == 0
    out = capsys.readouterr().out
    for value in np.ravel(question.convolution()):
        assert f" = {value}\n" in out
    assert out.count("the patch") == 16


@pytest.mark.parametrize("at", [("0", "1"), ("5", "1"), ("1", "5")])
def test_a_number_that_is_not_there_is_told(at):
    with pytest.raises(ChainruleError, match="rows 1 to 4 and columns 1 to 4, found"):
        question.main(["--at", *at])


def test_a_wrong_answer_is_found(monkeypatch, capsys):
    monkeypatch.setattr(question, "FILTER", -question.FILTER)
    assert question.main([]) == 1
    assert capsys.readouterr().out.count("WRONG") == 1
