"""The programs of dense networks: their bugs differ, are found by their numbers, and are said."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from chainrule.marking.deciding.decide import decide
from chainrule.marking.program import is_same
from chainrule.marking.programs.dense_numeric import numeric_gradient
from chainrule.marking.programs.networks import classifier, dense_network
from chainrule.marking.sandbox.running import Returned

PROGRAMS = {
    "classifier of no hidden layer": lambda: classifier(0),
    "classifier": classifier,
    "classifier of two hidden layers": lambda: classifier(2),
    "tanh": lambda: classifier(1, activation="tanh", penalty="half_squares"),
    "L1": lambda: classifier(1, activation="sigmoid", penalty="L1", biases_penalised=True),
    "dense, no hidden layer": lambda: dense_network(0),
    "dense": dense_network,
}


@cache
def program_of(name):
    return PROGRAMS[name]()


RETURNED = (
    "p",
    "scores",
    "probabilities",
    "predicted",
    "p_again",
    "columns",
    "loss",
    "parameters_changed",
)


def returned_lines(program):
    layers = sum(line.name.startswith("xW") for line in program.lines)
    gradients = [f"d{letter}{k}" for k in range(1, layers + 1) for letter in "Wb"]
    return [*RETURNED, *gradients]


@cache
def numbers(name):
    """What a submission with each variation returns: by its name, a list of arrays."""
    program = program_of(name)
    lines = returned_lines(program)
    return {
        variation.name: [
            values.get(line)
            for probe in program.probes
            for values in program.run(probe, [variation])
            for line in lines
        ]
        for variation in program.variations
    }


def differ(a, b):
    if (a is None) != (b is None):
        return True
    return a is not None and not (is_same(a, b) or is_same(b, a))


def projected(values):
    """One number of all values, which is the same where they are."""
    total = 0.0
    for k, value in enumerate(values):
        flat = np.nan_to_num(np.ravel(value if value is not None else 11.0), nan=7, posinf=8)
        total += float(np.clip(flat, -1e3, 1e3) @ np.cos(k + np.arange(flat.size)))
    return total


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_variation_has_one_name_and_every_text(name):
    variations = program_of(name).variations
    assert len({v.name for v in variations}) == len(variations)
    for v in variations:
        assert v.title
        assert v.sentence.endswith(".")
        assert "{" not in v.title + v.sentence
        assert v.is_convention or v.hint.endswith((".", "?"))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_probes_tell_every_two_bugs_apart(name):
    program = program_of(name)
    found = numbers(name)
    bugs = [
        v.name
        for v in program.variations
        if not (v.is_convention or v.name.startswith("biases_not_penalised"))
    ]
    near = sorted((projected(found[bug]), bug) for bug in bugs)
    same = [
        (one, other)
        for (u, one), (v, other) in pairwise(near)
        if v - u <= 1e-5 * (1 + abs(u))
        and not any(differ(x, y) for x, y in zip(found[one], found[other], strict=True))
    ]
    assert same == []


@pytest.mark.parametrize(
    "name", ["classifier", pytest.param("dense", marks=pytest.mark.exhaustive)]
)
def test_the_probes_show_every_bug(name):
    program = program_of(name)
    lines = returned_lines(program)
    right = [v.get(line) for p in program.probes for v in program.run(p) for line in lines]
    silent = [
        v.name
        for v in program.variations
        if not v.is_convention
        and not v.name.startswith("biases_not_penalised")  # shows beside a convention alone
        and not any(differ(x, y) for x, y in zip(numbers(name)[v.name], right, strict=True))
    ]
    assert silent == []


def named(name, bug):
    """The names of what is decided about a submission with a variation."""
    program = program_of(name)
    lines = returned_lines(program)
    answers = {
        probe.name: [
            Returned({line: values[line] for line in lines if line in values})
            for values in program.run(probe, [bug])
        ]
        for probe in program.probes
    }
    return [[v.name for v in one] for one in decide(program, answers).explanations]


QUICK = ("no_mean", "bias_averaged@2", "mask_from_delta", "kept_from_before", "half_penalty")


@pytest.mark.parametrize("bug", QUICK)
def test_a_bug_is_named_by_its_numbers(bug):
    program = program_of("classifier")
    variation = next(v for v in program.variations if v.name == bug)
    assert named("classifier", variation)[0] == [bug]


FACTORS = (
    ("classifier", "classes_for_cases@dW"),
    ("classifier", "weights_grown_by_penalty"),
    ("classifier", "output_again"),
    ("classifier", "softmax_running_sum"),
    ("classifier", "bias_for_each_input"),
    ("classifier", "own_output_of_same_shape"),
    ("tanh", "slope_twice@db"),
    ("tanh", "squared_difference@tanh"),
    ("dense", "brackets@sigmoid"),
    ("dense", "cases_and_one@db@2"),
)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "bug"), FACTORS)
def test_a_factor_a_bracket_or_a_changed_weight_is_named(name, bug):
    variation = next(v for v in program_of(name).variations if v.name == bug)
    assert named(name, variation)[0] == [bug]


@pytest.mark.exhaustive
def test_penalties_of_weights_and_biases_that_are_lost_together_are_one_bug():
    program = program_of("dense")
    both = {v.name: v for v in program.variations}
    bug, biases = both["biases_not_penalised_nor_weights"], both["penalty_on_biases"]
    lines = returned_lines(program)
    answers = {
        probe.name: [
            Returned({line: values[line] for line in lines if line in values})
            for values in program.run(probe, [biases, bug])
        ]
        for probe in program.probes
    }
    found = decide(program, answers).explanations
    assert [v.name for v in found[0] if not v.is_convention] == [bug.name]


@pytest.mark.parametrize("hidden", [1, 2])
def test_differences_are_taken_away_from_the_kinks_of_relu(hidden):
    forward = classifier(hidden, state=False)
    for probe in numeric_gradient(hidden).probes:
        values = forward.run(probe)[0]
        assert min(np.abs(values[f"z{k}"]).min() for k in range(1, hidden + 1)) > 0.01


@pytest.mark.parametrize("hidden", [0, 1, 2])
def test_the_gradient_is_that_of_the_loss(hidden):
    program = classifier(hidden)
    probe = next(one for one in program.probes if one.name == "penalty")
    case = dict(probe.calls[0])
    values = program.run(probe)[0]
    for name in [key for key in case if key[0] in "Wb"]:
        direction = np.random.default_rng(1).normal(size=case[name].shape)
        moved = [
            program.run(type(probe)("", "", ({**case, name: case[name] + h * direction},)))[0]
            for h in (1e-6, -1e-6)
        ]
        slope = (moved[0]["loss"] - moved[1]["loss"]) / 2e-6
        assert slope == pytest.approx((values[f"d{name}"] * direction).sum(), rel=1e-6)
