"""A network as tables of numbers, and what compiled code cannot run."""

import subprocess
import sys

import numpy as np
import pytest

from chainrule import Dense, Network, Softmax
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.losses import LOSSES
from chainrule.nn.penalties import PENALTIES
from chainrule.training.engines.compiled import tables
from chainrule.training.engines.compiled.support import reason_against, reason_against_cases
from chainrule.training.engines.compiled.tables import Packing, aligned, filled, make_tables
from chainrule.training.optimizers import OPTIMIZERS, SGD, AdamW


@pytest.mark.parametrize(
    ("words", "covered"),
    [
        (ACTIVATIONS.values(), tables.ACTIVATIONS),
        (LOSSES.values(), tables.LOSSES),
        (OPTIMIZERS.values(), tables.RULES),
        (PENALTIES, tables.PENALTIES),
    ],
    ids=["activations", "losses", "optimisers", "penalties"],
)
def test_what_is_compiled_has_a_word(words, covered):
    """A word that is not compiled is run by the numpy engine, which says why."""
    assert set(words) >= set(covered)


def test_no_numba_is_needed_to_decide():
    code = (
        "import chainrule.training.engines.compiled.support, "
        "chainrule.training.engines.compiled.engine, sys\n"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def bound(network: Network, rates=None) -> SGD:
    sgd = SGD()
    rates = rates or network.parameters.layout.runs(network.rates(0.1))
    sgd.bind(network.theta, network.gradients.vector, rates)
    return sgd


def small(**options) -> Network:
    return Network([Dense(5, "tanh"), Dense(2), Softmax()], input=3, **options)


def test_a_rate_that_changes_within_an_array_is_a_fallback_reason():
    network = small()
    size = len(network.theta)
    cut = bound(network, [(slice(0, 4), 0.1), (slice(4, size), 0.2)])
    assert "within the weights" in reason_against(network, cut)
    assert reason_against(network, bound(network)) is None


def adamw(network: Network, spared, **options) -> AdamW:
    rule = AdamW(weight_decay=0.2, **options)
    rates = network.parameters.layout.runs(network.rates(0.1))
    rule.bind(network.theta, network.gradients.vector, rates, spared)
    return rule


def test_the_decay_of_adamw_is_that_of_the_slices_that_decay():
    network = small()
    biases = [segment.slice for segment in network.parameters.layout if segment.is_bias]
    assert tables.weight_decays(network, adamw(network, biases)) == (0.2, 0.0)
    assert tables.weight_decays(network, adamw(network, biases, biases=True)) == (0.2, 0.2)
    assert tables.weight_decays(network, adamw(network, [])) == (0.2, 0.2)
    assert tables.weight_decays(network, bound(network)) == (0.0, 0.0)


def test_a_decay_that_differs_between_layers_is_a_fallback_reason():
    network = small()
    first = network.parameters.layout["dense_1.W"].slice
    assert "decay of the weights differs" in reason_against(network, adamw(network, [first]))
    assert reason_against(network, adamw(network, [])) is None


@pytest.mark.parametrize(
    ("x", "t"),
    [
        (np.ones((2, 3), np.float32), np.zeros(2, int)),
        (np.ones((2, 4)), np.zeros(2, int)),
        (np.ones((2, 6))[:, ::2], np.zeros(2, int)),
        (np.ones((2, 3)), np.zeros(3, int)),
        (np.ones((2, 3)), np.array([0, 2])),
        (np.ones((2, 3)), np.array([0, -1])),
        (np.ones((2, 3)), np.zeros(2)),
        (np.ones((2, 3)), np.zeros((2, 3))),
    ],
)
def test_cases_that_are_not_as_prepared_are_a_fallback_reason(x, t):
    assert reason_against_cases(small(), x, t)
    assert reason_against_cases(small(), np.ones((2, 3)), np.array([0, 1])) is None


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("by_output", [[False] * 4, [True] * 4, [False, True, True, False]])
def test_packing_there_and_back_loses_nothing_and_leaves_the_padding_at_0(dtype, by_output):
    network = Network([Dense(50), Dense(3), Dense(17), Dense(2)], input=5, dtype=dtype)
    network.theta = np.arange(1, len(network.theta) + 1, dtype=dtype)
    made = make_tables(network, by_output, fill=True)
    packed = aligned((1, made.parameters), network.dtype)[0]
    for own, other in Packing(network, made).pairs(network.theta, packed):
        other[...] = own
    assert np.count_nonzero(packed) == len(network.theta)
    assert made.parameters % filled(1, network.dtype) == 0
    back = np.zeros_like(network.theta)
    for own, other in Packing(network, made).pairs(back, packed):
        own[...] = other
    assert np.array_equal(back, network.theta)


def test_rows_begin_at_a_line_of_the_cache():
    for _ in range(5):
        assert aligned((3, 24), np.dtype("float32")).ctypes.data % 64 == 0
