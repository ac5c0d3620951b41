"""What is decided about a submission follows from its numbers."""

from pathlib import Path

from chainrule.marking.assignments.assignment import load_assignment
from chainrule.marking.deciding.decide import decide
from chainrule.marking.sandbox.running import ask

HLCV = Path(__file__).parents[2] / "assignments" / "HLCV"
PARTS = {part.name: part for part in load_assignment(HLCV).parts}


def decided(text, folder, name):
    (folder / "two_layernet.py").write_text(text, "utf-8")
    part = PARTS[name]
    return decide(part.program, ask(folder, part.calls, part.program.probes))


def test_the_solution_is_right_and_a_missing_mean_is_named(tmp_path):
    right = (HLCV / "solution" / "two_layernet.py").read_text("utf-8")
    assert decided(right, tmp_path, "gradients").is_right
    verdict = decided(right.replace("d2 /= N", "pass"), tmp_path, "gradients")
    assert [v.name for v in verdict.explanations[0]] == ["no_mean"]
    assert verdict.place is not None
    assert verdict.place.line == "dW2"
