"""``auto`` goes by the sizes alone."""

import pytest

from chainrule import Dense, Network, Softmax
from chainrule.training.engines.compiled.support import engine_for
from chainrule.training.optimizers import SGD


def choice(cases=9000, batch_size=1, epochs=100, **options):
    network = Network([Dense(50, "sigmoid"), Dense(10), Softmax()], input=128, **options)
    sgd = SGD()
    layout = network.parameters.layout
    sgd.bind(network.theta, network.gradients.vector, layout.runs(network.rates(0.1)))
    return engine_for(network, sgd, cases=cases, batch_size=batch_size, epochs=epochs)


@pytest.mark.parametrize("batch_size", [1, 32])
def test_letters_are_worth_compiled_code(batch_size):
    assert choice(batch_size=batch_size) == "compiled"


@pytest.mark.parametrize(
    "options",
    [
        {"cases": 40, "epochs": 10},
        {"epochs": 0},
        {"batch_size": 900, "epochs": 20},
        {"explicit_jacobians": True},
    ],
)
def test_what_is_small_or_not_covered_is_left_to_numpy(options):
    assert choice(**options) == "numpy"
