"""What is decided about a submission follows from its numbers."""

import tomllib
from pathlib import Path

from chainrule.marking.deciding.decide import decide
from chainrule.marking.programs.networks import classifier
from chainrule.marking.sandbox.running import Calls, ask

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
