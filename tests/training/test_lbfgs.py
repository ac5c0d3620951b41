"""L-BFGS: SciPy's iterations one by one, where they end, and threads that leave nothing behind."""

from __future__ import annotations

import copy
import gc
import pickle
import signal
import sys
import threading
import time

import numpy as np
import pytest
from scipy.optimize import minimize

import chainrule
from chainrule import Dense, Network, Softmax
from chainrule.__main__ import main
from chainrule.core.errors import ConfigError, DivergenceError
from chainrule.nn import BatchNorm, Dropout, Recurrent
from chainrule.training import Callback, Part, Settings, Trainer
from chainrule.training.optimizers import LBFGS
from chainrule.training.optimizers.turns import Returned, Turns

RNG = np.random.default_rng(4)
X = RNG.normal(size=(40, 3))
T = RNG.integers(0, 3, 40)
NOTHING = Part(X[:0], T[:0])


def network(*first, dtype="float64", **options):
    layers = [*(first or [Dense(4, "tanh")]), Dense(3), Softmax()]
    penalty = {"type": "L2", "rate": 0.05}
    return Network(layers, input=3, penalty=penalty, seed=3, dtype=dtype, **options)


def trainer(net=None, epochs=12, callbacks=(), x=X, t=T, validation=NOTHING, **settings):
    options = {"optimizer": "lbfgs", "batch_size": "full", "epochs": epochs, **settings}
    net = net or network()
    return Trainer(
        net, Part(x, t), validation, Settings(**options), classes=True, callbacks=callbacks
    )


def by_scipy(net, iterations):
    """The loss at each iterate and the last θ of SciPy's own run over the network's functions."""
    net = copy.deepcopy(net)

    def loss_and_gradient(theta):
        net.theta = theta
        loss = net.loss(X, T)
        net.backward_pass(T)
        return loss, net.gradients.vector.copy()

    losses = [loss_and_gradient(net.theta.copy())[0]]
    result = minimize(
        loss_and_gradient,
        net.theta.copy(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations},
        callback=lambda x: losses.append(loss_and_gradient(x)[0]),
    )
    return losses, result.x


def threads():
    return {one for one in threading.enumerate() if one.is_alive()}


@pytest.fixture(autouse=True)
def others():
    """The threads that other tests have left; at the end of a test there are no more."""
    before = threads()
    yield before
    if threads() - before:
        gc.collect()
    end = time.monotonic() + 5
    while threads() - before and time.monotonic() < end:
        time.sleep(0.01)
    assert not threads() - before


# The iterations


def test_an_epoch_is_an_iteration_of_scipy_to_the_bit():
    net = network()
    losses, theta = by_scipy(net, 12)
    train = trainer(net)
    history = train.run()
    assert history["train_loss"] == losses[:12]
    assert np.array_equal(net.theta, theta)
    assert train.stop_reason is None
    assert train.optimizer.steps == len(history.rows) == 12


def test_the_accuracy_of_an_epoch_is_that_before_its_iteration():
    history = trainer(epochs=4).run()
    for k in range(4):
        net = network()
        trainer(net, epochs=k).run()
        right = (net.forward_pass(X).argmax(axis=1) == T).mean()
        assert history["train_accuracy"][k] == right


def test_it_ends_as_finished_where_it_has_converged():
    train = trainer(epochs=2000)
    history = train.run()
    count = len(history.rows)
    assert 5 < count < 300
    assert train.finished
    assert train.stop_reason.startswith(f"L-BFGS converged after {count} iterations: ")
    assert train.ending == train.stop_reason
    assert train.optimizer.ending == train.stop_reason


def test_each_tolerance_says_that_it_was_reached():
    loose = {"type": "lbfgs", "gradient_tolerance": 0.05, "loss_tolerance": 0}
    train = trainer(epochs=500, optimizer=loose)
    train.run()
    net = train.network
    net.loss(X, T)
    net.backward_pass(T)
    assert np.abs(net.gradients.vector).max() <= 0.05
    assert train.stop_reason.endswith("no entry of the gradient is above gradient_tolerance, 0.05")
    loose = {"type": "lbfgs", "gradient_tolerance": 0, "loss_tolerance": 1e-3}
    train = trainer(epochs=500, optimizer=loose)
    train.run()
    assert train.stop_reason.endswith("lowered the loss by no more than loss_tolerance, 0.001")


