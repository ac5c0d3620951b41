"""What is decided about a submission follows from its numbers."""

import tomllib
from pathlib import Path

import pytest

from chainrule.marking.deciding.decide import decide
from chainrule.marking.programs.networks import classifier
from chainrule.marking.sandbox.running import Calls, Returned, ask

HLCV = Path(__file__).parents[2] / "assignments" / "HLCV"
PARTS = {
    part["name"]: part
    for part in tomllib.loads((HLCV / "assignment.toml").read_text("utf-8"))["part"]
}


def decided(text, folder, name):
    (folder / "two_layernet.py").write_text(text, "utf-8")
    part = PARTS[name]
    calls = Calls(("two_layernet",), part["setup"], part["call"], part["returns"])
    program = classifier()
    return decide(program, ask(folder, calls, program.probes))


def test_the_solution_is_right_and_a_missing_mean_is_named(tmp_path):
    right = (HLCV / "solution" / "two_layernet.py").read_text("utf-8")
    assert decided(right, tmp_path, "gradients").is_right
    verdict = decided(right.replace("d2 /= N", "pass"), tmp_path, "gradients")
    assert [v.name for v in verdict.explanations[0]] == ["no_mean"]
    assert verdict.place is not None
    assert verdict.place.line == "dW2"


@pytest.mark.parametrize("bug", classifier().variations, ids=lambda bug: bug.name)
def test_every_variation_is_found_by_its_own_numbers(bug):
    program = classifier()
    lines = ("loss", "dW1", "db1", "dW2", "db2")
    answers = {
        probe.name: [
            Returned({line: values[line] for line in lines})
            for values in program.run(probe, [bug])
        ]
        for probe in program.probes
    }
    assert bug in decide(program, answers).explanations[0]
