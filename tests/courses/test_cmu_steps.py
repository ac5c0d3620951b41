"""CMU 10-601 homework 5: every number of the first updates, against the algorithm written out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from course_folders import COURSES, on_path

from chainrule.core.errors import ConfigError

with on_path("cmu_10601_hw5"):
    import letters
    import steps

NAMES = ["x", "a", "z", "b", "ŷ", "J", "g_ŷ", "g_b", "g_β", "g_z", "g_a", "g_α", "α", "β"]


def written_out(alpha, beta, x, t, rate):
    """What one case gives, in the homework's order, and α and β behind the update."""
    x = np.array([1, *x])
    a = alpha @ x
    z = np.array([1, *1 / (1 + np.exp(-a))])
    b = beta @ z
    y = np.exp(b) / np.exp(b).sum()
    g_y = np.where(np.arange(len(y)) == t, -1 / y, 0)
    g_b = y - (np.arange(len(y)) == t)
    g_z = (g_b @ beta)[1:]
    g_a = g_z * z[1:] * (1 - z[1:])
    g_alpha, g_beta = np.outer(g_a, x), np.outer(g_b, z)
    after = alpha - rate * g_alpha, beta - rate * g_beta
    return [x, a, z, b, y, [-np.log(y[t])], g_y, g_b, g_beta, g_z, g_a, g_alpha, *after]


@pytest.mark.parametrize("flag", [1, 2])
def test_every_step_is_that_of_the_algorithm(flag):
    rng = np.random.default_rng(0)
    network = steps.started(5, 4, flag)
    first = letters.letters_network(5, 4, flag, 0.3).parameters
    alpha, beta = (
        np.column_stack([first[f"{name}.b"], first[f"{name}.W"].T])
        for name in ("hidden", "output")
    )
    for _ in range(4):
        x, t = rng.random(5), int(rng.integers(10))
        found = [*steps.steps_of(network, x[None], np.array([t])), *steps.update(network, 0.3)]
        expected = written_out(alpha, beta, x, t, 0.3)
        assert [name for name, _ in found] == NAMES
        for (name, values), one in zip(found, expected, strict=True):
            assert values == pytest.approx(np.atleast_2d(one), rel=1e-12, abs=1e-15), name
        *_, alpha, beta = expected


def test_the_tiny_set_is_printed_step_by_step(real, capsys):
    steps.main([str(real / "cmu_ocr" / "tinyTrain.csv")])
    lines = capsys.readouterr().out.splitlines()
    names = [line.strip() for line in lines if line.strip() in NAMES]
    assert names == 2 * NAMES
    assert [line for line in lines if line.startswith("case")] == [
        "case 1, class 7",
        "case 2, class 9",
    ]
    assert lines[lines.index("  J") + 1].strip() == "2.302585"


@pytest.mark.parametrize(
    "words",
    [["--cases", "0"], ["--units", "0"], ["--rate", "-1"], ["--rate", "nan"], ["--init", "3"]],
)
def test_numbers_that_cannot_be_are_told(real, words):
    with pytest.raises(ConfigError):
        steps.main([str(real / "cmu_ocr" / "tinyTrain.csv"), *words])


def test_a_file_that_is_not_there_is_told():
    program = str(COURSES / "cmu_10601_hw5" / "steps.py")
    done = subprocess.run([sys.executable, program, "no.csv"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
