"""From labels to class numbers or values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chainrule.core.errors import DataError, Problem
from chainrule.data.readers.cases import Labels
from chainrule.data.readers.encoding import class_names, encode_classes, encode_values


def labels(values, names=None):
    values = values if isinstance(values, list) else np.asarray(values)
    return Labels(values, lambda k, text: Problem(text, "f", k + 1), names=names)


def encoded(parts, listed=None, outputs=None):
    names = class_names(parts, listed, outputs)
    return [part.tolist() for part in encode_classes(parts, names)], names


def fault(parts, listed=None, outputs=None):
    with pytest.raises(DataError) as caught:
        encoded(parts, listed, outputs)
    return str(caught.value.problems[0])


@settings(deadline=None)
@given(st.lists(st.lists(st.text("abéÅZ-", min_size=1), min_size=1), min_size=1))
def test_texts_are_sorted_over_all_parts(parts):
    words = {word for part in parts for word in part}
    assume(len(words) > 1)
    numbers, names = encoded([labels(part) for part in parts])
    assert list(names) == sorted(words)
    assert [[names[k] for k in part] for part in numbers] == parts


def test_class_numbers():
    assert encoded([labels((0, 2, 1.0)), labels((1,))]) == ([[0, 2, 1], [1]], ("0", "1", "2"))
    assert encoded([labels((0, 1))], outputs=4)[1] == ("0", "1", "2", "3")
    # One output tells two classes apart.
    assert encoded([labels((0, 1))], outputs=1) == ([[0, 1]], ("0", "1"))


@pytest.mark.parametrize(
    ("values", "names", "told"),
    [
        (["cat"] * 40, None, "all 40 labels are cat; a classifier needs two classes"),
        (["cat"], None, "the only label is cat; a classifier needs two classes"),
        (np.zeros(7, int), None, "all 7 labels are 0; a classifier needs two classes"),
        (np.full(7, 3.0), None, "all 7 labels are 3; a classifier needs two classes"),
        (np.zeros(7, int), ("cat",), "all 7 labels are 0; a classifier needs two classes"),
    ],
)
def test_one_class_is_none_to_learn(values, names, told):
    for outputs in (None, 1, 2, 10):
        assert fault([labels(values, names)], outputs=outputs) == f"f:1: {told}"
    assert fault([labels(values[:0], names), labels(values, names)]) == f"f:1: {told}"


def test_labels_that_are_all_the_same_are_fine_where_other_classes_are_known():
    assert encoded([labels((0, 0), ("cat", "dog"))]) == ([[0, 0]], ("cat", "dog"))
    assert encoded([labels(["cat"])], listed=["cat", "dog"]) == ([[0]], ("cat", "dog"))
    assert encoded([labels(["cat"]), labels(["dog"])]) == ([[0], [1]], ("cat", "dog"))
    assert encoded([labels(np.eye(3)[[1, 1]])]) == ([[1, 1]], ("0", "1", "2"))


def test_one_hot_rows():
    assert encoded([labels(np.eye(4)[[2, 0]])]) == ([[2, 0]], ("0", "1", "2", "3"))
    for row in ([0.5, 0.5], [1, 1], [0, 0], [2, -1]):
        assert fault([labels(np.array([[0, 1], row]))]).startswith("f:2: ")


def test_listed_classes():
    assert encoded([labels((3, 1))], [1, 2, 3]) == ([[2, 0]], ("1", "2", "3"))
    assert encoded([labels(["b", "a"])], ["b", "a"]) == ([[0, 1]], ("b", "a"))
    # Names for class numbers, and numbers among texts once both are listed.
    assert encoded([labels((0, 1))], ["no", "yes"]) == ([[0, 1]], ("no", "yes"))
    assert encoded([labels(["1", "x"])], ["x", 1]) == ([[1, 0]], ("x", "1"))
    assert "must not repeat" in fault([labels((1,))], [1, 1.0])


def test_names_that_the_file_brings():
    assert encoded([labels((1, 0), names=("4", "9"))]) == ([[1, 0]], ("4", "9"))
    assert encoded([labels((1, 0), names=("a", "b"))], ["b", "a"])[0] == [[0, 1]]
    assert "differ" in fault([labels((0,), names=("a", "b")), labels((0,), names=("b", "a"))])


def test_labels_outside_the_classes():
    assert fault([labels((0, 7))], outputs=5) == "f:2: label '7' is outside the 5 classes 0 to 4"
    assert "did you mean 'dog'?" in fault([labels(["cat", "dgo"])], ["cat", "dog"])
    assert "classes: [-1, 1]" in fault([labels((-1, 1))])
    assert "write target: value" in fault([labels((0, 0.5))])
    assert "no class number" in fault([labels((0, 1e9))])


@pytest.mark.parametrize("values", [(1, 2, 3), (5, 7, 6), (-1, 0, 1), (0, 1, 9)])
def test_as_many_whole_numbers_as_outputs_name_the_classes(values):
    numbers, names = encoded([labels(values)], outputs=3)
    assert names == tuple(map(str, sorted(values)))
    assert [int(names[k]) for k in numbers[0]] == list(values)
    assert encoded([labels((0, 2))], outputs=3)[1] == ("0", "1", "2")


def test_many_labels_outside_are_counted():
    with pytest.raises(DataError) as caught:
        encoded([labels(np.repeat([8, 9], 50))], outputs=3)
    assert len(caught.value.problems) == 11
    assert "90 more" in str(caught.value.problems[-1])


def test_text_among_numbers():
    assert fault([labels(["0", "1", "one", "1"])]).startswith("f:3: label 'one' is text, but 3")
    assert fault([labels(["a", "b", "7"])]).startswith("f:3: label '7' is a number, but 2")


def test_values():
    one, rows = encode_values([labels((1, 2)), labels(np.ones((2, 3)))])
    assert one.tolist() == [[1.0], [2.0]]
    assert one.dtype == np.float64
    assert rows.shape == (2, 3)
    with pytest.raises(DataError, match=r"f:2: expected a value as the target, found 'x'"):
        encode_values([labels(["1", "x"])])
    # Numbers that a file keeps as texts are values as well.
    assert encode_values([labels(["1", " 2.5"])])[0].tolist() == [[1.0], [2.5]]
    with pytest.raises(DataError, match=r"f:2: expected a value as the target, found 'nan'"):
        encode_values([labels(["1", "nan"])])
