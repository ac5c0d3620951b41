"""The estimators in what scikit-learn builds of estimators."""

import io
import pickle
from contextlib import redirect_stdout

import joblib
import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import BaggingRegressor, VotingClassifier, VotingRegressor
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import Classifier, Regressor

X, Y = load_iris(return_X_y=True)
XD, YD = (each[:150] for each in load_diabetes(return_X_y=True))


def classifier(**options):
    return Classifier((20, "tanh"), **{"epochs": 40, "random_state": 0, **options})


def regressor(**options):
    return Regressor((20,), **{"epochs": 40, "random_state": 0, **options})


@pytest.mark.exhaustive
def test_a_search_over_layers_in_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), classifier())
    grid = {"classifier__layers": [(2, "relu"), (20, "tanh")], "classifier__optimizer": ["adam"]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, Y)
    assert search.best_params_["classifier__layers"] == (20, "tanh")
    assert search.score(X, Y) > 0.9


@pytest.mark.exhaustive  # processes load compiled code for seconds
def test_scores_of_folds_do_not_depend_on_the_number_of_processes():
    alone = cross_val_score(classifier(), X, Y, cv=3)
    together = cross_val_score(classifier(), X, Y, cv=3, n_jobs=2)
    np.testing.assert_array_equal(alone, together)


@pytest.mark.exhaustive
def test_labels_of_text_go_through_ensembles():
    names = np.array(["setosa", "versicolor", "virginica"])[Y]
    voting = VotingClassifier(
        [("net", classifier()), ("linear", LogisticRegression(max_iter=1000))], voting="soft"
    ).fit(X, names)
    calibrated = CalibratedClassifierCV(classifier(), cv=3).fit(X, names)
    for model in (voting, calibrated):
        assert set(model.predict(X)) <= set(names)
        assert model.score(X, names) > 0.9
    assert cross_val_predict(classifier(), X, names, cv=3, method="predict_proba").shape == (
        150,
        3,
    )


@pytest.mark.exhaustive
def test_values_go_through_ensembles():
    voting = VotingRegressor([("net", regressor()), ("linear", LinearRegression())]).fit(XD, YD)
    bagging = BaggingRegressor(regressor(), n_estimators=2, random_state=0).fit(XD, YD)
    assert min(voting.score(XD, YD), bagging.score(XD, YD)) > 0.3


def test_importance_by_permutation_finds_the_input_that_counts():
    x = np.random.default_rng(0).normal(size=(200, 3))
    model = classifier().fit(x, x[:, 1] > 0)
    found = permutation_importance(model, x, x[:, 1] > 0, n_repeats=2, random_state=0)
    assert found.importances_mean.argmax() == 1


@pytest.mark.parametrize(("make", "x", "y"), [(classifier, X, Y), (regressor, XD, YD)])
def test_copies_predict_the_same_bits(make, x, y, tmp_path):
    model = make().fit(x, y)
    joblib.dump(model, tmp_path / "model")
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model")):
        np.testing.assert_array_equal(copy.predict(x), model.predict(x))
        assert copy.get_params().keys() == model.get_params().keys()
        np.testing.assert_array_equal(copy.fit(x, y).predict(x), model.predict(x))


def test_weights_are_routed():
    weights = np.where(Y == 0, 1.0, 0.0) + 1e-3
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier().set_fit_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        routed = pipeline.fit(X, Y, sample_weight=weights)
    alone = make_pipeline(StandardScaler(), classifier()).fit(X, Y)
    assert (routed.predict(X) == 0).mean() > (alone.predict(X) == 0).mean()


@pytest.mark.parametrize(("make", "x", "y"), [(classifier, X, Y), (regressor, XD, YD)])
def test_scikit_learns_callbacks(make, x, y):
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 is not installed")
    scoring = "accuracy" if make is classifier else "r2"
    monitor = callback.ScoringMonitor(scoring=scoring)
    model = make(epochs=6).set_callbacks(monitor, callback.ProgressBar())
    with redirect_stdout(io.StringIO()):
        model.fit(x, y)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert [row["task_id"] for row in epochs] == [*range(6)]
    assert epochs[-1][scoring] == pytest.approx(model.score(x, y))
    assert epochs[0][scoring] != epochs[-1][scoring]


def test_a_callback_of_scikit_learn_may_stop_the_training():
    pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 is not installed")

    class Stop:
        def setup(self, estimator, context):
            self.left = 3

        def teardown(self, estimator, context):
            self.is_over = True

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            self.left -= context.task_name == "epoch"
            return self.left == 0

    stop = Stop()
    model = classifier().set_callbacks(stop).fit(X, Y)
    assert model.n_iter_ == 3
    assert stop.is_over
    assert "a callback of scikit-learn" in model.ending_


def test_callbacks_see_the_fits_of_a_search():
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 is not installed")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = classifier(epochs=3).set_callbacks(monitor)
    GridSearchCV(model, {"layers": [(5,), (6,)]}, cv=2).fit(X, Y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 3 * (2 * 2 + 1)
