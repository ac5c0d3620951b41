"""The programs of layers and functions are right, and each of their bugs changes a number."""

from itertools import combinations

import numpy as np
import pytest

from chainrule.marking.deciding.decide import decide
from chainrule.marking.program import is_same
from chainrule.marking.programs import PROGRAMS
from chainrule.marking.programs.functions import FUNCTIONS, known_name, value_of
from chainrule.marking.sandbox.running import Returned, Trouble

RETURNED = {
    "full": (
        {"layout": "units, inputs", "update": True, "start": True},
        "out dx dW db W_new b_new spread turned",
    ),
    "full of images": ({"images": True}, "out dx dW db"),
    "softmax_layer": ({}, "out dx"),
    "cross_entropy": ({}, "loss dp"),
    "softmax_loss": ({}, "loss dx"),
    "squared_error": ({}, "loss da"),
    "convolution": ({}, "out dx dw db"),
    "max_pool": ({}, "out dx"),
    "average_pool": ({}, "out dx"),
    "batch_norm": ({}, "out dx dgamma dbeta running_mean running_var"),
    "batch_norm_test": ({}, "out"),
    "layer_norm": ({}, "out dx dgamma dbeta"),
    "dropout": ({}, "share rows_differ columns_differ kept dropped tested dkept ddropped dtested"),
    "recurrent step": ({}, "out dx dh0 dWx dWh db"),
    "recurrent over time": ({"steps": 3}, "out dx dh0 dWx dWh db"),
    "sequential": (
        {},
        "out loss dx g1 g2 p1_new p2_new together sizes fitted1 fitted2 predicted",
    ),
    **{f"elementwise {name}": ({"name": name}, "a da") for name in FUNCTIONS},
    "elementwise relu layer": ({"name": "relu", "upstream": True}, "a dz"),
    "elementwise tanh layer": ({"name": "tanh", "upstream": True}, "a dz"),
}
"""For each program its options, and what a submission returns."""


def made(name):
    options, lines = RETURNED[name]
    return PROGRAMS[name.split()[0]](**options), lines.split()


def answers_of(program, lines, variations=()):
    return {
        probe.name: [
            Returned({line: np.asarray(call[line], float) for line in lines})
            if set(lines) <= set(call)
            else Returned(trouble=Trouble("error"))
            for call in program.run(probe, variations)
        ]
        for probe in program.probes
    }


def same(one, other):
    for probe, calls in one.items():
        for a, b in zip(calls, other[probe], strict=True):
            if a.values.keys() != b.values.keys():
                return False
            if not all(is_same(v, b.values[line]) for line, v in a.values.items()):
                return False
    return True


@pytest.mark.parametrize("name", RETURNED)
def test_every_bug_and_convention_shows_in_some_number(name):
    program, lines = made(name)
    right = answers_of(program, lines)
    for calls in right.values():
        for call in calls:
            assert set(call.values) == set(lines)
            assert all(np.all(np.isfinite(v)) for v in call.values.values())
    found = {v.name: answers_of(program, lines, [v]) for v in program.variations}
    assert len(found) == len(program.variations), "two variations share a name"
    assert [n for n, got in found.items() if same(got, right)] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", RETURNED)
def test_no_two_bugs_give_the_same_numbers_and_each_is_named(name):
    program, lines = made(name)
    found = {v.name: answers_of(program, lines, [v]) for v in program.variations}
    assert [pair for pair in combinations(found, 2) if same(*map(found.get, pair))] == []
    for variation in program.variations:
        verdict = decide(program, found[variation.name])
        assert variation in verdict.explanations[0], variation.name


def numeric(program, probe, gradient, name, h=1e-6):
    """Σ upstream · output differentiated by one input of the first call, entry by entry."""
    case = dict(probe.calls[0])
    start = np.array(case[name], float)
    found = np.zeros(start.shape)
    for at in np.ndindex(start.shape):
        ends = []
        for step in (h, -h):
            moved = start.copy()
            moved[at] += step
            calls = ({**case, name: moved},)
            values = program.run(type(probe)(probe.name, "", calls))[0]
            out = values[gradient.of]
            ends.append(np.sum(out * case[gradient.upstream]) if gradient.upstream else out)
        found[at] = (ends[0] - ends[1]) / (2 * h)
    return found


@pytest.mark.parametrize("name", [n for n in RETURNED if made(n)[0].derived()])
def test_the_gradients_are_those_of_the_forward_pass(name):
    program, _ = made(name)
    probe = program.probes[0]
    right = program.run(probe)[0]
    for line, gradient in program.derived().items():
        estimate = numeric(program, probe, gradient, gradient.by)
        np.testing.assert_allclose(right[line], estimate, rtol=1e-5, atol=1e-7)


def test_the_derivatives_are_those_of_the_functions():
    z, h = np.array([-2.0, -0.7, 0.3, 1.4]), 1e-6
    for name in FUNCTIONS:
        estimate = (value_of(name, z + h) - value_of(name, z - h)) / (2 * h)
        np.testing.assert_allclose(value_of(name, z, "da"), estimate, rtol=1e-6, err_msg=name)


def test_functions_are_known_by_the_names_that_students_give_them():
    names = ["Swish", "my_sigmoid", "leakyReLU", "tanh_activation", "GELU", "frobnicate"]
    assert [known_name(name) for name in names] == [
        "silu",
        "sigmoid",
        "leaky_relu",
        "tanh",
        "gelu",
        None,
    ]
