"""Learning-rate schedules: their factors, and that training follows them."""

from __future__ import annotations

from itertools import pairwise
from math import cos, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule.core.errors import ConfigError, unknown
from chainrule.training import Callback
from chainrule.training.schedules import SCHEDULES, schedule

BY_HAND = {
    "constant": ("constant", [1, 1, 1, 1]),
    "exponential": ({"type": "exponential", "decay": 0.9}, [1, 0.9, 0.81, 0.729]),
    "inverse": ({"type": "inverse", "decay": 0.5}, [1, 1 / 1.5, 1 / 2, 1 / 2.5]),
    "step": ({"type": "step", "every": 2, "by": 0.1}, [1, 1, 0.1, 0.1]),
    "cosine": (
        {"type": "cosine", "final": 0.2},
        [0.2 + 0.4 * (1 + cos(pi * k / 4)) for k in range(4)],
    ),
}


def factors(given, epochs=4):
    return [schedule(given).factor(epoch, epochs) for epoch in range(1, epochs + 1)]


def test_every_schedule_is_worked_out_by_hand():
    assert set(BY_HAND) == set(SCHEDULES)


@pytest.mark.parametrize("name", BY_HAND)
def test_factors(name):
    given, expected = BY_HAND[name]
    assert factors(given) == pytest.approx(expected, rel=1e-14)


@given(name=st.sampled_from(sorted(SCHEDULES)), epochs=st.integers(1, 50))
def test_a_schedule_starts_at_the_full_rate_and_never_rises(name, epochs):
    found = factors(name, epochs)
    assert found[0] == 1
    assert all(later <= earlier for earlier, later in pairwise(found))
    assert found[-1] > 0


@given(every=st.integers(1, 20), by=st.floats(0.1, 1), epochs=st.integers(1, 60))
def test_a_step_is_taken_after_every_so_many_epochs_and_at_no_other_time(every, by, epochs):
    """Counted one epoch after the other, as one would by hand."""
    expected, rate = [], 1.0
    for done in range(epochs):
        if done and done % every == 0:
            rate *= by
        expected.append(rate)
    given = {"type": "step", "every": every, "by": by}
    assert factors(given, epochs) == pytest.approx(expected, rel=1e-12)


@given(st.floats(0.5, 1), st.floats(0, 2), st.floats(0, 1), st.integers(1, 60))
def test_the_smooth_schedules_follow_their_formulas(decay, slope, final, epochs):
    for k, found in enumerate(factors({"type": "exponential", "decay": decay}, epochs)):
        assert found == pytest.approx(np.prod([decay] * k), rel=1e-12)
    for k, found in enumerate(factors({"type": "inverse", "decay": slope}, epochs)):
        assert found == pytest.approx(1 / (1 + slope * k), rel=1e-12)
    for k, found in enumerate(factors({"type": "cosine", "final": final}, epochs)):
        wave = np.cos(np.pi * k / epochs)
        assert found == pytest.approx(final + (1 - final) * (1 + wave) / 2, rel=1e-12)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("exponentail", "exponential"),
        ({"type": "exponential", "decay": 1.5}, "decay must be from 0 to 1"),
        ({"type": "exponential", "rate": 0.5}, "option of exponential 'rate'"),
        ({"type": "step", "every": 2.5}, "every must be a whole number of epochs"),
        ({"type": "step", "every": 0}, "every must be a whole number of epochs"),
        ({"type": "step", "by": -1}, "by must be from 0 to 1"),
        ({"type": "inverse", "decay": -0.1}, "decay must be finite and at least 0"),
        ({"type": "cosine", "final": 2}, "final must be from 0 to 1"),
    ],
)
def test_what_is_no_schedule(given, message):
    with pytest.raises(ConfigError, match=message):
        schedule(given)


class Weights(Callback):
    """What every minibatch's update changed, and the rate that was shown."""

    def __init__(self):
        self.theta, self.gradients, self.rates = [], [], []

    def on_start(self, trainer):
        self.theta.append(trainer.network.theta.copy())

    def on_chunk(self, trainer):
        self.theta.append(trainer.network.theta.copy())
        self.gradients.append(trainer.network.gradients.vector.copy())
        self.rates.append(trainer.rate)


def test_training_scales_the_private_rates_too():
    watching = Weights()
    run = chainrule.train(
        {
            "network": {
                "input": 2,
                "learning_rate": 0.4,
                "layers": [{"size": 3, "activation": "tanh", "learning_rate": 0.1}, {"size": 1}],
            },
            "data": {"generator": "xor", "count": 20},
            "training": {
                "epochs": 3,
                "batch_size": "full",
                "schedule": {"type": "exponential", "decay": 0.5},
                "engine": "numpy",
            },
        },
        save=False,
        callbacks=[watching],
    )
    rates = np.where(np.arange(run.network.theta.size) < 9, 0.1, 0.4)
    for epoch in range(3):
        step = watching.theta[epoch] - watching.theta[epoch + 1]
        assert step == pytest.approx(rates * 0.5**epoch * watching.gradients[epoch], rel=1e-9)
    assert watching.rates == pytest.approx([0.4, 0.2, 0.1])
    assert run.config.network["learning_rate"] == 0.4
    assert run.config.training["schedule"] == {"type": "exponential", "decay": 0.5}


@pytest.mark.parametrize(
    "given", [{"type": "exponential", "decay": 1}, {"type": "step", "every": 1, "by": 1}]
)
def test_the_ends_of_a_range_belong_to_it(given):
    assert schedule(given) is not None


def test_an_unknown_schedule_is_told_as_one():
    with pytest.raises(ConfigError) as caught:
        schedule("linaer")
    assert str(caught.value) == unknown("schedule", "linaer", SCHEDULES)
