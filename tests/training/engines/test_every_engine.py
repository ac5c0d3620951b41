"""What holds for every engine of the table: dropout, clipping and a loss that is not finite."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import DivergenceError
from chainrule.data.dataset import Dataset
from chainrule.nn import Dropout
from chainrule.training.engines import ENGINES
from chainrule.training.settings import Settings
from chainrule.training.trainer import Trainer

RNG = np.random.default_rng(3)
CASES = Dataset(RNG.normal(size=(30, 4)), RNG.integers(0, 3, 30))
NOTHING = Dataset(np.empty((0, 4)), np.empty(0, int))


def trained(engine: str, layers, **settings) -> Trainer:
    network = Network([*layers, Dense(3), Softmax()], input=4, learning_rate=0.3, seed=2)
    options = {"epochs": 2, "batch_size": 7, "seed": 5, "optimizer": "momentum", **settings}
    trainer = Trainer(network, CASES, NOTHING, Settings(engine=engine, **options), classes=True)
    trainer.run()
    return trainer


@pytest.fixture(params=sorted(set(ENGINES) - {"auto", "numpy"}))
def engine(request) -> str:
    if not ENGINES.is_installed(request.param):
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("clip", [None, 0.2])
def test_every_engine_takes_the_steps_of_the_reference(engine, dropout, clip):
    if engine == "compiled" and clip is not None:
        pytest.skip("the compiled engine refuses to clip")

    def layers():
        return [Dense(6, "tanh"), *([Dropout(0.4)] if dropout else [])]

    found, expected = (trained(e, layers(), clip_gradient_norm=clip) for e in (engine, "numpy"))
    assert found.network.theta == pytest.approx(expected.network.theta, rel=1e-11, abs=1e-13)
    assert found.last_loss == pytest.approx(expected.last_loss, rel=1e-11)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_engine_refuses_a_loss_that_is_not_finite(engine):
    with pytest.raises(DivergenceError, match="no longer a finite number"):
        trained(engine, [Dense(6, "linear", learning_rate=1e200)], epochs=20)