def test_where_the_gradient_is_0_nothing_is_left_to_do():
    net = Network([Dense(1, weights="zeros")], input=3, loss="mse")
    train = Trainer(
        net,
        Part(X, np.zeros((40, 1))),
        Part(X[:0], np.zeros((0, 1))),
        Settings(optimizer="lbfgs", batch_size="full"),
    )
    history = train.run()
    assert history["train_loss"] == [0.0]
    assert train.stop_reason.startswith("L-BFGS converged after 0 iterations: no entry")


def test_where_no_step_lowers_the_loss_it_ends_and_says_so():
    """As where a gradient is wrong: this one points downhill."""
    theta, gradient = np.array([1.0, 2.0]), np.empty(2)

    def evaluate():
        gradient[...] = -2 * theta
        return float(theta @ theta), 0.0

    rule = LBFGS(line_search=3)
    rule.bind(theta, gradient, [(slice(0, 2), 1.0)])
    for steps in (1, 2):
        assert rule.iterate(evaluate) == (5.0, 0.0)
        assert (
            rule.ending == "L-BFGS stopped after 0 iterations: its line search found no lower loss"
        )
        assert theta.tolist() == [1.0, 2.0]
        assert rule.steps == steps


def test_more_memory_changes_the_iterations_and_a_memory_of_1_is_taken():
    found = [
        trainer(epochs=15, optimizer={"type": "lbfgs", "memory": memory}).run()["train_loss"]
        for memory in (1, 5, 20)
    ]
    assert found[0][:2] == found[1][:2]
    assert len({losses[-1] for losses in found}) == 3


def test_a_layer_of_rate_0_stays_and_the_others_find_their_minimum():
    net = network(Dense(4, "tanh", learning_rate=0.0))
    start, frozen = net.theta.copy(), net.parameters.layout["dense_1.W"].slice
    train = trainer(net, epochs=300)
    train.run()
    assert np.array_equal(net.theta[frozen], start[frozen])
    assert "converged" in train.stop_reason
    net.loss(X, T)
    net.backward_pass(T)
    assert np.abs(net.gradients["dense_2.W"]).max() < 1e-3


def test_float32_stays_float32_and_finds_the_same_minimum():
    single, double = network(dtype="float32"), network()
    for net in (single, double):
        trainer(net, epochs=300).run()
    assert single.theta.dtype == "float32"
    assert single.loss(X, T) == pytest.approx(double.loss(X, T), rel=1e-4)


def test_weights_of_cases_count():
    w = RNG.integers(1, 4, 40)
    twice = np.repeat(np.arange(40), w)
    weighted, repeated = network(), network()
    settings = Settings(optimizer="lbfgs", batch_size="full", epochs=9)
    Trainer(weighted, Part(X, T, w.astype(float)), NOTHING, settings, classes=True).run()
    trainer(repeated, epochs=9, x=X[twice], t=T[twice]).run()
    assert weighted.theta == pytest.approx(repeated.theta, rel=1e-6)


def test_the_order_of_the_cases_makes_no_difference():
    found = [trainer(shuffle=shuffle).run()["train_loss"] for shuffle in (True, False)]
    assert found[0] == found[1]


def test_the_compiled_engine_leaves_it_to_numpy():
    train = trainer(engine="compiled")
    assert train.engine.name == "numpy"
    assert train.engine.fallback_reason == "the optimiser LBFGS is not compiled"
    assert train.run()["train_loss"] == trainer().run()["train_loss"]


# Beside scikit-learn, which runs the same iterations over its own network


