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
from chainrule.training.schedules import SCHEDULES, Epoch, schedule

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
    return [schedule(given).factors(Epoch(epoch, epochs)) for epoch in range(1, epochs + 1)]


def test_every_schedule_is_worked_out_by_hand():
    assert {*BY_HAND, "one_cycle", "plateau"} == set(SCHEDULES)


@pytest.mark.parametrize("name", BY_HAND)
def test_factors(name):
    given, expected = BY_HAND[name]
    assert factors(given) == pytest.approx(expected, rel=1e-14)


@given(name=st.sampled_from(sorted(BY_HAND)), epochs=st.integers(1, 50))
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
        ({"type": "cosine", "warm_up": -1}, "warm_up must be finite and at least 0"),
        ({"type": "constant", "warm_up": "2"}, "warm_up of constant must be a finite number"),
        ({"type": "one_cycle", "pct_start": 1.5}, "pct_start must be from 0 to 1"),
        ({"type": "one_cycle", "div_factor": 0.5}, "div_factor must be finite and at least 1"),
        ({"type": "one_cycle", "anneal_strategy": "cosine"}, "did you mean 'cos'"),
        ({"type": "one_cycle", "three_phase": 1}, "three_phase must be true or false"),
        (
            {"type": "one_cycle", "pct_start": 0.6, "three_phase": True},
            "at most 0.5 with three_phase",
        ),
        ({"type": "one_cycle", "max_lr": 0.1}, "option of one_cycle 'max_lr'"),
        ({"type": "plateau", "monitor": "val_loss"}, "validation_loss"),
        ({"type": "plateau", "factor": 1}, "factor must be at least 0 and below 1"),
        ({"type": "plateau", "patience": 0}, "patience must be a whole number of at least 1"),
        ({"type": "plateau", "cooldown": 0.5}, "cooldown must be a whole number of at least 0"),
        ({"type": "plateau", "least": 2}, "least must be from 0 to 1"),
        ({"type": "plateau", "mode": "most"}, "mode"),
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


# Warm-up.


@given(
    st.sampled_from(sorted(BY_HAND)),
    st.floats(0.01, 6),
    st.integers(1, 8),
    st.integers(1, 7),
)
def test_a_warm_up_grows_by_equal_steps_up_to_the_schedule(name, warm_up, epochs, minibatches):
    """Minibatch by minibatch, as one would count by hand."""
    given, plain = {"type": name, "warm_up": warm_up}, schedule(name)
    for epoch in range(1, epochs + 1):
        found = schedule(given).factors(Epoch(epoch, epochs, minibatches))
        late = epoch - min(int(warm_up), epoch - 1)
        own = plain.factors(Epoch(late, max(1, epochs - int(warm_up)), minibatches))
        assert np.ndim(found) == (epoch <= warm_up or epoch - 1 < warm_up)
        for k, factor in enumerate(np.broadcast_to(found, minibatches)):
            done = (epoch - 1) * minibatches + k + 1
            share = min(1.0, done / minibatches / warm_up)
            assert factor == pytest.approx(share * own, rel=1e-12)


def test_a_whole_warm_up_ends_at_the_full_rate_and_the_schedule_begins_behind_it():
    warm = schedule({"type": "exponential", "decay": 0.5, "warm_up": 2})
    assert warm.factors(Epoch(1, 4, 2)) == pytest.approx([0.25, 0.5])
    assert warm.factors(Epoch(2, 4, 2)) == pytest.approx([0.75, 1.0])
    assert [warm.factors(Epoch(e, 4, 2)) for e in (3, 4)] == [1.0, 0.5]


def test_a_warm_up_that_is_longer_than_the_training_never_ends():
    found = schedule({"type": "cosine", "warm_up": 1e6}).factors(Epoch(3, 3, 2))
    assert found == pytest.approx([5 / 2e6, 6 / 2e6])


# One cycle.

CYCLES = st.fixed_dictionaries(
    {
        "pct_start": st.floats(0, 1),
        "div_factor": st.floats(1, 100),
        "final_div_factor": st.floats(1, 1e5),
        "anneal_strategy": st.sampled_from(["cos", "linear"]),
    }
)


def whole_cycle(options, epochs, minibatches) -> list[float]:
    cycle = schedule({"type": "one_cycle", **options})
    return [
        float(factor)
        for epoch in range(1, epochs + 1)
        for factor in cycle.factors(Epoch(epoch, epochs, minibatches))
    ]


@given(CYCLES, st.integers(1, 5), st.integers(1, 9))
def test_one_cycle_rises_to_the_peak_and_falls_to_the_last(options, epochs, minibatches):
    found, total = whole_cycle(options, epochs, minibatches), epochs * minibatches
    first, turn = 1 / options["div_factor"], options["pct_start"] * total - 1
    last = first / options["final_div_factor"]
    assert min(found) >= last * (1 - 1e-12)
    assert max(found) <= 1 + 1e-12
    for n, factor in enumerate(found):
        rising = n <= turn
        a, b = (first, 1.0) if rising else (1.0, last)
        start, end = (0.0, turn) if rising else (turn, total - 1.0)
        share = (n - start) / (end - start) if end > start else 1.0
        if options["anneal_strategy"] == "cos":
            share = (1 - cos(pi * share)) / 2
        assert factor == pytest.approx(a + share * (b - a), rel=1e-9, abs=1e-12)


