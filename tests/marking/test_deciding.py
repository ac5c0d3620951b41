"""What is decided about a submission follows from its numbers."""

from dataclasses import replace
from pathlib import Path

from chainrule.marking.assignments.assignment import load_assignment
from chainrule.marking.deciding.decide import Verdict, decide
from chainrule.marking.deciding.inputs import smallest
from chainrule.marking.deciding.saying import _needed, _settings
from chainrule.marking.marking import _known_alone
from chainrule.marking.program import Variation
from chainrule.marking.programs import PROGRAMS
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


def test_what_was_told_before_is_no_new_fault():
    """In a part that looks at little a fault told earlier fits beside others: it stands alone."""
    part = PARTS["loss"]
    bugs = [Variation(name, name, "", "", {}) for name in ("likelier", "told")]
    verdict = Verdict(tuple((bug,) for bug in bugs), None, same=((), ()), judged=part.judged)
    alone = _known_alone(part, verdict, {"told": "the part before"})
    assert alone.explanations == ((bugs[1],),)
    assert _known_alone(part, verdict, {"another": "the part before"}) == verdict
    right = replace(verdict, explanations=((), (bugs[1],)))
    assert _known_alone(part, right, {"told": "the part before"}) == right


def test_a_demonstration_shows_the_inputs_that_its_line_depends_on():
    program = PARTS["loss"].program
    case = program.probes[0].calls[0]
    assert set(_needed(program, "loss", (), case)) >= {"X", "W1", "y", "reg"}
    assert not {"y", "reg"} & set(_needed(program, "p", (), case))
    assert "y" in _needed(program, "p", (Variation("", "", "", "", {"p": "y"}),), case)
    assert _settings({"act1": "tanh", "wrt": None}) == ", with act1 = 'tanh'"


def test_a_small_input_of_a_convolution_is_one_that_can_be_called():
    program = PROGRAMS["convolution"]()
    bug = next(v for v in program.variations if v.name.startswith("assigned@dx"))
    probe, call, line = smallest(program, (bug,), (), ("dx",))
    case, (right,), (wrong,) = probe.calls[call], program.run(probe), program.run(probe, (bug,))
    assert case["dout"].shape == right["out"].shape
    assert line == "dx"
    assert right["dx"].any()
    assert right["dx"].tolist() != wrong["dx"].tolist()
