"""Bugs of schedules that vary within an epoch, of plateaus, and of callbacks."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

SCHEDULES, TRAINER = "training/schedules.py", "training/trainer.py"
CALLBACKS = "training/callbacks.py"
BY_HAND = ("training/test_schedules.py",)
RUNS = ("runs/test_rates_within_an_epoch.py",)
CALLED = ("runs/test_callbacks_of_a_run.py",)
TESTED = ("runs/test_range_test.py",)
ENGINES = ("training/engines/test_rates_of_minibatches.py",)


def _bug(name: str, file: str, old: str, new: str, tests: tuple[str, ...]) -> Bug:
    return Bug(name, (Edit(file, old, new),), tests=tests)


BUGS = (
    _bug(
        "warm-up a minibatch late",
        SCHEDULES,
        "n = np.arange(1, epoch.minibatches + 1)",
        "n = np.arange(epoch.minibatches)",
        BY_HAND,
    ),
    _bug(
        "schedule that runs on beneath its warm-up",
        SCHEDULES,
        "            epoch.number - filled,\n",
        "            epoch.number,\n",
        BY_HAND,
    ),
    _bug(
        "plateau that waits during the warm-up",
        SCHEDULES,
        "            epoch.rows[filled:],\n",
        "            epoch.rows,\n",
        BY_HAND,
    ),
    _bug(
        "one cycle that begins again in every epoch",
        SCHEDULES,
        "n = np.arange(epoch.minibatches) + (epoch.number - 1) * epoch.minibatches\n        found",
        "n = np.arange(epoch.minibatches)\n        found",
        BY_HAND,
    ),
    _bug(
        "peak of one cycle a minibatch late",
        SCHEDULES,
        "(self.pct_start * total - 1, 1.0)",
        "(self.pct_start * total, 1.0)",
        BY_HAND,
    ),
    _bug(
        "one cycle whose last rate is not divided by the first",
        SCHEDULES,
        "(total - 1.0, first / self.final_div_factor)",
        "(total - 1.0, 1 / self.final_div_factor)",
        BY_HAND,
    ),
    _bug(
        "plateau an epoch late, as PyTorch counts",
        SCHEDULES,
        "if seen.wait >= self.patience:",
        "if seen.wait > self.patience:",
        BY_HAND,
    ),
    _bug(
        "plateau that waits while it rests, as Keras does",
        SCHEDULES,
        "seen.resting, seen.wait = seen.resting - 1, 0",
        "seen.resting -= 1",
        BY_HAND,
    ),
    _bug(
        "plateau that looks at the epoch in progress",
        SCHEDULES,
        "epoch.rows[seen.epochs : before]",
        "epoch.rows[seen.epochs : before + 1]",
        BY_HAND,
    ),
    _bug(
        "plateau that keeps what an earlier training has seen",
        SCHEDULES,
        "        if seen.epochs > before:\n            vars(seen).update(vars(_Seen()))\n",
        "",
        BY_HAND,
    ),
    _bug(
        "compiled minibatches with the scale of the first",
        "training/engines/compiled/updates.py",
        "paces.scales[number]",
        "paces.scales[0]",
        ENGINES,
    ),
    _bug(
        "rates of a chunk that stay for the next one",
        "training/engines/compiled/loop.py",
        "self._settings.rates.copy()",
        "self._settings.rates",
        ENGINES,
    ),
    _bug(
        "minibatch left to the reference with the scale of the first",
        "training/engines/compiled/engine.py",
        "scales[done : done + 1]",
        "scales[:1]",
        ENGINES,
    ),
    _bug(
        "chunk that takes the scales of the epoch's first minibatches",
        TRAINER,
        "self._scales[first:last]",
        "self._scales[: last - first]",
        RUNS,
    ),
    _bug(
        "resumed epoch without its schedule",
        "runs/checkpoint.py",
        "        if position.epoch:\n            trainer.set_scale()\n",
        "",
        RUNS,
    ),
    _bug(
        "learning rate of the history that is the configured one",
        TRAINER,
        "row[LEARNING_RATE] = self.rate",
        "row[LEARNING_RATE] = self.base_rate",
        RUNS,
    ),
    _bug(
        "best weights that are no copy",
        CALLBACKS,
        "            self._theta[...] = trainer.network.theta\n",
        "            self._theta = trainer.network.theta\n",
        CALLED,
    ),
    _bug(
        "time limit that forgets the time before a run went on",
        CALLBACKS,
        'self.spent = float(state["spent"])',
        "self.spent = 0.0",
        CALLED,
    ),
    _bug(
        "time limit that looks only after an epoch",
        CALLBACKS,
        '        """Stop if the time is over."""\n        self._look(trainer)\n\n    def on_epoch',
        '        """Stop if the time is over."""\n\n    def on_epoch',
        CALLED,
    ),
    _bug(
        "log that keeps the lines of epochs that were lost",
        CALLBACKS,
        '        """Write the epochs so far."""\n        self._write_all(trainer)\n',
        '        """Write the epochs so far."""\n        self._columns = [*trainer.history]\n',
        CALLED,
    ),
    _bug(
        "events of a run that goes on, of which the last epoch no longer holds",
        CALLBACKS,
        "step=len(trainer.history.rows) + 1, session_log",
        "step=len(trainer.history.rows), session_log",
        CALLED,
    ),
    _bug(
        "range test whose rates rise in equal steps",
        "runs/range_test.py",
        "np.geomspace(low, high, minibatches)",
        "np.linspace(low, high, minibatches)",
        TESTED,
    ),
    _bug(
        "range test that keeps to the first rate",
        "runs/range_test.py",
        "scales[k : k + 1]",
        "scales[:1]",
        TESTED,
    ),
    _bug(
        "range test that never ends",
        "runs/range_test.py",
        "> DIVERGED * float(np.mean(losses[:few]))",
        "> 1e300",
        TESTED,
    ),
)
