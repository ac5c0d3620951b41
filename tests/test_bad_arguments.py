"""What a caller in Python gets wrong ends in one `ChainruleError` that says what was found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule import ChainruleError, gradients, nn
from chainrule.core.arrays import class_numbers, rows
from chainrule.core.errors import ConfigError, DataError, ShapeError
from chainrule.core.randomness import stream
from chainrule.data.dataset import Dataset
from chainrule.data.sources import load_data
from chainrule.data.standardization import Standardization
from chainrule.nn import (
    GRU,
    LSTM,
    Add,
    AveragePool2D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePool2D,
    LocallyConnected2D,
    MaxPool2D,
    Recurrent,
    Softmax,
)
from chainrule.nn.network import Network
from chainrule.runs.sweeps.plan import Variation
from chainrule.training import EarlyStopping, Settings
from chainrule.training.scores import evaluate, outputs


def small(**options) -> Network:
    return Network([Dense(3, "tanh"), Dense(2, "linear")], input=2, loss="mse", **options)


RAGGED = [[1.0, 2.0], [3.0]]
DEEP = [[[1.0], [2.0, 3.0]], [[1.0], [2.0]]]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (RAGGED, "found 2 in row 0, 1 in row 1"),
        ([[1.0, 2.0], 3.0], "found 2 in row 0, 1 in row 1"),
        (DEEP, "lists of different lengths"),
        (None, "inputs are numbers, found None"),
        ("x", "inputs are numbers, found 'x'"),
        ([["a", "b"]], "inputs are numbers, found <U1"),
        ([[None, 1.0]], "inputs are numbers, found object"),
        ([[10**400, 1]], "inputs are numbers"),
        ({"x": 1}, "inputs are numbers, found {'x': 1}"),
    ],
)
def test_inputs_that_are_no_numbers(x, message):
    network = small()
    for call in (network.forward_pass, lambda x: network.loss(x, [[0.0, 0.0]])):
        with pytest.raises(ShapeError) as caught:
            call(x)
        assert str(caught.value).startswith("inputs are numbers")
        assert message in str(caught.value)


@pytest.mark.parametrize("t", [RAGGED, DEEP, None, "x", [["a", "b"]], [1j, 2j], [10**400, 1]])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy", "sequence"])
def test_targets_that_are_no_numbers(t, loss):
    layers = {
        "mse": [Dense(2)],
        "cross_entropy": [Dense(2), Softmax()],
        "sequence": [Recurrent(2), Softmax()],
    }[loss]
    shape = [3, 2] if loss == "sequence" else 2
    network = Network(layers, input=shape, loss="mse" if loss == "mse" else "cross_entropy")
    x = np.ones((2, *np.atleast_1d(shape)))
    network.forward_pass(x)
    for call in (network.backward_pass, lambda t: network.loss(x, t)):
        with pytest.raises(ShapeError, match=r"^targets are "):
            call(t)


def test_targets_are_refused_by_the_functions_that_make_them_too():
    for make in (lambda t: class_numbers(t, 2), lambda t: rows(t, 2, "float64")):
        with pytest.raises(ShapeError, match="found 2 in row 0, 1 in row 1"):
            make(RAGGED)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None, True, [1, 2], np.nan])
def test_a_seed_is_a_whole_number_of_at_least_0(seed):
    for call in (lambda: stream(seed, "a"), lambda: small(seed=seed)):
        with pytest.raises(ConfigError, match="a seed is a whole number of at least 0, found "):
            call()


def test_a_seed_may_be_one_of_numpy():
    assert small(seed=np.int64(3)).theta.tolist() == small(seed=3).theta.tolist()


@pytest.mark.parametrize("config", [None, 3, "network", ["layers"]])
def test_a_network_is_described_by_a_mapping(config):
    with pytest.raises(ConfigError, match=r"network is a mapping of input, loss, .*, found "):
        Network.from_config(config)


@pytest.mark.parametrize("config", [None, 5, [], b"c.yaml", object()])
@pytest.mark.parametrize("call", ["train", "sweep", "compare"])
def test_a_configuration_is_a_path_or_a_mapping(config, call):
    more = ({"training.seed": [1]},) if call == "sweep" else ()
    with pytest.raises(ConfigError, match="a configuration is the path of a file, or a mapping"):
        getattr(chainrule, call)(config, *more)


@pytest.mark.parametrize("place", [5, b"run", ["run"]])
def test_a_folder_is_a_path(place, folder):
    for call in (chainrule.load, lambda place: chainrule.train(CONFIG, run=place)):
        with pytest.raises(ChainruleError, match="run is the path of a file or folder, found "):
            call(place)


@pytest.mark.parametrize("items", ["training.epochs=1", None, 5, [5], [None]])
def test_overrides_are_a_list_of_items(items):
    with pytest.raises(ConfigError, match="overrides are a list of items such as"):
        chainrule.train(CONFIG, overrides=items, save=False)


CONFIG = {"network": {"layers": [{"size": 1}]}, "data": {"generator": "xor"}}


@pytest.mark.parametrize("callbacks", [None, 5, "a", [1], [len]])
def test_callbacks_are_a_list_of_callbacks(callbacks):
    with pytest.raises(ConfigError, match="callbacks are a list of Callback objects, found "):
        chainrule.train(CONFIG, callbacks=callbacks, save=False)


def test_a_callback_takes_part_once():
    watching = EarlyStopping(patience=1)
    with pytest.raises(ConfigError, match="a callback takes part once, found twice: EarlySt"):
        chainrule.train(CONFIG, callbacks=[watching, watching], save=False)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a", "'a' is a text; the name of a file belongs into the configuration"),
        ({}, "the table has no columns"),
        ([], "the table has no rows|found an array of the shape"),
        (0, "expected a data frame or an array, found 0"),
        ((), "found a tuple of 0"),
    ],
)
def test_data_are_arrays_or_a_table(data, message):
    with pytest.raises(DataError, match=f"data: .*({message})"):
        chainrule.train(CONFIG, data=data, save=False)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("epochs", [None, "a", -1, 1.5, True, [1]], "a whole number of at least 0"),
        ("batch_size", [None, "a", -1, 0, 1.5, True, [1]], "at least 1, or full"),
        ("shuffle", [None, 1, "yes"], "true or false"),
        ("engine", [None, [1], {}], "auto, numpy, compiled or torch"),
        ("threads", [None, "a", 0, {}], "at least 1, or auto"),
        ("evaluate", [None, 0], "running or full"),
        ("checkpoint_every", ["a", -1, 0, 1.5, [1]], "at least 1, or null"),
        ("clip_gradient_norm", ["a", -1.0, 0, [1], np.inf, np.nan], "above 0, or null"),
    ],
)
def test_settings_of_a_training_are_checked_when_they_are_made(name, values, message):
    for value in values:
        with pytest.raises(ConfigError, match=f"^{name} must be .*{message}, found "):
            Settings(**{name: value})


def test_all_wrong_settings_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        Settings(epochs=-1, batch_size=0)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("inputs", [5, -1, 1.5, True, [1], [""], {"a": 1}])
def test_the_inputs_of_a_layer_are_names(inputs):
    for kind in (lambda: Dense(2, inputs=inputs), lambda: Add(inputs=inputs)):
        with pytest.raises(ConfigError, match="inputs are names of layers, found "):
            kind()


@pytest.mark.parametrize("x", [None, 5, "a", {}, RAGGED])
def test_scores_are_of_rows_of_numbers(x):
    for call in (lambda: evaluate(small(), x, x, classes=False), lambda: outputs(small(), x)):
        with pytest.raises(ShapeError, match=r"^inputs are "):
            call()


@pytest.mark.parametrize("name", [None, 5, ["dense_1.W"], {}])
def test_a_parameter_has_a_name(name):
    with pytest.raises(ShapeError, match="unknown parameter"):
        small().parameters[name]


@pytest.mark.parametrize("vary", [None, 5, "training.seed=1,2", [1]])
def test_a_sweep_varies_a_mapping(vary):
    with pytest.raises(ConfigError, match="vary is a mapping of settings to their values"):
        chainrule.sweep(CONFIG, vary)


@pytest.mark.parametrize("values", [None, 5, True, {"a": 1}, [object()], [1j]])
def test_a_sweep_varies_over_values(values):
    with pytest.raises(ConfigError, match=r"expected a list of values|cannot be written down"):
        chainrule.sweep(CONFIG, {"training.seed": values})


def test_values_of_numpy_are_values():
    assert Variation.of("a", np.arange(3)).text == "0,1,2"
    assert Variation.of("a", [np.float64(0.5), np.array([1, 2])]).text == "0.5,[1, 2]"


@pytest.mark.parametrize(("name", "value"), [("trials", "a"), ("trials", 1.5), ("jobs", [1])])
def test_trials_and_jobs_are_whole_numbers(name, value):
    with pytest.raises(ConfigError, match=f"{name} is a whole number of at least 1, found "):
        chainrule.sweep(CONFIG, {"training.seed": [1]}, **{name: value})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threads": None}, "threads is a whole number of at least 1, found None"),
        ({"threads": 1.5}, "threads is a whole number of at least 1, found 1.5"),
        ({"with_": 5}, "with_ is a list of peers: .*; found 5"),
        ({"with_": {"torch": 1}}, "with_ is a list of peers: .*; found"),
    ],
)
def test_a_comparison_is_with_peers_on_threads(arguments, message):
    with pytest.raises(ConfigError, match=message):
        chainrule.compare(CONFIG, save=False, **arguments)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x", "theta are numbers, found 'x'"),
        (None, "theta are numbers, found None"),
        (["a"] * 17, "theta are numbers, found <U1"),
        (np.ones(17, complex), "theta are real numbers, found complex128"),
        ([[1.0], [1.0, 2.0]], "found 1 in row 0, 2 in row 1"),
        (np.ones(16), r"theta has shape \(17,\), found \(16,\)"),
        (np.ones((17, 1)), r"theta has shape \(17,\), found \(17, 1\)"),
    ],
)
def test_theta_is_assigned_numbers_of_its_length(value, message):
    network = small()
    before = network.theta.copy()
    with pytest.raises(ShapeError, match=message):
        network.theta = value
    with pytest.raises(ShapeError):
        network.parameters["dense_1.W"] = value
    assert np.array_equal(network.theta, before)


@pytest.mark.parametrize(
    "theta", ["x", [], ["a"] * 17, np.ones(16), np.ones((1, 17)), RAGGED, 1.0, object()]
)
def test_the_loss_is_taken_at_a_vector_of_numbers(theta):
    network = small()
    with pytest.raises(ShapeError, match=r"theta|a vector of 17 parameters"):
        network.loss([[1.0, 2.0]], [[0.0, 0.0]], theta=theta)


def test_the_loss_is_taken_at_a_list_and_at_whole_numbers_too():
    network = small()
    at_list = network.loss([[1.0, 2.0]], [[0.0, 0.0]], theta=[1] * 17)
    assert at_list == network.loss([[1.0, 2.0]], [[0.0, 0.0]], theta=np.ones(17))


@pytest.mark.parametrize("explicit", [False, True])
def test_no_gradient_follows_a_forward_pass_of_complex_inputs(explicit):
    network = small(explicit_jacobians=explicit)
    network.forward_pass(np.array([[1.0 + 1j, 2.0]]))
    with pytest.raises(ShapeError, match="the last forward pass was of complex inputs"):
        network.backward_pass([[0.0, 0.0]])
    network.forward_pass([[1.0, 2.0]])
    network.backward_pass([[0.0, 0.0]])


IMAGES = {
    "conv2d": lambda: Conv2D(2, 2),
    "large conv2d": lambda: Conv2D(16, 5, padding=2),
    "locally_connected2d": lambda: LocallyConnected2D(2, 2),
    "large locally_connected2d": lambda: LocallyConnected2D(8, 5, padding=2),
    "max_pool2d": lambda: MaxPool2D(2),
    "large max_pool2d": lambda: MaxPool2D(5, stride=1),
    "average_pool2d": lambda: AveragePool2D(2),
    "large average_pool2d": lambda: AveragePool2D(5, stride=1),
    "global_average_pool2d": lambda: GlobalAveragePool2D(),
}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: nn.Dense(units=3),
            "argument of Dense 'units'; did you mean 'size'? Known",
        ),
        (
            lambda: nn.Dense(3, use_bias=False),
            "unknown argument of Dense 'use_bias'; did you",
        ),
        (lambda: nn.Dense(3, input_shape=(4,)), "input_shape: the shape of a case is told to the"),
        (lambda: nn.Conv2D(4, kernel_size=3), "'kernel_size'; did you mean 'size'?"),
        (lambda: nn.LSTM(4, return_sequences=True), "'return_sequences'; did you mean 'outputs'?"),
        (lambda: nn.Embedding(input_dim=9, output_dim=4), "'input_dim'; did you mean 'classes'?"),
        (lambda: nn.Dropout(p=0.5), "unknown argument of Dropout 'p'; did you mean 'rate'?"),
        (lambda: nn.Flatten(size=4), "unknown argument of Flatten 'size'. Known: name, inputs"),
        (lambda: nn.Dense(3, "softmax"), "softmax is a layer of its own and no activation; leave"),
    ],
)
def test_arguments_of_other_libraries_layers_lead_to_ours(make, message):
    with pytest.raises(ConfigError) as error:
        make()
    assert message in str(error.value)


def test_a_layer_of_the_users_own_takes_what_it_likes():
    class Scaled(nn.Dense):
        def __init__(self, *args, **options):
            self.scale = options.pop("scale")
            super().__init__(*args, **options)

    assert Scaled(3, scale=2.0).scale == 2.0
    with pytest.raises(TypeError, match="units"):
        Scaled(3, scale=2.0, units=4)
    with pytest.raises(TypeError, match="positional"):
        nn.Embedding(9, 4)  # Keras and PyTorch give the number of classes first


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_no_image_has_no_outputs(name, dtype):
    side = 24 if name.startswith("large") else 4
    layers = [IMAGES[name](), Flatten(), Dense(3), Softmax()]
    network = Network(layers, input=[3, side, side], dtype=dtype)
    y = network.forward_pass(np.ones((0, 3, side, side)))
    assert (y.shape, y.dtype) == ((0, 3), np.dtype(dtype))


@pytest.mark.parametrize(("shape", "outputs"), [([4, 1], 8), (3, 6)])
def test_no_class_numbers_have_no_outputs(shape, outputs):
    network = Network([Embedding(2, classes=3)], input=shape, loss="mse")
    x = np.ones((0, *network.input_shape))
    assert network.forward_pass(x).shape == (0, outputs)


@pytest.mark.parametrize("outputs", ["all", "last"])
def test_no_sequence_has_no_outputs(outputs):
    network = Network([Recurrent(3, outputs=outputs), Dense(2)], input=[4, 2], loss="mse")
    y = network.forward_pass(np.ones((0, 4, 2)))
    assert y.shape == (0, 8 if outputs == "all" else 2)


def test_no_case_at_all_is_refused_where_there_is_something_to_learn():
    with pytest.raises(ShapeError, match="at least one case"):
        small().loss(np.ones((0, 2)), np.ones((0, 2)))


ALONE = {
    "dense": lambda: Dense(2, "tanh"),
    "recurrent": lambda: Recurrent(2),
    "lstm": lambda: LSTM(2),
    "gru": lambda: GRU(2),
    "conv2d": lambda: Conv2D(2, 2),
    "locally_connected2d": lambda: LocallyConnected2D(2, 2),
}


@pytest.mark.parametrize("name", ALONE)
def test_a_layer_of_no_network_has_no_parameters_to_compute_with(name):
    with pytest.raises(ShapeError, match="before it belongs to a network"):
        ALONE[name]().forward_pass(np.ones((2, 4)))
    with pytest.raises(ShapeError, match="before it belongs to a network"):
        ALONE[name]().W  # noqa: B018  # reading it is what fails


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("name", ALONE)
def test_no_layer_goes_back_before_it_went_forward(name, explicit):
    sequence = name in ("recurrent", "lstm", "gru")
    shape = [2, 2] if sequence else {"dense": 4}.get(name, [1, 3, 3])
    layer = ALONE[name]()
    network = Network([layer], input=shape, loss="mse", explicit_jacobians=explicit)
    with pytest.raises(ShapeError, match=f"there was no forward pass through {name}_1"):
        layer.backward_pass(np.ones((2, network.outputs)))


def test_a_large_convolution_goes_back_only_after_it_went_forward():
    layer = Conv2D(16, 5, padding=2)
    network = Network([layer], input=[3, 24, 24], loss="mse")
    with pytest.raises(ShapeError, match="there was no forward pass through conv2d_1"):
        layer.backward_pass(np.ones((2, network.outputs)))


def test_scores_and_runs_take_real_inputs():
    x = np.ones((2, 2), complex)
    for call in (lambda: evaluate(small(), x, x, classes=False), lambda: outputs(small(), x)):
        with pytest.raises(ShapeError, match="inputs are real numbers, found complex128"):
            call()
    for standardize in (False, True):
        data = {"generator": "xor", "standardize": standardize}
        run = chainrule.train({**CONFIG, "data": data, "training": {"epochs": 0}}, save=False)
        with pytest.raises(ShapeError, match="inputs are real numbers, found complex128"):
            run.predict(x)


@pytest.mark.parametrize("settings", [None, 5, "xor", [1]])
def test_data_are_described_by_a_mapping(settings):
    with pytest.raises(ConfigError, match="data are described by a mapping, found "):
        load_data(settings, folder=Path(), seed=0)


MASKED = np.ma.masked_array(np.ones((4, 2)), mask=[[True, False]] + [[False, False]] * 3)
COMPLEX = np.ones((4, 2)) + 1j


@pytest.mark.parametrize("x", [MASKED, COMPLEX, ["a", "b", "c", "d"], None, 3.0])
def test_what_would_lose_its_mask_or_its_imaginary_part_is_refused(x):
    calls = [
        lambda: Dataset(x, np.zeros(4, int)),
        lambda: Dataset(np.zeros((4, 2)), x),
        lambda: Standardization.fit(x),
        lambda: outputs(small(), x),
        lambda: gradients.check(small(), x, np.zeros((4, 2))),
        lambda: small().loss(np.zeros((4, 2)), x),
    ]
    for call in calls:
        with pytest.raises(ChainruleError):
            call()


@pytest.mark.parametrize("theta", [MASKED[0], COMPLEX[0], "ab"])
def test_numeric_derivatives_are_taken_at_real_numbers(theta):
    for derivative in (gradients.central_difference, gradients.complex_step):
        with pytest.raises(ShapeError, match="the values of theta are"):
            derivative(lambda v: v.sum(), theta)
