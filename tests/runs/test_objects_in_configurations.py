"""In Python an object stands where a configuration has a name; no run's folder can hold one."""

import numpy as np
import pytest

import chainrule
from chainrule.core.errors import ConfigError
from chainrule.nn.activations import ELU
from chainrule.nn.losses import Huber
from chainrule.training import EarlyStopping, Settings
from chainrule.training.optimizers import Adam, optimizer
from chainrule.training.schedules import Cosine

DATA = {"generator": "curve", "count": 40}


def configuration(**training):
    layers = [{"size": 3, "activation": ELU(0.5)}, {"size": 1}]
    own = {"optimizer": Adam(beta1=0.8), "schedule": Cosine(), "epochs": 4}
    network = {"loss": Huber(0.7), "layers": layers}
    return {"network": network, "data": DATA, "training": {**own, **training}}


def test_an_object_trains_as_its_name_and_options_do():
    stopping = EarlyStopping("train_loss", patience=2)
    run = chainrule.train(configuration(callbacks=[stopping]), save=False)
    written = {
        "network": {
            "loss": {"type": "huber", "delta": 0.7},
            "layers": [{"size": 3, "activation": {"type": "elu", "alpha": 0.5}}, {"size": 1}],
        },
        "data": DATA,
        "training": {
            "optimizer": {"type": "adam", "beta1": 0.8},
            "schedule": "cosine",
            "epochs": 4,
            "callbacks": [{"type": "early_stopping", "monitor": "train_loss", "patience": 2}],
        },
    }
    wanted = chainrule.train(written, save=False)
    np.testing.assert_array_equal(run.network.theta, wanted.network.theta)
    assert stopping.best == min(run.history["train_loss"])


def test_a_run_that_is_written_refuses_objects_before_there_is_a_folder(tmp_path):
    with pytest.raises(ConfigError) as error:
        chainrule.train(configuration(), run=tmp_path / "run")
    assert [str(problem).split(": ")[0] for problem in error.value.problems] == [
        "network.loss",
        "network.layers[0].activation",
        "training.optimizer",
        "training.schedule",
    ]
    assert "pass save=False" in str(error.value)
    assert [*tmp_path.iterdir()] == []


def test_an_optimizer_that_is_given_is_not_changed():
    given = Adam(beta2=0.9)
    made = optimizer(given)
    made.bind(np.zeros(2), np.ones(2), [(slice(0, 2), 0.1)])
    made.step()
    assert (made.beta2, made.steps, given.steps, given.state) == (0.9, 1, 0, {})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optimizer": Cosine()}, "optimizer must be the name of an optimizer"),
        ({"schedule": Adam()}, "schedule must be the name of a schedule"),
        ({"callbacks": [Adam()]}, "must be the name of a callback"),
        ({"optimizer": Adam}, "Adam() makes an object of it"),
    ],
)
def test_an_object_of_another_kind_is_refused(settings, words):
    with pytest.raises(ConfigError) as error:
        Settings(**settings)
    assert words in str(error.value)
