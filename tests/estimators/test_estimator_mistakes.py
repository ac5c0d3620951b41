"""What people get wrong: the message says what was found and what is right, as a `ValueError`."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from scipy.sparse import coo_array
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

import chainrule
from chainrule import Classifier, Dense, Network, Regressor
from chainrule.core.errors import ChainruleError, ShapeError
from chainrule.training.optimizers import Adam

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
HOLED = np.where(X > 5, np.nan, X)


def fit(kind=Classifier, x=X, y=Y, **options):
    given = {
        name: options.pop(name) for name in ("validation", "sample_weight") if name in options
    }
    return kind(**{"epochs": 1, **options}).fit(x, y, **given)


WRONG = [
    ({"layers": ["relu"]}, "has no layer; it follows the layer's size"),
    ({"layers": [20, "rleu"]}, "did you mean 'relu'"),
    ({"layers": [20, "dropot"]}, "did you mean 'dropout'"),
    ({"layers": [20, "tanh", "relu"]}, "already has an activation"),
    ({"layers": [20, "flatten", "relu"]}, "has no activation of its own"),
    ({"layers": [2.5]}, "layers are sizes such as 100"),
    ({"layers": [{"sise": 3}]}, "did you mean 'size'"),
    ({"layers": [{"size": 9}, "softmax"]}, "end in 9 outputs, but y needs 3"),
    ({"layers": [{"type": "recurrent", "size": 3}]}, "x[:, :, None] has one feature a step"),
    ({"layers": [{"type": "conv2d", "filters": 2, "size": 2}]}, "pass input_shape="),
    ({"optimizer": "adan"}, "did you mean 'adam'"),
    ({"optimizer": {"type": "adam", "lr": 0.1}}, "the learning rate belongs to the network"),
    ({"optimizer": {"type": "adam", "weight_decay": 0.1}}, "{type: adamw, weight_decay: 0.01}"),
    ({"optimizer": Adam}, "Adam() makes an object"),
    ({"schedule": "cosin"}, "did you mean 'cosine'"),
    ({"loss": "crossentropy"}, "did you mean 'cross_entropy'"),
    ({"engine": "compield"}, "did you mean 'compiled'"),
    ({"metrics": ["acuracy"]}, "did you mean 'accuracy'"),
    ({"callbacks": ["erly_stopping"]}, "did you mean 'early_stopping'"),
    ({"penalty": "L3"}, "unknown penalty 'L3'"),
    ({"dtype": "float16"}, "did you mean 'float64'"),
    ({"batch_size": "auoto"}, "did you mean 'auto'"),
    ({"batch_size": 0}, "at least 1"),
    ({"epochs": -1}, "epochs must be a whole number"),
    ({"standardize": "yes"}, "True, False or 'auto'"),
    ({"early_stopping": "yes"}, "early_stopping is True or False"),
    ({"validation_fraction": 2}, "above 0 and below 1"),
    ({"n_iter_no_change": 0}, "n_iter_no_change is a whole number of at least 1"),
    ({"tol": -1}, "tol is a finite number of at least 0"),
    ({"verbose": "much"}, "verbose is True, False"),
    ({"validation": X}, "validation is (x, y)"),
    ({"validation": (X, NAMES), "y": NAMES[:50].repeat(3)}, "one class alone: 'setosa'"),
    ({"validation": (X[:1], ["setoza"]), "y": NAMES}, "did you mean 'setosa'"),
    ({"class_weight": "balance"}, "did you mean 'balanced'"),
    ({"class_weight": {"setoza": 2}, "y": NAMES}, "did you mean 'setosa'"),
    ({"x": HOLED}, "contains NaN"),
    ({"y": Y + 0.5}, "Unknown label type: continuous"),
    ({"y": np.column_stack([Y, Y])}, "MultiOutputClassifier"),
    ({"sample_weight": np.zeros(150)}, "all sample weights are zero"),
    ({"sample_weight": -np.ones(150)}, "at least 0, found -1"),
    ({"learning_rate": "adaptive"}, "how it changes is the schedule"),
    ({"schedule": "invscaling"}, "did you mean 'inverse'"),
    ({"schedule": "plateau"}, "validation_fraction=0.1 sets cases aside"),
    ({"callbacks": ["early_stopping"]}, "fit(X, y, validation=(X, y)) takes cases of yours"),
    ({"callbacks": ["csv_log"]}, "name one (chainrule.train(config, run=...)"),
    ({"callbacks": "early_stopping"}, "callbacks is a list such as ['early_stopping']"),
    ({"callbacks": [print]}, "objects of chainrule.training.Callback"),
    ({"metrics": "f1"}, "metrics is a list such as ['f1']"),
    ({"loss": "log_loss"}, "did you mean 'cross_entropy'"),
    ({"kind": Regressor, "loss": "squared_error"}, "did you mean 'mse'"),
    ({"penalty": 0.01}, "penalty={'type': 'L2', 'rate': 0.01}"),
    ({"class_weight": [1, 2, 3]}, "a weight by label such as {0: 1, 1: 1}"),
    ({"class_weight": {0: 0}}, "class_weight of 0 is a finite number above 0, found 0"),
    ({"class_weight": {"0": 2}}, "did you mean 0?"),
    ({"y": Y.astype(object)}, "y.astype(int)"),
    ({"y": np.where(Y > 0, NAMES, None)}, "missing in 50 cases, the first of them 0"),
    ({"y": [*NAMES[:-1], None]}, "missing in case 149"),
    ({"y": ["a", 1, 2] * 50}, "several types (int, str)"),
    ({"y": [["a"], ["a", "b"], []] * 50}, "MultiLabelBinarizer"),
    ({"x": coo_array((10**6, 10**6))}, "would take 7,450.6 GiB"),
    ({"kind": Regressor, "y": NAMES}, "a Classifier predicts labels"),
    ({"kind": Regressor, "y": Y.astype(str)}, "y.astype(float)"),
    ({"kind": Regressor, "loss": "cross_entropy"}, "is for classes"),
    ({"kind": Regressor, "output_activation": "sofplus"}, "did you mean 'softplus'"),
    ({"kind": Regressor, "scale_targets": "yes"}, "scale_targets is True or False"),
]


@pytest.mark.parametrize(("wrong", "words"), WRONG, ids=[words for _, words in WRONG])
def test_a_mistake_is_answered(wrong, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011  # the words are compared below
        fit(**wrong)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hidden_layer_sizes", "here it is layers=(100, 50)"),
        ("solver", "here it is optimizer"),
        ("max_iter", "here it is epochs"),
        ("activation", "each size may be followed by its activation"),
        ("epoch", "did you mean 'epochs'"),
        ("lr", "did you mean 'learning_rate'"),
    ],
)
@pytest.mark.parametrize("kind", [Classifier, Regressor])
def test_arguments_of_other_libraries_lead_to_ours(kind, name, words):
    with pytest.raises(TypeError) as error:
        kind(**{name: 1})
    assert words in str(error.value)
    pipeline = make_pipeline(kind())
    with pytest.raises(ValueError) as error:  # noqa: PT011  # the words are compared below
        pipeline.set_params(**{f"{kind.__name__.lower()}__{name}": 1})
    assert words in str(error.value)


def test_a_callback_of_scikit_learn_has_another_way():
    callback = pytest.importorskip("sklearn.callback", reason="before scikit-learn 1.9")
    with pytest.raises(ValueError, match=r"model\.set_callbacks\(ProgressBar"):
        fit(callbacks=[callback.ProgressBar()])


@pytest.mark.parametrize("kind", [Classifier, Regressor])
@pytest.mark.parametrize("schedule", ["cosine", {"type": "constant", "warm_up": 1}])
def test_a_schedule_would_begin_anew_in_every_partial_fit(kind, schedule):
    with pytest.raises(ValueError, match=r"set_params\(learning_rate=...\) between calls"):
        kind(schedule=schedule).partial_fit(X, Y)


def test_a_changed_argument_that_makes_the_network_is_refused():
    model = fit(warm_start=True).set_params(layers=(7,))
    with pytest.raises(ValueError, match=r"layers was \(100, 'tanh'\).*is \(7,\) now"):
        model.fit(X, Y)
    with pytest.raises(ValueError, match="train the same network"):
        model.set_params(warm_start=False).partial_fit(X, Y)
    assert len(model.fit(X, Y).network_.layers[0].b) == 7


def test_an_export_says_what_is_not_fitted():
    with pytest.raises(ChainruleError, match="not fitted yet"):
        chainrule.export(Classifier(), "model.json")
    with pytest.raises(ChainruleError, match=r"its last step, \[-1\]"):
        chainrule.export(make_pipeline(Classifier()), "model.json")


def test_texts_among_the_inputs_are_named():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"age": [3, 4] * 5, "town": ["Oslo", "Bergen"] * 5})
    with pytest.raises(ValueError, match=r"columns town.*OneHotEncoder"):
        fit(x=frame, y=[0, 1] * 5)


def test_rows_in_another_order_are_refused():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match=r"y\.loc\[x\.index\]"):
        fit(x=pandas.DataFrame(X).add_prefix("p"), y=pandas.Series(Y)[::-1])


def test_another_number_of_inputs():
    with pytest.raises(ValueError, match="X has 2 features, but Classifier is expecting 4"):
        fit().predict(X[:, :2])


def test_a_network_says_what_its_fit_takes():
    network = Network([Dense(1)], input=4, loss="mse")
    with pytest.raises(ChainruleError, match="did you mean 'validation'"):
        network.fit(X, Y, validation_data=(X, Y))
    with pytest.raises(ChainruleError, match=r"chainrule\.Classifier takes labels"):
        network.fit(X, NAMES)


def test_without_scikit_learn_the_extra_is_named():
    script = (
        "import importlib.metadata as m\n"
        "found = m.version\n"
        "def version(name):\n"
        "    if name == 'scikit-learn': raise m.PackageNotFoundError(name)\n"
        "    return found(name)\n"
        "m.version = version\n"
        "try:\n"
        "    from chainrule import Classifier\n"
        "except ValueError as error: print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "pip install 'chainrule[sklearn]'" in ran.stdout


def test_a_missing_number_within_a_step_is_no_padding():
    sequences = np.random.default_rng(0).normal(size=(12, 4, 2))
    sequences[6, 3, 0] = np.nan
    model = Classifier([{"type": "lstm", "size": 2, "outputs": "last"}], epochs=1)
    with pytest.raises(ShapeError, match=r"step 3 of case 6 of x has NaN beside numbers"):
        model.fit(sequences, [0, 1] * 6)
    sequences[6, 3] = np.nan
    assert np.isfinite(model.fit(sequences, [0, 1] * 6).loss_)
    sequences[2, 1, 1] = np.nan
    with pytest.raises(ShapeError, match=r"step 1 of case 2"):
        model.predict(sequences)