def test_one_cycle_by_hand():
    found = whole_cycle(
        {"pct_start": 0.5, "div_factor": 2, "final_div_factor": 5, "anneal_strategy": "linear"},
        2,
        4,
    )
    falling = [1 - 0.9 * k / 4 for k in (1, 2, 3, 4)]
    assert found == pytest.approx([0.5, 0.5 + 0.5 / 3, 0.5 + 1 / 3, 1.0, *falling], rel=1e-14)
    three = {"pct_start": 0.5, "div_factor": 2, "three_phase": True, "anneal_strategy": "linear"}
    found = whole_cycle(three, 2, 4)
    assert found[3] == pytest.approx(1)
    assert found[6] == pytest.approx(0.5)
    assert found[7] == pytest.approx(0.5 / 1e4)


@pytest.mark.parametrize("anneal", ["cos", "linear"])
@pytest.mark.parametrize("three", [False, True])
@pytest.mark.parametrize("start", [0.0, 0.17, 0.3, 0.5])
def test_one_cycle_is_that_of_pytorch(anneal, three, start):
    torch = pytest.importorskip("torch")
    epochs, minibatches = 7, 11
    rule = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        rule,
        max_lr=0.4,
        epochs=epochs,
        steps_per_epoch=minibatches,
        pct_start=start,
        anneal_strategy=anneal,
        cycle_momentum=False,
        div_factor=20.0,
        final_div_factor=300.0,
        three_phase=three,
    )
    expected = []
    for _ in range(epochs * minibatches):
        expected.append(rule.param_groups[0]["lr"])
        rule.step()
        theirs.step() if len(expected) < epochs * minibatches else None
    options = {
        "pct_start": start,
        "div_factor": 20,
        "final_div_factor": 300,
        "anneal_strategy": anneal,
        "three_phase": three,
    }
    found = 0.4 * np.array(whole_cycle(options, epochs, minibatches))
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


# On plateau.

LOSSES = st.lists(st.sampled_from([0.5, 0.4, 0.3, 0.2, float("nan"), float("inf")]), max_size=30)


def on_plateau(losses, **options) -> list[float]:
    """The factors of the epochs after each loss, read one after the other."""
    rows = [{"train_loss": loss} for loss in losses]
    one = schedule({"type": "plateau", "monitor": "train_loss", **options})
    return [one.factors(Epoch(k + 1, 99, rows=rows)) for k in range(1, len(rows) + 1)]


@given(
    LOSSES,
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from(["auto", "max"]),
)
def test_plateau_is_that_of_pytorch(losses, patience, cooldown, min_delta, least, mode):
    torch = pytest.importorskip("torch")
    rule = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    if mode == "max":  # there PyTorch's infinity is a value as any other
        losses = [loss for loss in losses if loss != float("inf")]
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        rule,
        mode="max" if mode == "max" else "min",
        factor=0.5,
        patience=patience - 1,
        threshold=min_delta,
        threshold_mode="abs",
        cooldown=cooldown,
        min_lr=least,
        eps=0.0,
    )
    expected = []
    for loss in losses:
        theirs.step(loss)
        expected.append(rule.param_groups[0]["lr"])
    options = {"patience": patience, "cooldown": cooldown, "min_delta": min_delta, "least": least}
    assert on_plateau(losses, factor=0.5, mode=mode, **options) == pytest.approx(expected)


def test_plateau_by_hand():
    waiting = on_plateau([5, 4, 4, 4, 4, 4, 3, 3, 3], factor=0.5, patience=2)
    assert waiting == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    resting = on_plateau([5, 5, 5, 5, 5, 5], factor=0.5, patience=1, cooldown=2)
    assert resting == [1, 0.5, 0.5, 0.5, 0.25, 0.25]
    assert on_plateau([5, 5, 5, 5], factor=0.5, patience=1, least=0.4) == [1, 0.5, 0.4, 0.4]
    assert on_plateau([5, 4.5, 4.1], factor=0.5, patience=1, min_delta=0.5) == [1, 0.5, 0.5]
    assert on_plateau([None, 5, 4], factor=0.5, patience=1) == [0.5, 0.5, 0.5]


@given(LOSSES, st.integers(1, 3), st.data())
def test_plateau_follows_from_the_rows_alone(losses, patience, data):
    """In whatever order the epochs are asked for, as where a training is resumed."""
    rows = [{"train_loss": loss} for loss in losses]
    given = {"type": "plateau", "monitor": "train_loss", "patience": patience, "factor": 0.5}
    asked = schedule(given)
    for epoch in data.draw(st.lists(st.integers(1, len(rows) + 1), max_size=8)):
        expected = schedule(given).factors(Epoch(epoch, 99, rows=rows))
        assert asked.factors(Epoch(epoch, 99, rows=rows)) == expected


def test_a_plateau_during_the_warm_up_does_not_count():
    rows = [{"train_loss": loss} for loss in (0.1, 0.2, 5.0, 4.0, 4.0)]
    late = schedule({"type": "plateau", "monitor": "train_loss", "patience": 1, "warm_up": 2})
    found = [late.factors(Epoch(e, 9, rows=rows)) for e in (3, 4, 5, 6)]
    assert found == pytest.approx([1.0, 1.0, 1.0, 0.1])
