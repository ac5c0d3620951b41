"""Digests of cases, and data that have changed taken apart as a run had them."""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.digests import as_trained, case_digests, known_cases, with_digests

NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=64)
TABLES = st.tuples(st.integers(1, 40), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=NUMBERS)
)


def digests(x) -> list[int]:
    x = np.asarray(x)
    return case_digests(x, np.zeros(len(x))).tolist()


# Digests


def by_hand(numbers) -> int:
    """The formula of the docstring, in Python's whole numbers."""

    def mixed(word: int) -> int:
        word ^= word >> 32
        word = word * 0xD6E8FEB86659FD93 % 2**64
        return word ^ (word >> 32)

    def factor(k: int) -> int:
        return mixed(mixed(k * 0x9E3779B97F4A7C15 % 2**64)) | 1

    words = np.array(numbers, float).view(np.uint64).tolist()
    return sum(factor(k) * mixed(word) for k, word in enumerate(words, start=1)) % 2**64


def test_a_digest_is_the_sum_of_its_definition():
    x = [[0.5, -3.0, 1e300], [7.0, 0.0, -1e-320]]
    t = [2, 0]
    rows = [[*row, target] for row, target in zip(x, t, strict=True)]
    assert case_digests(np.array(x), np.array(t)).tolist() == [by_hand(row) for row in rows]


@given(TABLES, st.randoms(use_true_random=False))
def test_cases_in_another_order_have_their_digests_in_that_order(x, random):
    order = random.sample(range(len(x)), len(x))
    assert digests(x[order]) == [digests(x)[k] for k in order]


@given(TABLES, st.data(), NUMBERS)
def test_a_number_that_changes_changes_the_digest_of_its_case_alone(x, data, number):
    case = data.draw(st.integers(0, len(x) - 1))
    place = data.draw(st.integers(0, x.shape[1] - 1))
    is_equal = x[case, place] == number or (np.isnan(x[case, place]) and np.isnan(number))
    other = x.copy()
    other[case, place] = number
    same = np.equal(digests(x), digests(other))
    assert same[case] == is_equal
    assert np.delete(same, case).all()


def test_another_target_makes_another_case():
    x = np.ones((4, 2))
    found = case_digests(x, np.array([0, 1, 0, 2]))
    assert len(set(found.tolist())) == 3
    assert found[0] == found[2]


ROWS = {
    "noise": lambda rng: rng.normal(size=(1_000_000, 6)),
    "six small whole numbers": lambda rng: np.array(list(product(range(10), repeat=6)), float),
    "zeros and ones": lambda rng: np.array(list(product((0, 1), repeat=17))),
    "the same numbers in another order": lambda rng: np.array(list(permutations(range(9)))),
    "one number, counted up": lambda rng: np.arange(1_000_000)[:, None],
    "one number in steps of 1e-9": lambda rng: 1 + np.arange(1_000_000)[:, None] / 1e9,
    "float32": lambda rng: np.unique(rng.normal(size=(300_000, 1)).astype(np.float32))[:, None],
    "powers of two": lambda rng: 2.0 ** np.arange(-1000, 1000)[:, None],
    "an input of 500 is 1": lambda rng: np.eye(500),
    "two inputs of 500 are 1": lambda rng: np.concatenate(
        [np.eye(500)[a] + np.eye(500)[:a] for a in range(0, 500, 25)]
    ),
}


@pytest.mark.parametrize("rows", ROWS)
def test_different_cases_have_different_digests(rows):
    x = ROWS[rows](np.random.default_rng(1))
    found = case_digests(x, np.zeros(len(x), int))
    assert np.diff(np.sort(found)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.float32, np.bool_])
def test_the_type_of_the_numbers_makes_no_difference(dtype):
    x = np.random.default_rng(2).integers(0, 2, size=(50, 7))
    assert digests(x.astype(dtype)) == digests(x.astype(np.float64))


def test_every_zero_and_every_nan_is_one():
    other = np.array([0xFFF8000000000001], np.uint64).view(np.float64)
    assert digests([[0.0], [np.nan]]) == digests([[-0.0], [other[0]]])
    assert digests([[0.0]]) != digests([[np.nan]])


@pytest.mark.parametrize("shape", [(3, 250, 200), (700, 10, 9), (2, 3, 60, 60)])
def test_images_have_the_digests_of_their_flat_rows(shape):
    x = np.random.default_rng(3).random(shape)
    rows = x.reshape(len(x), -1)
    assert digests(x) == digests(rows) == digests(np.asfortranarray(x))
    assert digests(rows) == [digests(row[None])[0] for row in rows]


def test_no_cases_and_cases_without_inputs_have_digests_too():
    assert digests(np.zeros((0, 3))) == []
    assert case_digests(np.zeros((3, 0)), np.array([1, 2, 1])).shape == (3,)


# Parts taken again

CASES = st.lists(st.integers(0, 12), max_size=30)


def split(*parts) -> DataSplit:
    """Data whose cases are whole numbers; the target is the number, too."""
    columns = [np.array(part, float).reshape(-1, 1) for part in parts]
    return with_digests(DataSplit(*(Dataset(x, x[:, 0]) for x in columns), notes=("first",)))