def of_sklearn(kind, net, x, t, alpha):
    """scikit-learn's network, trained by its solver lbfgs from the first weights of ours."""
    hidden = [layer.size for layer in net.layers if isinstance(layer, Dense)][:-1]
    model = kind(hidden_layer_sizes=hidden, activation="tanh", solver="lbfgs", alpha=alpha)
    model.set_params(warm_start=True, max_iter=1).fit(x, t)
    dense = [layer for layer in net.layers if isinstance(layer, Dense)]
    model.coefs_ = [layer.W.copy() for layer in dense]
    model.intercepts_ = [layer.b.copy() for layer in dense]
    return model.set_params(max_iter=5000, max_fun=10**6, tol=1e-5).fit(x, t)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_iris_ends_at_the_loss_of_scikit_learn():
    from sklearn.datasets import load_iris
    from sklearn.neural_network import MLPClassifier

    x, t = load_iris(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    penalty = {"type": "L2", "rate": 1 / 150}
    net = Network([Dense(6, "tanh"), Dense(3), Softmax()], input=4, penalty=penalty, seed=2)
    model = of_sklearn(MLPClassifier, net, x, t, alpha=1.0)
    train = trainer(net, epochs=5000, x=x, t=t, validation=Part(x[:0], t[:0]))
    train.run()
    assert "converged" in train.stop_reason
    assert net.loss(x, t) == pytest.approx(model.loss_, rel=1e-6)
    assert len(train.history.rows) == pytest.approx(model.n_iter_, abs=5)
    assert (net.forward_pass(x).argmax(axis=1) == t).mean() == model.score(x, t)


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_diabetes_ends_at_the_loss_of_scikit_learn():
    from sklearn.datasets import load_diabetes
    from sklearn.neural_network import MLPRegressor

    x, t = load_diabetes(return_X_y=True)
    x, t = (x - x.mean(axis=0)) / x.std(axis=0), (t - t.mean()) / t.std()
    penalty = {"type": "L2", "rate": 2 * 20 / len(x)}  # its loss is half of ours
    net = Network([Dense(4, "tanh"), Dense(1)], input=10, loss="mse", penalty=penalty, seed=2)
    model = of_sklearn(MLPRegressor, net, x, t, alpha=20.0)
    settings = Settings(optimizer="lbfgs", batch_size="full", epochs=5000)
    nothing = Part(x[:0], t[:0, None])
    train = Trainer(net, Part(x, t[:, None]), nothing, settings)
    train.run()
    assert "converged" in train.stop_reason
    assert net.loss(x, t[:, None]) == pytest.approx(2 * model.loss_, rel=1e-6)


# Stopping and going on


def test_the_running_statistics_of_batch_normalisation_follow_each_iteration():
    def normalised():
        return network(Dense(4, "tanh"), BatchNorm())

    net = normalised()
    start = net.parameters["batch_norm_1.mean"].copy()
    train = trainer(net, epochs=1)
    train.run()
    assert not np.array_equal(net.parameters["batch_norm_1.mean"], start)
    whole, parts = (trainer(normalised(), epochs=9, callbacks=[StopAfter(k)]) for k in (9, 4))
    whole.run()
    for _ in range(2):
        parts.interrupted = False
        parts.run()
    assert whole.network.theta.tobytes() == parts.network.theta.tobytes()
    assert whole.history["train_loss"] == parts.history["train_loss"]
    assert whole.history["train_loss"] == sorted(whole.history["train_loss"])[::-1]


class StopAfter(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch(self, trainer, row):
        if trainer.epoch == self.epoch:
            trainer.interrupted = True


@pytest.mark.parametrize("epoch", [1, 2, 7, 11])
def test_an_interrupted_training_goes_on_to_the_bit(epoch, others):
    whole = trainer()
    expected = whole.run()
    parts = trainer(callbacks=[StopAfter(epoch)])
    parts.run()
    assert len(parts.history.rows) == epoch
    assert not threads() - others
    parts.interrupted = False
    parts.run()
    assert parts.history["train_loss"] == expected["train_loss"]
    assert parts.network.theta.tobytes() == whole.network.theta.tobytes()


def test_to_go_on_beyond_convergence_is_to_converge_again_at_once():
    train = trainer(epochs=2000)
    train.run()
    theta, count = train.network.theta.copy(), len(train.history.rows)
    train.stop_reason, train.finished = None, False
    train.run()
    assert np.array_equal(train.network.theta, theta)
    assert len(train.history.rows) == count + 1
    assert f"converged after {count} iterations" in train.stop_reason


def test_a_theta_that_someone_has_changed_is_where_it_starts_anew():
    class Halve(Callback):
        def on_epoch(self, trainer, row):
            if trainer.epoch == 5:
                trainer.network.theta[...] /= 2

    net = network()
    train = trainer(net, epochs=9, callbacks=[Halve()])
    train.run()
    other = network()
    trainer(other, epochs=5).run()
    other.theta[...] /= 2
    trainer(other, epochs=4).run()
    assert np.array_equal(net.theta, other.theta)
    assert train.optimizer.state["begun"][0] == 5


def test_iterations_that_lead_elsewhere_are_told_from_the_same_ones():
    """As after a change of machine: what is there counts, and a new start is made from it."""
    train = trainer(callbacks=[StopAfter(5)])
    train.run()
    theta = train.network.theta.copy()
    train.optimizer.state["start"][...] += 1e-3
    train.interrupted = False
    train.run()
    assert train.optimizer.state["begun"][0] == 5
    assert np.array_equal(train.optimizer.state["start"], theta)
    assert len(train.history.rows) == 12
    assert train.history["train_loss"][5:] == sorted(train.history["train_loss"][5:])[::-1]


@pytest.mark.parametrize("begun", [-3.0, 0.5, 1e300, 99.0])
def test_a_count_in_a_checkpoint_that_cannot_be_does_no_harm(begun):
    train = trainer(callbacks=[StopAfter(5)])
    train.run()
    train.optimizer.state["begun"][0] = begun
    train.interrupted = False
    train.run()
    assert len(train.history.rows) == 12


# What it cannot do


@pytest.mark.parametrize(
    ("net", "settings", "key", "message"),
    [
        (
            network(),
            {"batch_size": 8},
            "batch_size",
            "found batch_size: 8; write batch_size: f",
        ),
        (network(), {"clip_gradient_norm": 1.0}, "clip_gradient_norm", "leave clip_gradient_norm"),
        (network(), {"schedule": "cosine"}, "schedule", "leave schedule out"),
        (network(learning_rate=0.1), {}, "optimizer", "leave learning_rate out"),
        (network(learning_rate=1.0), {}, "optimizer", "leave learning_rate out"),
        (network(learning_rate=0.0), {}, "optimizer", "the learning_rate of every layer is 0"),
        (network(Dense(4, learning_rate=0.1)), {}, "optimizer", "leave learning_rate out"),
        (network(Dense(4), Dropout(0.2)), {}, "optimizer", "dropout_1 draws new random numbers"),
    ],
)
def test_what_it_cannot_do_is_refused_with_what_to_write_instead(net, settings, key, message):
    with pytest.raises(ConfigError) as caught:
        trainer(net, **settings)
    (problem,) = caught.value.problems
    assert message in problem.message
    assert problem.key == key


def test_all_that_it_cannot_do_is_told_at_once():
    with pytest.raises(ConfigError) as caught:
        trainer(batch_size=8, clip_gradient_norm=1.0, schedule="step")
    assert len(caught.value.problems) == 3


def test_a_truncated_gradient_is_refused():
    layers = [Recurrent(4, truncate=2, outputs="last"), Dense(3), Softmax()]
    net = Network(layers, input=(5, 2))
    x = RNG.normal(size=(40, 5, 2))
    settings = Settings(optimizer="lbfgs", batch_size="full")
    with pytest.raises(ConfigError, match="recurrent_1 is truncated; leave truncate out"):
        Trainer(net, Part(x, T), Part(x[:0], T[:0]), settings, classes=True)


def test_a_minibatch_as_large_as_the_training_data_is_full():
    assert trainer(batch_size=40).run()["train_loss"] == trainer().run()["train_loss"]


def test_a_step_by_itself_says_what_to_call():
    with pytest.raises(TypeError, match=r"call iterate\(evaluate\)"):
        LBFGS().step()


def test_no_library_is_compared_and_the_reason_is_true_of_each():
    from chainrule.training.engines.other_libraries import Library

    train = trainer()
    everything = Library((), (), (), (), ())
    reason = everything.reason_against(train.network, train.optimizer)
    assert reason == "it runs no L-BFGS of which every iteration could be compared"


# Threads: each test ends with those that it began with


def test_a_loss_that_is_not_finite_ends_training_with_the_theta_before():
    class Spoil(Callback):
        def on_epoch(self, trainer, row):
            if trainer.epoch == 3:
                trainer.train.x[4] = np.nan
                trainer.theta = trainer.network.theta.copy()

    train = trainer(callbacks=[Spoil()], x=X.copy())
    with pytest.raises(DivergenceError) as caught:
        train.run()
    assert "the loss is no longer a finite number in epoch 4" in str(caught.value)
    assert "learning_rate usually helps" not in str(caught.value)
    assert "optimizer: adam" in str(caught.value)
    assert np.array_equal(train.network.theta, train.theta)
    assert len(train.history.rows) == 3


class Stop(BaseException):
    """An exception that nobody catches by accident."""


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Stop, StopIteration])
@pytest.mark.parametrize("at", [1, 2, 5, 9])
def test_an_exception_within_the_loss_comes_out_and_training_may_go_on(error, at, others):
    train, calls = trainer(), []
    before = train.network.backpropagate

    def backpropagate(*given, **named):
        calls.append(0)
        if len(calls) == at:
            raise error
        return before(*given, **named)

    train.network.backpropagate = backpropagate
    with pytest.raises(error):
        train.run()
    assert not threads() - others
    train.run()
    whole = trainer()
    whole.run()
    assert train.network.theta.tobytes() == whole.network.theta.tobytes()


