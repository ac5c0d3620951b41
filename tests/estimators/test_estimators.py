"""`Classifier` and `Regressor`: what they take, give and keep."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from numba.core import event as numba_event
from scipy.sparse import coo_array, csr_array, csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.metrics import balanced_accuracy_score, log_loss

from chainrule import Classifier, Dense, Network, Regressor, Softmax
from chainrule.core.errors import DataWarning
from chainrule.estimators import watching
from chainrule.estimators.inputs import InputForm
from chainrule.nn.activations import ELU, Sigmoid
from chainrule.nn.layer_types import BatchNorm, Dropout, LayerNorm, Recurrent
from chainrule.nn.losses import Huber
from chainrule.training import Callback, EarlyStopping
from chainrule.training.optimizers import Momentum
from chainrule.training.schedules import Cosine

X, Y = load_iris(return_X_y=True)
IMAGES, DIGITS = (each[:200] for each in load_digits(return_X_y=True))
IMAGES = IMAGES.reshape(-1, 8, 8)
RNG = np.random.default_rng(1)
VALUES = X[:, :2] @ [1.0, -2.0] + 100.0

SCALINGS = ("standardize", "scale_targets")

CONVOLUTION = [
    {"type": "conv2d", "filters": 4, "size": 3, "activation": "relu"},
    {"type": "max_pool2d", "size": 2},
    "flatten",
]


def classifier(layers=(20,), **options):
    return Classifier(layers, **{"epochs": 5, "random_state": 0, **options})


def regressor(layers=(20,), **options):
    return Regressor(layers, **{"epochs": 5, "random_state": 0, **options})


def shapes(model):
    return [(type(layer).__name__, layer.outputs) for layer in model.network_.layers]


# Layers


@pytest.mark.parametrize(
    "layers",
    [
        [6, "tanh", 5, "sigmoid"],
        [{"size": 6, "activation": "tanh"}, {"size": 5, "activation": "sigmoid"}],
        [Dense(6, "tanh"), Dense(5, "sigmoid")],
        [Dense(6), "tanh", 5, Sigmoid()],
        [6, "tanh", {"size": 5}, {"type": "sigmoid"}, {"size": 3}],
        [6, "Tanh", 5, "sigmoid", Dense(3), Softmax()],
    ],
)
def test_every_way_to_write_layers_makes_the_same_network(layers):
    model = classifier(layers).fit(X, Y)
    assert shapes(model) == [("Dense", 6), ("Dense", 5), ("Dense", 3), ("Softmax", 3)]
    wanted = classifier([6, "tanh", 5, "sigmoid"]).fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), wanted.predict_proba(X))


def test_a_size_without_an_activation_has_relu_and_none_is_needed():
    model = classifier([7, 8, "tanh"]).fit(X, Y)
    names = [type(layer.activation).__name__ for layer in model.network_.layers[:3]]
    assert names == ["ReLU", "Tanh", "Linear"]
    assert shapes(classifier([]).fit(X, Y)) == [("Dense", 3), ("Softmax", 3)]
    assert shapes(classifier(4).fit(X, Y))[0] == ("Dense", 4)


def test_a_hidden_layer_of_as_many_units_as_classes_is_no_output_layer():
    assert len(classifier([3]).fit(X, Y).network_.layers) == 3
    assert len(classifier([{"size": 3, "activation": "relu"}]).fit(X, Y).network_.layers) == 3
    assert len(classifier([{"size": 3}]).fit(X, Y).network_.layers) == 2


def test_layer_objects_are_not_changed_by_fit():
    layer = Dense(6)
    model = classifier([layer]).fit(X, Y)
    model.fit(X, Y)
    assert not layer.bound
    assert layer.activation is None


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (8, 8, 1), (64,)])
def test_images_of_every_shape(shape):
    x = IMAGES.reshape(-1, *shape)
    stated = (8, 8) if shape == (64,) else None
    model = classifier(CONVOLUTION, input_shape=stated).fit(x, DIGITS)
    wanted = classifier(CONVOLUTION).fit(IMAGES, DIGITS)
    np.testing.assert_array_equal(model.predict_proba(x), wanted.predict_proba(IMAGES))
    assert model.activations(x[:2])["conv2d_1"].shape == (2, 4, 6, 6)


def test_images_are_rows_for_dense_layers():
    model = classifier().fit(IMAGES, DIGITS)
    flat = classifier().fit(IMAGES.reshape(-1, 64), DIGITS)
    np.testing.assert_array_equal(
        model.predict_proba(IMAGES), flat.predict_proba(IMAGES.reshape(-1, 64))
    )


def test_channels_last_are_the_same_images_as_channels_first():
    colours = RNG.random((60, 3, 6, 5)) * [[[[1]], [[50]], [[2]]]]
    y = np.arange(60) % 2
    first = classifier(CONVOLUTION, standardize=True).fit(colours, y)
    last = classifier(CONVOLUTION, standardize=True).fit(colours.transpose(0, 2, 3, 1), y)
    assert first.network_.input_shape == (3, 6, 5)
    np.testing.assert_array_equal(
        first.predict_proba(colours), last.predict_proba(colours.transpose(0, 2, 3, 1))
    )
    scaled = first.form_.scaled(first.form_.cases(colours), first.scaling_)
    np.testing.assert_allclose(scaled.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=(0, 2, 3)), 1)


def test_padded_sequences():
    x = RNG.normal(50, 20, (60, 7, 3))
    x[:20, 4:] = np.nan
    y = (x[:, :4, 0].mean(axis=1) > 50).astype(int)
    model = classifier(
        [Recurrent(8, outputs="last"), Dropout(0.1)], epochs=40, standardize=True
    ).fit(x, y)
    assert model.score(x, y) > 0.7
    there = model.form_.scaled(x, model.scaling_).reshape(-1, 3)
    np.testing.assert_allclose(np.nanstd(there, axis=0), 1)
    longer = np.concatenate([x, np.full((60, 2, 3), np.nan)], axis=1)
    with pytest.raises(ValueError, match="9 features"):
        model.predict(longer)


@pytest.mark.exhaustive
def test_layers_of_every_type_go_by_their_names():
    model = classifier(
        [30, "batch_norm", "relu", {"type": "dropout", "rate": 0.1}, 20, "layer_norm"], epochs=40
    ).fit(X, Y)
    found = [layer.type for layer in model.network_.layers]
    assert found == ["dense", "batch_norm", "dropout", "dense", "layer_norm", "dense", "softmax"]
    assert model.score(X, Y) > 0.9
    objects = [30, BatchNorm(), "relu", Dropout(0.1), 20, LayerNorm()]
    again = classifier(objects, epochs=40).fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))


def test_class_numbers_of_an_embedding_are_not_scaled():
    words = RNG.integers(0, 50, (120, 6))
    y = (words < 25).sum(axis=1) > 3
    layers = [{"type": "embedding", "classes": 50, "size": 4}, 20, "tanh"]
    model = classifier(layers, epochs=100).fit(words, y)
    assert model.scaling_ is None
    assert model.score(words, y) > 0.9


def test_lbfgs_takes_all_cases_at_once():
    x, y = np.tile(X, (3, 1)), np.tile(Y, 3)
    model = classifier((10, "tanh"), optimizer="lbfgs", epochs=40).fit(x, y)
    assert model.score(x, y) > 0.98


# What is given by name or object


def test_objects_stand_for_names():
    by_name = classifier(
        [6, {"type": "elu", "alpha": 0.5}],
        optimizer={"type": "momentum", "momentum": 0.8},
        schedule="cosine",
        callbacks=[{"type": "early_stopping", "monitor": "train_loss", "patience": 2}],
    )
    stopping = EarlyStopping("train_loss", patience=2)
    by_object = classifier(
        [6, ELU(0.5)], optimizer=Momentum(0.8), schedule=Cosine(), callbacks=[stopping]
    )
    probabilities = [model.fit(X, Y).predict_proba(X) for model in (by_name, by_object)]
    np.testing.assert_array_equal(*probabilities)
    assert stopping.best == min(by_object.loss_curve_)
    assert by_object.optimizer.steps == 0
    losses = [regressor(loss=each).fit(X, VALUES).loss_curve_ for each in ("huber", Huber())]
    assert losses[0] == losses[1]


def test_the_engine_is_the_compiled_one_and_falls_back():
    assert classifier().fit(X, Y).engine_ == "compiled"
    assert classifier(clip_gradient_norm=1.0).fit(X, Y).engine_ == "numpy"
    steps = [Recurrent(3, outputs="last")]
    assert classifier(steps).fit(IMAGES, DIGITS).engine_ == "numpy"
    assert classifier(engine="numpy").fit(X, Y).engine_ == "numpy"


# Labels


@pytest.mark.parametrize(
    "labels",
    [
        ["cat", "dog", "owl"],
        [5, 7, 1000],
        [-1, 0, 1],
        [0.5, 1.0, 2.5],
        np.array(["a", "b", "c"], dtype=object),
    ],
)
def test_labels_come_back_in_their_type(labels):
    y = np.asarray(labels)[Y]
    if y.dtype.kind == "f":
        y = y * 2  # scikit-learn takes 0.5 for a value to be predicted
    model = classifier([50], epochs=100).fit(X, y)
    assert model.predict(X).dtype == model.classes_.dtype == y.dtype
    assert model.score(X, y) > 0.9
    np.testing.assert_array_equal(model.classes_, np.unique(y))


@pytest.mark.parametrize("kind", ["Int64", "boolean", "category"])
def test_labels_of_pandas_own_kinds_keep_their_type(kind):
    pandas = pytest.importorskip("pandas")
    y = pandas.Series(Y == 1 if kind == "boolean" else Y)
    found = classifier().fit(X, y.astype(kind)).predict(X)
    assert found.dtype == y.dtype


def test_truth_values():
    model = classifier(epochs=60).fit(X, Y > 0)
    assert model.predict(X).dtype == bool
    assert model.score(X, Y > 0) == 1


@pytest.mark.parametrize("loss", [None, "binary_cross_entropy", "mse"])
@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities(loss, classes):
    x, y = X[classes > Y], Y[classes > Y]
    model = classifier(loss=loss, epochs=150).fit(x, y)
    p = model.predict_proba(x)
    assert p.shape == (len(x), classes)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(x)), p, atol=1e-12)
    np.testing.assert_array_equal(p.argmax(axis=1), model.predict(x))
    decided = model.decision_function(x)
    np.testing.assert_array_equal(
        (decided > 0).astype(int) if classes == 2 else decided.argmax(axis=1), model.predict(x)
    )
    assert model.score(x, y) > 0.9


def test_logarithms_of_probabilities_stay_finite():
    model = classifier(epochs=20).fit(X, Y)
    far = model.predict_log_proba(X * 1e6)
    assert np.isfinite(far).all()
    assert far.min() < -1e4


def test_probabilities_add_up_where_every_output_is_0():
    model = classifier(loss="binary_cross_entropy").fit(X, Y)
    model.network_.layers[-1].b = np.full(3, -1e4)
    found, logs = model.predict_proba(X), model.predict_log_proba(X)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(logs), found)


def test_hinge_gives_no_probabilities():
    model = classifier(loss="hinge", epochs=100).fit(X, Y)
    assert not hasattr(model, "predict_proba")
    assert model.score(X, Y) > 0.9
    assert model.decision_function(X).shape == (150, 3)


def test_several_labels_a_case():
    x, y = make_multilabel_classification(150, n_classes=4, random_state=0)
    model = classifier([50], epochs=400).fit(x, y)
    assert model.multi_label_
    assert model.predict(x).dtype == y.dtype
    assert (model.predict(x) == y).mean() > 0.95
    p = model.predict_proba(x)
    np.testing.assert_array_equal(p > 0.5, model.predict(x) == 1)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(x)), p)


# Values


def test_several_values_a_case():
    y = np.column_stack([VALUES, 1000 - VALUES])
    model = regressor([50], epochs=200, standardize=True).fit(X, y)
    assert model.predict(X).shape == (150, 2)
    assert model.score(X, y) > 0.99
    np.testing.assert_allclose(model.target_scaling_.mean, y.mean(axis=0))


def test_the_activation_of_the_output_layer():
    model = regressor(output_activation="softplus", scale_targets=False).fit(X, np.abs(VALUES))
    assert model.predict(X - 1000).min() >= 0
    assert model.target_scaling_ is None


# Standardising


def test_inputs_of_like_sizes_keep_the_ratios_of_their_sizes_by_auto():
    for x in (X, X + 1000, X / 1000):
        scaled = classifier().fit(x, Y)._checked(x)
        np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(
            scaled.std(axis=0), X.std(axis=0) / np.sqrt(X.var(axis=0).mean())
        )
    wide = X * [1, 100, 1, 1]
    for model, x in ((classifier(), wide), (classifier(standardize=True), X)):
        scaled = model.fit(x, Y)._checked(x)
        np.testing.assert_allclose(scaled.std(axis=0), 1)
    assert classifier(standardize=False).fit(X * 1000, Y).scaling_ is None


@pytest.mark.parametrize("make", [classifier, regressor])
def test_a_weight_of_2_counts_as_two_cases(make):
    x, y, weights = X[::5] * 100, Y[::5], np.arange(30) % 3
    weighted = make(epochs=20).fit(x, y, sample_weight=weights)
    repeated = make(epochs=20).fit(x.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(weighted.scaling_.mean, repeated.scaling_.mean)
    np.testing.assert_allclose(weighted.scaling_.scale, repeated.scaling_.scale)
    np.testing.assert_allclose(
        weighted._evaluated(x)[1], repeated._evaluated(x)[1], rtol=1e-6, atol=1e-9
    )


def test_the_weight_of_a_sequence_is_that_of_each_of_its_steps():
    x, weights = RNG.normal(size=(6, 3, 2)), np.arange(1, 7)
    form = InputForm.of(x, "sequences")
    weighted, repeated = form.scaling(x, weights), form.scaling(x.repeat(weights, axis=0), None)
    np.testing.assert_allclose(weighted.mean, repeated.mean)
    np.testing.assert_allclose(weighted.scale, repeated.scale)


def test_weights_of_classes():
    heavy = classifier(class_weight={0: 1000}, epochs=60).fit(X, np.where(Y == 1, 0, 1))
    assert (heavy.predict(X) == 0).mean() > 0.6
    plain = {"standardize": False}
    balanced = classifier(class_weight="balanced", **plain).fit(X[:70], Y[:70])
    by_hand = classifier(**plain).fit(X[:70], Y[:70], np.where(Y[:70] == 0, 0.7, 1.75))
    np.testing.assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X))


def test_weights_of_classes_change_no_figure_but_the_loss_of_training():
    model = classifier(class_weight={0: 1000}, epochs=3).fit(X, Y, validation=(X, Y))
    right = model.score(X, Y)
    assert right < 0.8
    assert model.history_["validation_accuracy"][-1] == pytest.approx(right)
    assert max(model.history_["train_accuracy"]) < 0.8
    assert model.validation_curve_[-1] == pytest.approx(log_loss(Y, model.predict_proba(X)))


# Validation, and going on


def test_validation_by_fraction_or_by_data():
    model = classifier(validation_fraction=0.2).fit(X, Y)
    assert len(model.validation_curve_) == model.n_iter_ == 5
    assert classifier().fit(X, Y).validation_curve_ is None
    given = classifier().fit(X[::2], Y[::2], validation=(X[1::2], Y[1::2]))
    score = given.score(X[1::2], Y[1::2])
    assert given.history_["validation_accuracy"][-1] == pytest.approx(score)


def test_metrics_are_columns_of_the_history():
    model = classifier(metrics=["balanced_accuracy"]).fit(X, Y, validation=(X, Y))
    wanted = balanced_accuracy_score(Y, model.predict(X))
    assert model.history_["validation_balanced_accuracy"][-1] == pytest.approx(wanted)


def test_early_stopping_keeps_the_best_parameters():
    model = classifier([50], early_stopping=True, epochs=400, learning_rate=0.05).fit(X, Y)
    assert model.n_iter_ < 400
    assert "early stopping" in model.ending_
    curve = model.validation_curve_
    assert len(curve) - 1 - int(np.argmin(curve)) <= 10 + 1
    given = regressor(early_stopping=True, epochs=300, n_iter_no_change=3)
    given.fit(X[::2], VALUES[::2], validation=(X[1::2], VALUES[1::2]))
    best = min(given.validation_curve_)
    scaled = given._prepared_targets(given._targets(VALUES[1::2], None, known=True), known=True).t
    found = given.network_.loss(given._checked(X[1::2]), scaled)
    assert found == pytest.approx(best, abs=1e-4 + 1e-9)


def test_partial_fit_goes_on_with_the_optimiser():
    whole = regressor(shuffle=False, epochs=4).fit(X, VALUES)
    parts = regressor(shuffle=False)
    for _ in range(4):
        parts.partial_fit(X, VALUES)
        parts = pickle.loads(pickle.dumps(parts))
    np.testing.assert_array_equal(whole.predict(X), parts.predict(X))
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.n_iter_ == 4


@pytest.mark.parametrize(
    ("make", "off"),
    [(classifier, {"standardize": False}), (regressor, dict.fromkeys(SCALINGS, False))],
)
def test_scalings_by_few_cases_are_warned_of(make, off):
    with pytest.warns(DataWarning, match=r"n_samples=3.*standardize=False") as warned:
        make().partial_fit(X[49:52], Y[49:52])
    assert warned[0].filename == __file__
    make(**off).partial_fit(X[49:52], Y[49:52])  # a warning would be an error
    make().partial_fit(X, Y).partial_fit(X[49:52], Y[49:52])


def test_an_optimiser_starts_anew_where_its_state_is_of_another_rule_or_network():
    adam = classifier(learning_rate=0.01, engine="numpy").partial_fit(X, Y)
    other = adam.set_params(optimizer="momentum").partial_fit(X, Y)
    assert other.optimizer_state_.steps == 1
    again = other.fit(X[:, :2], Y).partial_fit(X[:, :2], Y)  # of another network by now
    assert again.optimizer_state_.steps == 1
    assert again.n_iter_ == 6


def test_partial_fit_of_classes_that_come_later():
    model = classifier()
    model.partial_fit(X[:50], Y[:50], classes=[0, 1, 2])
    model.partial_fit(X[50:], Y[50:])
    assert model.predict_proba(X).shape == (150, 3)
    with pytest.raises(ValueError, match="none of the classes"):
        classifier().partial_fit(X[:100], Y[:100]).partial_fit(X, Y)
    with pytest.raises(ValueError, match="not the same as on the first call"):
        model.partial_fit(X, Y, classes=[0, 1])


class FirstCases(Callback):
    """Takes note of the first case of each training."""

    every_minibatch = True

    def __init__(self):
        self.seen = []

    def on_minibatch(self, trainer, x, t):
        if trainer.minibatch == 0:
            self.seen.append(x[0].tolist())


def test_a_training_that_goes_on_draws_another_order():
    first = FirstCases()
    model = classifier(callbacks=[first], engine="numpy")
    for _ in range(4):
        model.partial_fit(X, Y)
    assert len({tuple(case) for case in first.seen}) > 1


def test_warm_start_goes_on():
    model = classifier(warm_start=True).fit(X, Y)
    first = model.loss_
    model.fit(X, Y)
    assert model.loss_ < first
    assert len(model.loss_curve_) == 10
    assert [row["epoch"] for row in model.history_.rows] == [*range(1, 11)]


def test_warm_start_takes_another_rate_and_penalty():
    model = classifier(warm_start=True).fit(X, Y)
    before = model.network_.theta.copy()
    model.set_params(learning_rate=np.float32(1e-9)).fit(X, Y)
    assert type(model.network_.learning_rate) is float
    assert abs(model.network_.theta - before).max() < 1e-6
    model.set_params(penalty={"type": "L2", "rate": 100.0}).fit(X, Y)
    assert model.loss_ > 100


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("form", [csr_array, csr_matrix, coo_array])
def test_sparse_inputs_are_those_written_out(make, form):
    model, there = make().fit(form(X), Y), make().fit(X, Y)
    np.testing.assert_array_equal(model.predict(form(X)), there.predict(X))
    found, expected = model.activations(form(X[:3])), there.activations(X[:3])
    np.testing.assert_array_equal(found["dense_1"], expected["dense_1"])


def test_sparse_columns_of_a_frame_are_those_written_out():
    pandas = pytest.importorskip("pandas")
    frame = pandas.get_dummies(pandas.Series(Y.astype(str)), sparse=True)
    model = classifier().fit(frame, Y)
    assert model.score(frame, Y) == model.score(frame.sparse.to_dense(), Y)
    assert [*model.feature_names_in_] == ["0", "1", "2"]


def test_layers_and_types_of_numbers_may_be_numpys():
    model = classifier(np.array([6, 5]), dtype=np.float32, engine="numpy").fit(X, Y)
    assert shapes(model)[:2] == [("Dense", 6), ("Dense", 5)]
    assert model.predict_proba(X).dtype == np.float32


def test_activations_are_those_of_the_forward_pass():
    model = classifier([6, "tanh", 5], standardize=True).fit(X, Y)
    found = model.activations(X)
    assert [*found] == [layer.name for layer in model.network_.layers]
    np.testing.assert_array_equal(found["softmax"], model.predict_proba(X))
    W, b = model.network_.layers[0].W, model.network_.layers[0].b
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(found["dense_1"], np.tanh(scaled @ W + b))


# The same again


@pytest.mark.parametrize("make", [classifier, regressor])
def test_the_same_seed_gives_the_same_bits(make):
    one = make().fit(X, Y)
    np.testing.assert_array_equal(one.network_.theta, clone(one).fit(X, Y).network_.theta)
    np.testing.assert_array_equal(
        one.network_.theta, make(random_state=np.random.RandomState(0)).fit(X, Y).network_.theta
    )
    other = make(random_state=1).fit(X, Y)
    assert (one.network_.theta != other.network_.theta).any()
    again = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(one.predict(X), again.predict(X))
    again.set_params(epochs=3).fit(X, Y)
    assert again.n_iter_ == 3


def test_fits_in_threads_are_those_of_one_after_the_other():
    makes = [lambda k=k: classifier([8 + k], random_state=k, epochs=30) for k in range(6)]
    alone = [make().fit(X, Y).network_.theta for make in makes]
    with ThreadPoolExecutor(4) as pool:
        together = [*pool.map(lambda make: make().fit(X, Y).network_.theta, makes)]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_verbose_prints_epochs(capsys):
    classifier(verbose=2, validation_fraction=0.2).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "epoch 2 of 5",
        "epoch 4 of 5",
        "epoch 5 of 5",
    ]
    assert "validation accuracy" in lines[0]


class Compiles(Callback):
    def on_start(self, trainer):
        with numba_event.trigger_event("numba:compile", data={}):
            pass


def test_that_something_is_compiled_is_said_once(capsys, monkeypatch):
    monkeypatch.setattr(watching, "_said", set())
    classifier(callbacks=[Compiles()], engine="numpy").fit(X, Y)
    assert capsys.readouterr().err == ""
    for _ in range(2):
        classifier(callbacks=[Compiles()]).fit(X, Y)
    assert capsys.readouterr().err == f"{watching.COMPILING}\n"


def test_a_callback_of_ones_own_sees_the_epochs():
    class Count(Callback):
        epochs = 0

        def on_epoch(self, trainer, row):
            self.epochs += 1

    count = Count()
    classifier(callbacks=[count]).fit(X, Y)
    assert count.epochs == 5


# network.fit


def test_a_network_is_fitted_without_a_configuration():
    network = Network([Dense(8, "tanh"), Dense(3), Softmax()], input=4, seed=1)
    history = network.fit(X, Y, epochs=60, validation=(X[::2], Y[::2]))
    assert history["validation_accuracy"][-1] > 0.9
    before = history["train_loss"][-1]
    assert network.fit(X, Y, epochs=5)["train_loss"][-1] < before
    stopping = EarlyStopping("train_loss")
    network.fit(X, Y, epochs=2, weights=np.ones(150), callbacks=[stopping])
    assert stopping.best_epoch > 0


def test_prediction_needs_a_fit():
    for call in ("predict", "predict_proba", "decision_function", "activations"):
        with pytest.raises(NotFittedError):
            getattr(Classifier(), call)(X)


# One pass worked out


@pytest.mark.parametrize(("make", "targets"), [(classifier, Y), (regressor, VALUES)])
def test_a_row_is_explained_as_the_network_sees_it(make, targets):
    model = make([2, "tanh"], epochs=1, engine="numpy").fit(X, targets)
    explained = model.explain(X, targets, "dense_1.W[0,1]", case=60)
    y = model.network_.forward_pass(model._checked(X[60:61]))
    if make is classifier:
        expected = -np.log(y[0, targets[60]])
    else:
        scaling = model.target_scaling_
        expected = (y.item() - (targets[60] - scaling.mean.item()) / scaling.scale.item()) ** 2
    assert explained.step("L").result.value == pytest.approx(expected, rel=1e-12)


def test_a_row_is_explained_within_its_minibatch_where_cases_depend_on_each_other():
    model = classifier([2, "batch_norm"], epochs=1, engine="numpy").fit(X, Y)
    text = model.explain(X[:3], Y[:3], case=1).text()
    assert "minibatch of 3 cases" in text
    with pytest.raises(ValueError, match="case 3"):
        model.explain(X[:3], Y[:3], case=3)


@pytest.mark.parametrize(("make", "targets"), [(classifier, Y), (regressor, VALUES)])
def test_rows_are_shown_as_a_page_in_the_words_of_their_labels(make, targets):
    model = make([2, "tanh"], epochs=1, engine="numpy").fit(X, targets)
    found = model.inspect(X[:5], targets[:5], case=3)
    np.testing.assert_array_equal(found.record["input.out"], model._checked(X[:5]))
    told = [case["label"] for case in found.scene["cases"]]
    if make is classifier:
        assert told == [str(label) for label in targets[:5]]
        assert found.scene["names"]["classes"] == [str(name) for name in model.classes_]
    else:
        assert [float(label) for label in told] == pytest.approx(targets[:5], rel=1e-3)
    assert found.scene["case"] == 3


def test_rows_of_several_labels_are_shown_with_each_of_theirs():
    several = np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)
    model = classifier([2], epochs=1, engine="numpy").fit(X, several)
    found = model.inspect(X[:9], several[:9])
    expected = [", ".join(str(k) for k in (0, 1) if row[k]) for row in several[:9]]
    assert [case["label"] for case in found.scene["cases"]] == expected
    with pytest.raises(NotFittedError):
        classifier().inspect(X, Y)


def test_a_row_explained_needs_known_labels_and_a_fit():
    with pytest.raises(NotFittedError):
        classifier().explain(X, Y)
    model = classifier([2], epochs=1, engine="numpy").fit(X, Y)
    with pytest.raises(ValueError, match="9"):
        model.explain(X[:1], [9])
