"""What a layer on images is told, what it says of what does not fit, and where its arrays lie."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.core.errors import ConfigError, ShapeError
from chainrule.nn import AveragePool2D, Conv2D, LocallyConnected2D, MaxPool2D
from chainrule.nn.activations import Tanh
from chainrule.nn.initializers import initializer
from image_layers import FILTERED, POOLED, case_for, going
from networks import normal

filters = pytest.mark.parametrize("kind", FILTERED)
pools = pytest.mark.parametrize("kind", POOLED)


@filters
def test_a_layer_of_filters_keeps_what_it_was_told(kind):
    layer = kind(
        3,
        [2, 4],
        stride=[1, 2],
        padding=[0, 1],
        bias=False,
        activation="tanh",
        weights="he",
        biases=[1, 2],
        learning_rate=0.25,
        name="own",
        inputs="input",
    )
    assert (layer.filters, layer.filter_size) == (3, (2, 4))
    assert (layer.stride, layer.padding) == ((1, 2), (0, 1))
    assert (layer.bias, layer.activation) == (False, Tanh())
    assert (layer.weights, layer.biases) == (initializer("he"), initializer([1, 2]))
    assert (layer.learning_rate, layer.name, layer.sources) == (0.25, "own", ("input",))
    assert layer.windows is layer.x is layer.z is layer.a is None


@filters
def test_without_being_told_there_is_no_stride_and_no_padding_but_biases(kind):
    layer = kind(3, 2)
    assert (layer.filter_size, layer.stride, layer.padding) == ((2, 2), (1, 1), (0, 0))
    assert layer.bias
    assert layer.activation is layer.learning_rate is None
    assert layer.sources == ()


@pools
def test_a_pool_keeps_what_it_was_told(kind):
    layer = kind([3, 2], stride=[1, 2], padding=[2, 1], name="own", inputs="input")
    assert (layer.window_size, layer.stride, layer.padding) == ((3, 2), (1, 2), (2, 1))
    assert (layer.name, layer.sources) == ("own", ("input",))
    assert layer.windows is layer.x is layer.z is None
    plain = kind()
    assert (plain.window_size, plain.stride, plain.padding) == ((2, 2), (2, 2), (0, 0))
    assert plain.sources == ()
    assert kind([3, 1]).stride == (3, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv2D(0, 2), "filters must be a whole number of at least 1, found 0"),
        (lambda: MaxPool2D(0), "size is a whole number of at least 1"),
        (lambda: MaxPool2D(2, stride=0), "stride is a whole number of at least 1"),
        (lambda: AveragePool2D(2, padding="sam"), "unknown padding 'sam'"),
    ],
)
def test_settings_that_are_none_are_named(make, message):
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("padding", "said"), [([2, 0], "(2, 0)"), ([0, 3], "(0, 3)"), ([3, 4], "(3, 4)")]
)
@pools
def test_a_window_holds_more_than_padding(kind, padding, said):
    with pytest.raises(ConfigError) as caught:
        kind([2, 3], padding=padding).connect((1, 8, 8))
    assert str(caught.value) == (
        f"{kind.__name__}: a padding of {said} is not less than the size [2, 3]; a window would "
        "hold nothing but padding"
    )
    named = kind([2, 3], padding=[1, 2], name="p")
    named.connect((1, 8, 8))
    assert named.output_shape == (1, 5, 4)


@pytest.mark.parametrize("kind", [*FILTERED, *POOLED])
def test_a_window_too_large_is_said_of_the_layer(kind):
    arguments = (2, 9) if kind in FILTERED else (9,)
    for name in (None, "own"):
        with pytest.raises(ConfigError) as caught:
            kind(*arguments, name=name).connect((1, 8, 8))
        assert str(caught.value).startswith(f"{name or kind.__name__}: a window of 9 × 9 does not")


@pytest.mark.parametrize("kind", [*FILTERED, *POOLED])
def test_shapes_are_known_once_it_is_connected(kind):
    layer = kind(4, [2, 3]) if kind in FILTERED else kind([2, 3], stride=1)
    layer.connect((3, 5, 7))
    maps = 4 if kind in FILTERED else 3
    assert layer.input_shape == (3, 5, 7)
    assert layer.output_shape == (maps, 4, 5)
    assert layer.size == layer.outputs == maps * 20
    assert layer.inputs == 105


@filters
def test_first_values_go_by_what_an_output_comes_from_and_an_input_goes_to(kind):
    """Glorot's limit is √(6 / (n_in + n_out)), n the numbers under and over a window."""
    layer = kind(16, [3, 2], weights="glorot_uniform", biases="glorot_uniform")
    layer.connect((8, 9, 9))
    rng = np.random.default_rng(0)
    W, b = layer.draw("W", rng), np.concatenate([layer.draw("b", rng).ravel() for _ in range(200)])
    assert np.abs(W).max() == pytest.approx(np.sqrt(6 / (8 * 6 + 16 * 6)), rel=0.02)
    assert np.abs(b).max() == pytest.approx(np.sqrt(6 / (8 * 6 + 16 * 6)), rel=0.02)