def test_an_engine_that_is_dropped_in_the_middle_leaves_no_thread(others):
    train = trainer()
    train.engine.run(None, 0, 1)
    assert len(threads() - others) == 1
    del train


def test_copies_have_no_thread_and_share_none():
    train = trainer()
    train.engine.run(None, 0, 1)
    before = threads()
    for made in (copy.deepcopy(train.optimizer), pickle.loads(pickle.dumps(train.optimizer))):
        assert made.steps == 1
        assert made.memory == 10
        made.close()
    copy.deepcopy(train)
    assert threads() == before
    train.engine.run(None, 0, 1)
    expected = trainer(epochs=2)
    expected.run()
    assert np.array_equal(train.network.theta, expected.network.theta)


def test_many_trainings_in_one_process(others):
    for seed in range(40):
        trainer(epochs=3, seed=seed).run()
    assert not threads() - others


def test_trainings_side_by_side_do_not_meet():
    both = [trainer(), trainer()]
    for _ in range(12):
        for train in both:
            train.engine.run(None, 0, 1)
    alone = trainer()
    alone.run()
    for train in both:
        assert np.array_equal(train.network.theta, alone.network.theta)
        train.optimizer.close()


# Turns


def test_turns_raise_here_what_the_function_raises_there():
    turns = Turns(lambda ask: 1 / ask("by what?"))
    with pytest.raises(ZeroDivisionError):
        turns.answer(0)


