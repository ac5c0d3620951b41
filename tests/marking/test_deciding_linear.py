"""What is decided about a line fitted by squares, whose bugs are made from its rules."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.marking import marking
from chainrule.marking.assignments.assignment import Part
from chainrule.marking.deciding.decide import Telling, Verdict, decide, fits
from chainrule.marking.deciding.every_layer import in_every_layer
from chainrule.marking.deciding.fits import explained
from chainrule.marking.deciding.mutations import all_mutations
from chainrule.marking.deciding.saying import said
from chainrule.marking.program import Line, Probe, Program, Variation
from chainrule.marking.sandbox.running import Calls, Returned, Trouble

LINES = (
    Line("N", "len(X)", "the number of cases", "forward"),
    Line("y", "X @ W + b", "the output", "forward"),
    Line("error", "y - t", "the error", "loss"),
    Line("loss", "np.sum(error**2) / (2 * N)", "the loss", "loss"),
    Line("d", "error / N", "δ", "backward"),
    Line("dW", "X.T @ d", "∂L/∂W", "backward"),
    Line("db", "d.sum(axis=0)", "∂L/∂b", "backward"),
)
WHOLE = Variation(
    "loss_without_half",
    "the loss lacks its ½",
    "",
    "",
    {"loss": "2 * RIGHT", "d": "2 * RIGHT"},
    "half",
)


def _case(n, inputs, outputs, seed):
    rng = np.random.default_rng(seed)
    sizes = {"X": (n, inputs), "W": (inputs, outputs), "b": (outputs,), "t": (n, outputs)}
    return {name: rng.normal(size=size) for name, size in sizes.items()}


@pytest.fixture(scope="module")
def program():
    probes = (
        Probe("five", "", (_case(5, 4, 3, 1),)),
        Probe("one", "", (_case(1, 4, 3, 2),)),
        Probe("again", "", (_case(4, 2, 3, 3), _case(4, 2, 3, 4))),
    )
    return Program("line", LINES, (WHOLE,), probes)


RETURNED = ("y", "loss", "dW", "db")


def answered(program, bugs=(), change=lambda name, value: value, lines=RETURNED):
    def one(values):
        return Returned({name: change(name, values[name]) for name in lines if name in values})

    return {probe.name: [one(v) for v in program.run(probe, bugs)] for probe in program.probes}


def named(verdict):
    """Every explanation, those that are the same function included."""
    return [*verdict.explanations, *(one for others in verdict.same for one in others)]


def test_more_bugs_than_anyone_makes_are_no_explanation_and_nothing_right():
    lines = tuple(Line(f"a{k}", f"x + {k}", f"a of {k}", "forward") for k in range(8))
    bugs = [Variation(f"b@{k}", f"b of {k}", "", "", {f"a{k}": f"x**{k} - 9"}) for k in range(8)]
    probes = tuple(Probe(f"{x}", "", ({"x": x},)) for x in (2.7, 3.1))
    program = Program("steps", lines, tuple(bugs), probes)
    names = tuple(line.name for line in lines)
    verdict = decide(program, answered(program, bugs, lines=names))
    assert not verdict.is_right
    assert verdict.unexplained


def test_what_is_right_is_right_whatever_the_order_of_its_sums(program):
    assert decide(program, answered(program)).is_right
    assert decide(program, answered(program, change=lambda _, v: v * (1 + 2e-13))).is_right
    verdict = decide(program, answered(program, [WHOLE]))
    assert verdict.is_right
    assert verdict.best == (WHOLE,)


@pytest.mark.parametrize("kind", ["sign@d", "left_out@d", "mean_for_sum@db", "left_out@y"])
def test_a_bug_of_a_kind_is_named(program, kind):
    bug = next(v for v in all_mutations(program) if v.name == kind)
    verdict = decide(program, answered(program, [bug]))
    assert not verdict.is_right
    assert (bug,) in named(verdict)


def are_finite(answers):
    """Whether every number that came back is finite."""
    return all(
        np.isfinite(np.asarray(value, float)).all()
        for calls in answers.values()
        for call in calls
        for value in call.values.values()
    )


@pytest.mark.exhaustive
def test_every_mutation_is_found(program):
    for bug in all_mutations(program):
        answers = answered(program, [bug])
        if not are_finite(answers):
            continue  # NaN everywhere is no evidence for anything
        verdict = decide(program, answers)
        if verdict.judged and not verdict.is_right:
            assert not verdict.unexplained, bug.title
            assert (bug,) in named(verdict) or len(verdict.best) == 1, bug.title


@pytest.mark.exhaustive
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_the_explanation_of_a_pair_gives_its_numbers(program, data):
    bugs = data.draw(
        st.lists(st.sampled_from(list(all_mutations(program))), min_size=2, max_size=2)
    )
    answers = answered(program, bugs)
    verdict = decide(program, answers)
    if verdict.judged and not verdict.unexplained and not verdict.contract:
        assert fits(program, answers, verdict.best)
        assert sum(not v.is_convention for v in verdict.best) <= 2


@pytest.mark.exhaustive
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([1e-14, 1e-13]))
def test_rounding_accuses_nobody(program, seed, size):
    rng = np.random.default_rng(seed)
    shaken = lambda _, v: v * (1 + size * rng.normal(size=np.shape(v)))  # noqa: E731
    assert decide(program, answered(program, change=shaken)).is_right


def test_an_array_of_another_shape_is_a_finding_and_its_numbers_are_judged(program):
    verdict = decide(program, answered(program, change=lambda n, v: v[None] if n == "db" else v))
    assert [finding.name for finding in verdict.contract] == ["shape@db"]
    assert verdict.best == ()
    assert not verdict.unexplained
    assert not verdict.is_right


def test_float32_is_a_note_that_costs_nothing(program):
    verdict = decide(program, answered(program, change=lambda _, v: np.asarray(v, np.float32)))
    assert verdict.is_right
    assert {finding.name for finding in verdict.contract} == {f"float32@{n}" for n in RETURNED}


def test_what_fails_for_extreme_inputs_alone_costs_nothing(program):
    large = {**_case(3, 4, 3, 5), "X": np.full((3, 4), 1e3)}
    extreme = Program("line", LINES, (), (*program.probes, Probe("large", "", (large,), True)))
    answers = answered(extreme)
    trouble = Trouble("error", "OverflowError: math range error", 3, "work.py")
    answers["large"] = [Returned(trouble=trouble)]
    verdict = decide(extreme, answers)
    assert verdict.is_right
    assert [(one.name, one.is_charged) for one in verdict.contract] == [
        ("fails@OverflowError", False)
    ]
    answers["one"] = answers["large"]
    assert not decide(extreme, answers).is_right


def test_a_choice_holds_for_the_loss_and_its_gradient_or_is_a_bug(program):
    doubled = Variation("loss_doubled", "", "", "", {"loss": "2 * RIGHT"})
    verdict = decide(program, answered(program, [doubled]))
    assert not verdict.is_right
    assert all(WHOLE not in one for one in named(verdict))


def test_a_line_without_a_finite_number_is_no_evidence(program):
    answers = answered(program, change=lambda n, v: v * np.nan if n == "loss" else v)
    verdict = decide(program, answers)
    assert [place.line for place in verdict.unexplained] == ["loss"]


def test_one_mutation_in_every_layer_is_one_explanation():
    lines = (
        Line("a1", "a0 @ W1", "the output of layer 1", "forward"),
        Line("a2", "a1 @ W2", "the output of layer 2", "forward"),
        Line("y", "a1.sum() + 2 * a2.sum()", "the output", "forward"),
    )
    case = {"a0": np.eye(2) + 1, "W1": np.array([[1.0, 2], [3, 5]]), "W2": np.eye(2) * 3 + 1}
    deep = Program("deep", lines, (), (Probe("one", "", (case,)),))
    [bug] = [v for v in in_every_layer(deep) if v.name == "halved@a"]
    assert bug.title == "the output has a factor ½ too many, in every layer"
    verdict = decide(deep, answered(deep, [bug], lines=("a1", "a2", "y")))
    assert (bug,) in named(verdict)


def test_an_input_that_was_written_into_is_named(program):
    answers = answered(program)
    answers["five"] = [Returned(answers["five"][0].values, changed=("X",))]
    verdict = decide(program, answers)
    assert [finding.name for finding in verdict.contract] == ["writes_into@X"]
    assert not verdict.is_right


def test_what_nothing_gives_is_the_first_wrong_array(program):
    rng = np.random.default_rng(0)
    wild = lambda n, v: rng.normal(size=v.shape) if n == "dW" else v  # noqa: E731
    verdict = decide(program, answered(program, change=wild))
    assert [place.line for place in verdict.unexplained] == ["dW"]
    assert verdict.place.line == "dW"


def test_gradients_of_a_wrong_loss_of_ones_own_are_not_counted_again(program):
    cubed = Variation(
        "cubed", "", "", "", {"loss": "np.sum(np.abs(error)**3)", "d": "3 * error * np.abs(error)"}
    )

    def more(probes):
        return {p.name: [Returned(program.run(p, [cubed])[0])] for p in probes}

    verdict = decide(program, answered(program, [cubed]), more)
    assert [place.line for place in verdict.unexplained] == ["loss"]
    assert verdict.own == {"dW": True, "db": True}


def test_a_gradient_of_nothing_is_not_that_of_its_own_loss(program):
    nothing = Variation("nothing", "", "", "", {"loss": "7.0", "d": "error * np.sin(error) * 0"})

    def more(probes):
        return {p.name: [Returned(program.run(p, [nothing])[0])] for p in probes}

    assert not any(decide(program, answered(program, [nothing]), more).own.values())


def test_nothing_of_a_hidden_part_is_told(program):
    trouble = Trouble("error", "ValueError: secret 0.1234", 77, "work.py")
    answers = {p.name: [Returned(trouble=trouble)] * len(p.calls) for p in program.probes}
    verdict = decide(program, answers)
    calls = Calls(("work",), "", "", {"loss": "loss"})
    for is_hidden in (False, True):
        part = Part("a", "A", 1.0, calls, program, ("loss",), is_hidden=is_hidden)
        text = " ".join(said(part, verdict, "not run"))
        assert ("secret" in text) is not is_hidden
        assert ("77" in text) is not is_hidden
        assert "ValueError" in text


def test_how_a_hidden_part_is_called_is_not_shown(program):
    telling = Telling(program.probes[0], 0, "loss", (1.0, 2.0))
    verdict = Verdict((), None, telling=telling)
    calls = Calls(("work",), "", "loss = work.loss()", {"loss": "loss"})
    part = Part("a", "A", 1.0, calls, program, ("loss",))
    assert "loss = work.loss()" in "".join(marking._to_run(part, verdict))
    assert not list(marking._to_run(replace(part, is_hidden=True), verdict))


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (lambda a: -a, "sign", "opposite sign"),
        (lambda a: a / 25, "scaled", "N² times too small"),
        (lambda a: 0 * a, "zero", "0 everywhere"),
        (lambda a: a.T, "transposed", "transposed"),
        (lambda a: a + 0.3 * np.arange(6.0).reshape(2, 3), "added", "reg · W"),
        (lambda a: a[::-1], "shifted", "shifted"),
    ],
    ids=["sign", "N squared", "zero", "transposed", "a term", "rows"],
)
def test_what_a_wrong_array_has_to_do_with_the_right_one(make, kind, says):
    right = np.random.default_rng(5).normal(size=(2, 3))
    arrays = {"W": np.arange(6.0).reshape(2, 3)}
    fit = explained(make(right), right, {"N": 5, "reg": 0.3}, arrays)
    assert fit is not None
    assert (fit.kind, says in fit.says) == (kind, True)
