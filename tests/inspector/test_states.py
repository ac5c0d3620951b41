"""What is kept inside layers with states, and the formulas of every step."""

import numpy as np
import pytest
from random_networks import as_json, told, with_states
from sequence_networks import KINDS, variants
from test_engine_against_python import held_as_told
from test_operations import SCRIPT, held

from chainrule.explain.lesson import in_float64
from chainrule.inspector.passes import recorded
from chainrule.inspector.record import Record
from javascript import needs_node, run

NETWORKS = {name: rest for name, *rest in variants(np.random.default_rng(3))}
QUICK = [f"{kind} {{'truncate': 2}} padded" for kind in KINDS]
QUICK += [f"{kind} {{'start': 'learnt', 'bias': False}} " for kind in KINDS]
"""One with truncation and padding, and one with a learnt start, of each kind."""


def record_of(name: str) -> Record:
    """The record of a network."""
    network, x, t = NETWORKS[name]
    made = in_float64(network)
    return recorded(made, *made.prepare(x, t))


@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.exhaustive)
        for name in NETWORKS
    ],
)
def test_gradients_are_those_of_the_library(name):
    record = record_of(name)
    found = {key: entry.values for key, entry in record.entries.items()}
    network = record.network
    network.propagate(record.x)
    network.backward_pass(record.t)
    for segment in network.parameters.layout.trained:
        kept = found[f"{segment.full_name}_grad"]
        expected = network.gradients[segment.full_name]
        np.testing.assert_allclose(kept, expected, rtol=0, atol=1e-13)


@needs_node
@pytest.mark.exhaustive
def test_every_formula_gives_what_was_recorded():
    for name, errors in zip(NETWORKS, held(*NETWORKS.values()), strict=True):
        assert max(errors.values()) < 1e-12, name


def held_exactly(seeds: range) -> None:
    """Hold the formulas of random networks, and that a cell influences only what reads it."""
    found = run(SCRIPT, [told(seed, (with_states,)) | {"exact": True} for seed in seeds])
    for seed, errors in zip(seeds, found, strict=True):
        wrong = {target: e for target, e in errors.items() if e is None or e > 1e-11}
        assert not wrong, f"seed {seed}: {wrong}"


@needs_node
def test_a_few_random_networks_with_states():
    held_exactly(range(2))


@needs_node
@pytest.mark.exhaustive
def test_many_random_networks_with_states():
    held_exactly(range(2, 120))


@needs_node
def test_the_page_computes_the_same_for_each_kind():
    held_as_told({name: as_json(record_of(name)) for name in QUICK})


def test_the_arrays_inside():
    record = record_of("lstm {'truncate': 2} padded")
    of_layer = [key.partition(".")[2] for key in record.entries if key.startswith("lstm_2.")]
    forward = [*(f"z_{gate}" for gate in "ifgo"), *"ifgoc", "out"]
    parts = [f"{one}_back" for one in ("J_h", "J_c", *(f"delta_{gate}" for gate in "ifgo"))]
    backward = ["J_h", "J_c", *(f"delta_{gate}" for gate in "ifgo")]
    wanted = [*forward, "J", *parts, *backward]
    assert [one for one in of_layer if one in wanted] == wanted
    assert record["lstm_2.J_h_back"].shape == (4, 2, 4, 2)
    assert record.entries["lstm_2.delta_i"].letter == "δⁱ"


def test_padding_is_nan_in_values_and_0_in_gradients():
    record = record_of("gru {} padded")
    for name in ("z_r", "u", "out"):
        assert np.isnan(record[f"gru_1.{name}"][2, 1:]).all()
        assert np.isfinite(record[f"gru_1.{name}"][2, 0]).all()
    for name in ("J_h", "delta_m"):
        assert not record[f"gru_1.{name}"][2, 1:].any()
        assert record[f"gru_1.{name}"][2, 0].all()


def test_truncated_parts_add_up_and_reach_no_further():
    record = record_of("recurrent {'truncate': 2} ")
    parts = record["recurrent_2.J_h_back"]
    np.testing.assert_allclose(parts.sum(axis=1), record["recurrent_2.J_h"], atol=1e-14)
    np.testing.assert_array_equal(parts[:, 0], record["recurrent_2.J"])
    assert not parts[:, 1, -1].any()