def test_before_it_belongs_to_a_network_and_without_biases_it_says_what_is_missing():
    layer = Conv2D(2, 3, bias=False)
    with pytest.raises(ShapeError) as caught:
        layer.W  # noqa: B018
    assert str(caught.value) == "Conv2D has no W before it belongs to a network"
    case_for(layer, (1, 4, 4))
    with pytest.raises(ShapeError) as caught:
        layer.b  # noqa: B018
    assert str(caught.value) == "conv2d_1 has no b: it was made without biases"
    with pytest.raises(ShapeError) as caught:
        Conv2D(2, 3).evaluate(np.zeros((1, 16)), {})
    assert str(caught.value) == "a layer of filters looks nowhere before it belongs to a network"


@filters
def test_loops_are_for_real_numbers_of_one_type_and_enough_of_them(kind, monkeypatch):
    layer = case_for(kind(2, 2), (1, 3, 3)).layer  # 2 · 4 outputs of 4 products each
    double, single = np.zeros((1, 9)), np.zeros((1, 9), np.float32)
    for worth, expected in ((31, True), (32, True), (33, False)):
        monkeypatch.setattr("chainrule.nn.images.filtered.WORTH_LOOPS", worth)
        assert layer._is_for_loops(double) is expected
    monkeypatch.setattr("chainrule.nn.images.filtered.WORTH_LOOPS", 0)
    assert layer._is_for_loops(single, single)
    assert not layer._is_for_loops(double, single)
    assert not layer._is_for_loops(double, double, single)
    for other in (complex, np.float16, int, np.longdouble):
        assert not layer._is_for_loops(double.astype(other))


@pools
def test_loops_of_pools_are_for_real_numbers_and_enough_of_them(kind, monkeypatch):
    layer = case_for(kind([2, 1]), (1, 4, 3)).layer  # 6 outputs of 2 numbers each
    for worth, expected in ((11, True), (12, True), (13, False)):
        monkeypatch.setattr("chainrule.nn.images.pooled.WORTH_LOOPS", worth)
        assert layer._is_for_loops(np.zeros((1, 12))) is expected
        assert layer._is_for_loops(np.zeros((1, 12), np.float32)) is expected
    monkeypatch.setattr("chainrule.nn.images.pooled.WORTH_LOOPS", 0)
    for other in (complex, np.float16, int):
        assert not layer._is_for_loops(np.zeros((1, 12), other))


# Where arrays lie


@pytest.mark.parametrize("way", ["numpy", "loops"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda: Conv2D(2, 2, activation="relu"),
        lambda: Conv2D(2, 2, activation="tanh"),
        lambda: LocallyConnected2D(2, 2, activation="tanh"),
        lambda: MaxPool2D(2),
        lambda: AveragePool2D(2),
    ],
)
def test_kept_arrays_are_used_again_and_others_are_new(way, layer):
    case = case_for(layer(), (1, 4, 4))
    own, J = case.layer, case.J
    with going(way):
        assert own.forward_pass(case.x) is not own.forward_pass(case.x)
        own.context.buffers = {}
        places = []
        for _ in range(2):
            y = own.forward_pass(case.x)
            upstream = own.backward_pass(J.copy())
            places.append((y.ctypes.data, upstream.ctypes.data))
        assert places[0][1] == places[1][1]
        if isinstance(own, (MaxPool2D, AveragePool2D)) or (way, type(own)) == ("loops", Conv2D):
            assert places[0][0] == places[1][0]


@pools
def test_a_pool_has_no_jacobian_before_a_forward_pass_and_one_of_its_type(kind):
    case = case_for(kind(2), (1, 4, 4), dtype="float32")
    with pytest.raises(ShapeError, match="no forward pass"):
        case.layer.jacobians()
    case.layer.forward_pass(case.x)
    assert case.layer.jacobians()["x"].dense().dtype == np.float32


def test_the_winners_are_the_places_of_the_largest():
    layer = MaxPool2D([1, 3], stride=[1, 3])
    case_for(layer, (2, 1, 6))
    for way in ("numpy", "loops"):
        with going(way):
            layer.forward_pass(normal((1, 12)) * 0 + [[1, 9, 2, 9, 1, 2, 1, 2, 9, 0, 0, 0]])
        assert layer.winners.tolist() == [[[[1, 0]], [[2, 0]]]]
        assert layer.winners.dtype == np.int32