def test_a_function_that_asks_nothing_has_returned():
    assert Turns(lambda ask: 5).question == Returned(5)


def test_a_closed_function_cleans_up_behind_itself():
    seen = []

    def function(ask):
        try:
            ask("wait")
        finally:
            seen.append("cleaned")

    turns = Turns(function)
    turns.close()
    turns.close()
    end = time.monotonic() + 5
    while not seen and time.monotonic() < end:
        time.sleep(0.01)
    assert seen == ["cleaned"]


# As a run with its folder

FILE = """network:
  layers: [{size: 4, activation: tanh}, {size: 3}, softmax]
  penalty: {type: L2, rate: 0.01}
data: {generator: blobs, count: 60}
training:
  epochs: 8
  optimizer: lbfgs
  batch_size: full
"""


class CtrlC(Callback):
    """As by a user in epoch 3."""

    def on_chunk(self, trainer):
        if trainer.epoch == 3:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_and_resume_give_the_bits_of_a_run_never_stopped(tmp_path):
    (tmp_path / "c.yaml").write_text(FILE)
    whole = chainrule.train(tmp_path / "c.yaml", save=False)
    run = chainrule.train(tmp_path / "c.yaml", run=tmp_path / "run", callbacks=[CtrlC()])
    assert run.interrupted
    assert len(run.history["train_loss"]) == 3
    again = chainrule.train(tmp_path / "c.yaml", run=tmp_path / "run", resume=True)
    assert not again.interrupted
    assert again.network.theta.tobytes() == whole.network.theta.tobytes()
    assert again.history["train_loss"] == whole.history["train_loss"]
    more = chainrule.train(
        tmp_path / "c.yaml",
        run=tmp_path / "run",
        resume=True,
        overrides=["training.epochs=2000"],
    )
    assert more.ending.startswith("L-BFGS converged after ")
    assert len(more.history["train_loss"]) < 2000
    assert chainrule.load(tmp_path / "run").ending == more.ending
    once = chainrule.train(tmp_path / "c.yaml", save=False, overrides=["training.epochs=2000"])
    assert once.network.theta.tobytes() == more.network.theta.tobytes()
    assert once.ending == more.ending