def cases(data: DataSplit) -> list[list[float]]:
    for part in data:
        assert np.array_equal(part.x[:, 0], part.t)
    return [part.t.tolist() for part in data]


@given(CASES, CASES, CASES, CASES, CASES, CASES)
def test_as_many_of_every_case_are_taken_as_there_were_and_are(a, b, c, d, e, f):
    kept, found = [a, b, c], [d, e, f]
    taken = as_trained(split(*found), split(*kept).digests)
    left = cases(taken)
    both = Counter(a + b + c) & Counter(d + e + f)
    assert sum(map(Counter, left), Counter()) == both
    for part, before in zip(left, kept, strict=True):
        rest = iter(before)
        assert all(case in rest for case in part)  # a part of what it was, in the same order
    assert all(map(np.array_equal, taken.digests, split(*left).digests))


@given(CASES, CASES, CASES, st.randoms(use_true_random=False))
def test_no_case_changes_its_part_if_all_are_shuffled(a, b, c, random):
    whole = a + b + c
    random.shuffle(whole)
    taken = as_trained(split(whole[:4], whole[4:9], whole[9:]), split(a, b, c).digests)
    assert cases(taken) == [a, b, c]


def test_data_that_are_the_same_are_left_as_they_are():
    data = split([1, 2], [3], [])
    assert as_trained(data, split([1, 2], [3], []).digests) is data


CHANGES = [
    (
        ([1, 2, 3, 4], [5, 6], [7, 8]),
        "the cases stand in another order than at training; each is taken for the part that it "
        "was in",
    ),
    (([2, 1, 3, 4], [5, 6], [7, 8, 9]), "of 9 cases 1 is new and left out"),
    (([2, 1, 3, 4], [5, 6], [7, 8, 9, 9]), "of 10 cases 2 are new and left out"),
    (([2, 1, 3, 4], [5, 6], [7, 8, 8]), "of 9 cases none is new, 1 is a copy and left out"),
    (([2, 1, 3, 4], [5, 6], [7]), "of 7 cases none is new, 1 of test is gone"),
    (
        ([2, 1, 3], [], [7]),
        "of 4 cases none is new, 1 of training, 2 of validation and 1 of test ",
    ),
    (([2, 1, 9, 10], [5, 6], [7, 7]), "of 8 cases 2 are new and left out, 1 is a copy"),
    (
        ([], [7], []),
        "of 1 case none is new, 4 of training, 2 of validation and 1 of test are gone",
    ),
]


@pytest.mark.parametrize(("now", "sentence"), CHANGES)
def test_a_sentence_counts_what_is_new_and_what_is_gone(now, sentence):
    first, note = as_trained(split(*now), split([2, 1, 3, 4], [5, 6], [7, 8]).digests).notes
    assert first == "first"
    assert sentence in note
    assert note.startswith("the data have changed since training: of ") == ("order" not in note)


def test_weights_go_with_their_cases():
    x, now = np.arange(5.0)[:, None], [4, 0, 3, 1, 2]
    before = DataSplit(*(Dataset(x[p], x[p, 0]) for p in ([0, 1], [2], [3, 4])))
    taken = as_trained(
        with_digests(
            DataSplit(
                Dataset(x[now[:2]], x[now[:2], 0], np.array([40.0, 0.0])),
                Dataset(x[now[2:4]], x[now[2:4], 0]),
                Dataset(x[now[4:]], x[now[4:], 0], np.array([20.0])),
            )
        ),
        with_digests(before).digests,
    )
    assert [part.weights.tolist() for part in taken] == [[0, 1], [20], [1, 40]]


def test_types_of_numbers_stay():
    before, now = (
        DataSplit(*(Dataset(np.array(p, np.float32)[:, None], np.array(p)) for p in parts))
        for parts in (([1, 2, 3], [4], [5]), ([5, 4, 3], [2], [1]))
    )
    taken = as_trained(with_digests(now), with_digests(before).digests)
    assert cases(taken) == [[1, 2, 3], [4], [5]]
    assert [part.x.dtype for part in taken] == [np.float32] * 3
    assert [part.t.dtype for part in taken] == [np.dtype(int)] * 3


# Cases that a run has seen

SEEN = [
    ([1, 2, 9], "of the 3 cases 2 were trained on; a score on these says little about new cases"),
    ([5, 9, 7], "of the 3 cases 1 was validated on; "),
    ([3, 7], "of the 2 cases 1 was trained on; "),
    ([1, 1, 5, 6], "of the 4 cases 2 were trained on and 2 were validated on; "),
    ([7, 8, 9], None),
    ([], None),
]


@pytest.mark.parametrize(("now", "sentence"), SEEN)
def test_cases_that_were_trained_on_are_counted(now, sentence):
    kept = split([2, 1, 3, 4], [5, 6, 3], [7, 8]).digests  # 3 counts as trained on, once
    x = np.array(now, float).reshape(-1, 1)
    found = known_cases(x, x[:, 0], kept)
    assert found == sentence or found.startswith(sentence)
