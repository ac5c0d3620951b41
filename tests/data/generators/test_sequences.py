"""Sequences that are made: echo and parity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ConfigError
from chainrule.data.generators.sequences import echo, parity
from chainrule.data.sources import load_data


def rng(seed=0):
    return np.random.default_rng(seed)


def load(**options):
    return load_data(options, folder=Path(), seed=1)


@settings(max_examples=40)
@given(st.integers(1, 9), st.integers(0, 8), st.sampled_from(["values", "bits"]), st.booleans())
def test_an_echo_comes_back_after_the_delay(longest, delay, of, vary):
    shortest = min(longest, delay + 1) if vary else longest
    if delay >= shortest:
        with pytest.raises(ConfigError, match="delay must be less than the number of steps"):
            echo(rng(), [shortest, longest], delay, count=6, of=of)
        return
    made = echo(rng(), [shortest, longest], delay, count=6, of=of)
    assert made.x.shape == (6, longest, 1)
    for x, t in zip(made.x[:, :, 0], made.t.reshape(6, longest), strict=True):
        length = int((~np.isnan(x)).sum())
        assert shortest <= length <= longest
        for n in range(longest):
            if delay <= n < length:
                assert t[n] == x[n - delay]
            else:
                assert t[n] == -1 if of == "bits" else np.isnan(t[n])
    real = made.x[~np.isnan(made.x)]
    assert set(real) <= {0.0, 1.0} if of == "bits" else (np.abs(real) <= 1).all()


@settings(max_examples=40)
@given(st.integers(1, 7), st.integers(0, 3), st.sampled_from(["all", "last"]))
def test_parity_is_that_of_the_ones_so_far_and_no_string_comes_twice(longest, fewer, targets):
    shortest = max(1, longest - fewer)
    made = parity(rng(), [shortest, longest], targets=targets)
    strings = []
    for case, target in zip(made.x[:, :, 0], made.t, strict=True):
        bits = [int(b) for b in case if not np.isnan(b)]
        strings.append(tuple(bits))
        expected = [sum(bits[: n + 1]) % 2 for n in range(len(bits))]
        if targets == "last":
            assert target == expected[-1]
        else:
            assert target.tolist() == expected + [-1] * (longest - len(bits))
    everything = sum(2**k for k in range(shortest, longest + 1))
    assert len(set(strings)) == len(strings) == everything


@pytest.mark.parametrize("bits", [10, 30, 60])
def test_some_of_many_strings_are_different_and_balanced(bits):
    made = parity(rng(), bits, count=500)
    assert len({tuple(x.ravel()) for x in made.x}) == 500
    assert 0.35 < made.t.mean() < 0.65
    assert 0.4 < made.x.mean() < 0.6


def test_lengths_take_turns():
    made = parity(rng(), [2, 5], count=40)
    lengths = (~np.isnan(made.x[:, :, 0])).sum(axis=1)
    assert np.bincount(lengths).tolist() == [0, 0, 4, 8, 14, 14]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: parity(rng(), 3, count=9), "count must be at most 8, the number of such strings"),
        (
            lambda: parity(rng(), 0),
            r"bits must be a range \[low, high\] of whole numbers from 1 to 10000",
        ),
        (lambda: parity(rng(), targets="each"), "unknown targets 'each'"),
        (lambda: echo(rng(), of="bit"), "did you mean 'bits'"),
        (lambda: echo(rng(), count=1), "count must be a whole number of at least 2"),
        (lambda: echo(rng(), 10**4, count=10**9), "GiB"),
    ],
)
def test_what_cannot_be_made_is_said(made, message):
    with pytest.raises(ConfigError, match=message):
        made()


def test_the_same_seed_makes_the_same_and_another_others():
    first, again = load(generator="echo"), load(generator="echo")
    assert np.array_equal(first.train.x, again.train.x)
    assert not np.array_equal(first.train.x, load(generator="echo", seed=2).train.x)


def test_the_parts_share_no_string_and_the_classes_are_balanced():
    data = load(generator="parity", bits=6, split=[0.5, 0.25, 0.25])
    assert data.sequence_shape == (6, 1)
    assert data.classes == ("0", "1")
    parts = [{tuple(x.ravel()) for x in part.x} for part in data]
    assert [len(part) for part in parts] == [32, 16, 16]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    assert [int(part.t.sum()) for part in data] == [16, 8, 8]


def test_bits_are_values_where_one_output_is_to_give_them():
    settings_ = {"generator": "parity", "bits": [2, 4], "targets": "all"}
    data = load_data(settings_, folder=Path(), seed=1, outputs=1, target="value")
    assert data.classes is None
    assert data.train.t.shape[1:] == (4, 1)
    padding = np.isnan(data.train.x)
    assert np.array_equal(np.isnan(data.train.t), padding)


def test_what_sequences_are_not():
    with pytest.raises(ConfigError, match="gives values here, not classes"):
        load(generator="echo", target="class")
    with pytest.raises(ConfigError, match="standardize is for rows of numbers and images"):
        load(generator="echo", standardize=True)
