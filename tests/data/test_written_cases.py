"""Cases that stand in the configuration itself."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule
from chainrule.core.errors import ChainruleError

ONE = {"layers": [{"size": 1}]}
CLASSES = {"layers": [{"size": 2}, "softmax"]}


def train(data, network=ONE, **options):
    config = {"network": network, "data": data, "training": {"epochs": 1}}
    return chainrule.train(config, **{"save": False, **options})


def test_rows_and_values():
    run = train({"x": [[1, 2], [3, 4]], "t": [0.5, 1.5], "weights": [1, 3]})
    assert run.data.train.x.tolist() == [[1, 2], [3, 4]]
    assert run.data.train.t.tolist() == [[0.5], [1.5]]
    assert run.data.train.weights.tolist() == [1, 3]
    assert [len(part) for part in run.data] == [2, 0, 0]
    assert run.data.source == "arrays written in the configuration: 2 cases, 2 inputs"


def test_classes_by_number_and_by_name():
    x = [[1, 2], [3, 4], [5, 6]]
    assert train({"x": x, "t": ["no", "yes", "no"]}, CLASSES).classes == ("no", "yes")
    named = train({"x": x, "t": [0, 1, 0], "classes": ["no", "yes"]}, CLASSES)
    assert named.classes == ("no", "yes")
    assert named.data.train.t.tolist() == [0, 1, 0]


def test_images_and_sequences():
    recurrent = {"type": "recurrent", "size": 2, "outputs": "last"}
    steps = [[[1, 2], [3, 4], [1, 1]]] * 2
    run = train({"x": steps, "t": [0, 1]}, {"layers": [recurrent, {"size": 2}, "softmax"]})
    assert run.data.sequence_shape == (3, 2)
    filters = {"type": "conv2d", "filters": 2, "size": 1}
    pixels = [[[1, 2], [3, 4]]] * 2
    run = train({"x": pixels, "t": [0, 1]}, {"layers": [filters, "flatten", *CLASSES["layers"]]})
    assert run.network.input_shape == (1, 2, 2)


def test_a_split_that_is_asked_for_and_a_run_that_is_read_again(tmp_path):
    x = np.arange(40).reshape(20, 2).tolist()
    data = {"x": x, "t": [[v] for v in range(20)], "split": [0.5, 0.25, 0.25], "standardize": True}
    run = train(data, run=tmp_path / "run", save=True)
    assert [len(part) for part in run.data] == [10, 5, 5]
    again = chainrule.load(tmp_path / "run")
    for part, other in zip(run.data, again.data, strict=True):
        assert np.array_equal(part.x, other.x)
        assert np.array_equal(part.t, other.t)
    assert again.predict([[1, 2]]).shape == (1, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"x": [[1, 2], [3]], "t": [0, 1]}, "data.x: x are numbers in rows of one length"),
        ({"x": [[1, "a"]], "t": [0]}, "data.x: x are finite numbers, found 'a' at [0][1]"),
        ({"x": [[1, 2]], "t": [0, 1]}, "t has one item for each of the 1 cases of x, found 2"),
        ({"x": [[1]], "t": [0], "weights": [1, 2]}, "weights has one item for each of the 1 ca"),
        ({"x": [[1]], "t": [0], "weights": [-1]}, "weights are finite and at least 0"),
        ({"x": [[1]]}, "missing key 't' (the targets"),
        ({"t": [1]}, "missing key 'x' (the inputs"),
        ({"X": [[1]], "y": [1]}, "unknown key 'y'; did you mean 't'?"),
        ({"x": [], "t": []}, "x are numbers in a list, found []"),
        ({"x": [[1]], "t": ["a", 1]}, "t are finite numbers, found 'a' at [0]"),
        ({"x": [[1]], "t": [1], "generator": "xor"}, "found both 'x' and 'generator'"),
        ({"x": [[1]], "t": [1], "label": "last"}, "unknown key 'label'"),
    ],
)
def test_a_slip_is_told(data, message):
    with pytest.raises(ChainruleError) as caught:
        train(data)
    assert message in str(caught.value)