def test_it_takes_all_cases_unless_a_size_is_stated(tmp_path):
    (tmp_path / "c.yaml").write_text(FILE.replace("  batch_size: full\n", ""))
    run = chainrule.train(tmp_path / "c.yaml", save=False)
    assert run.config.training["batch_size"] == "full"
    same, whole = network(), network()
    stated = whole.fit(X, T, epochs=3, optimizer=LBFGS(), batch_size="full")
    assert same.fit(X, T, epochs=3, optimizer="LBFGS")["train_loss"] == stated["train_loss"]
    with pytest.raises(ConfigError, match="lbfgs takes all 40 training cases at once"):
        network().fit(X, T, optimizer="lbfgs", batch_size=8)


def test_no_learning_rate_is_shown_where_there_is_none(tmp_path, capsys, monkeypatch):
    (tmp_path / "c.yaml").write_text(FILE.replace("epochs: 8", "epochs: 1"))
    monkeypatch.setattr(sys, "argv", ["chainrule", "train", "c.yaml", "--jacobians"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    shown = capsys.readouterr()
    assert "line_search=20), by a length that a line search finds" in shown.out
    assert "epoch 1/1: train loss" in shown.out + shown.err
    assert ", rate" not in shown.out + shown.err


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("batch_size: full", "batch_size: 8", ":8:15: lbfgs takes all 42 training cases"),
        (
            "batch_size: full",
            "batch_size: full\n  schedule: step",
            ":9:13: lbfgs finds the length",
        ),
        ("full", "full\n  clip_gradient_norm: 1", ":9:23: lbfgs finds the length of its steps"),
        ("penalty:", "learning_rate: 0.1\n  penalty:", ":8:14: lbfgs finds the length of its"),
        ("lbfgs", "{type: lbfgs, memory: 0}", ":7:36: memory must be a whole number from 1"),
        ("lbfgs", "{type: lbfgs, memroy: 5}", "did you mean 'memory'?"),
        ("lbfgs", "l-bfgs", "did you mean 'lbfgs'?"),
    ],
)
def test_a_message_says_where_in_the_file(tmp_path, old, new, where):
    (tmp_path / "c.yaml").write_text(FILE.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        chainrule.train(tmp_path / "c.yaml", save=False)
    assert where in str(caught.value)
    assert not (tmp_path / "runs").exists()
