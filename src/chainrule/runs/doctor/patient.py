"""What the doctor looks at: a training, before and after, its data, and what is attainable."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from chainrule.core.arrays import Array, cases_that_count
from chainrule.core.randomness import stream
from chainrule.nn.layer_types import Layer
from chainrule.nn.network import Network
from chainrule.runs.doctor.passes import Pass, passed_through
from chainrule.runs.doctor.reference import NO_REFERENCE, Reference, reference
from chainrule.runs.doctor.skill import chance_of, percent, recalls, skill_of
from chainrule.runs.doctor.trials import FAILED, Trial, trial
from chainrule.runs.starts import initial_network
from chainrule.training import History, Settings
from chainrule.training.history import NotFinite
from chainrule.training.metrics import true_classes
from chainrule.training.optimizers import optimizer
from chainrule.training.scores import Score, TargetKind, evaluate
from chainrule.training.trainer import Part

if TYPE_CHECKING:
    from chainrule.config.load import Config
    from chainrule.data.dataset import Dataset, DataSplit

SAMPLE, SMALL_SAMPLE = 2000, 256
"""At most so many cases of a part are looked at, and at the end of a training."""

PROBED, LEAST_PROBED = 256, 16
"""So many training cases pass through the network to look at its units, at most and at least."""

PROBED_SHARE = 0.001
"""At the end of a training at most this share of the cases that passed in it."""

LAGS, LAGS_CLEARLY = 0.9, 0.75
"""A network suffers if it has learnt less than this share of what is attainable: clearly, and,
less than the first, if a treatment helps."""

NOTHING = 0.1
"""Less than this share of the way from chance to perfect is as good as nothing."""

MOST_EQUAL = 0.6
"""Where one class has more cases than this share, guessing it may be the best that can be said."""

CURES, HELPS = 0.4, 0.12
"""A treatment helps if it closes this share of what is missing; the second where there is a plain
sign of the illness."""


@dataclass(eq=False)
class Patient:
    """A training that is examined.

    Attributes:
        name: of the run or the configuration.
        network: as training left it.
        config: the configuration as run.
        data: as the network sees them.
        history: of the training.
        scores: by part, as far as they are known.
        diverged: where the training was no longer finite, or None.
        quick: whether to do only what takes no time: no trials, and a small sample.
        cut: whether it was trained for fewer epochs than its configuration says, to save time.
        alarms: the illnesses found so far, that are certain or likely.
        hints: those that are possible.
    """

    name: str
    network: Network
    config: Config
    data: DataSplit
    history: History
    scores: Mapping[str, Score]
    diverged: NotFinite | None = None
    quick: bool = False
    cut: bool = False
    alarms: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    _trials: dict[tuple[str, ...], Trial] = field(default_factory=dict)

    # What it is

    @property
    def epochs(self) -> int:
        """How many whole epochs ran."""
        return len(self.history.rows)

    @property
    def cases(self) -> int:
        """The number of training cases."""
        return len(self.data.train)

    @cached_property
    def settings(self) -> Settings:
        """How it was trained."""
        return Settings(**self.config.training)

    @cached_property
    def updates(self) -> int:
        """How many minibatches ran."""
        size = min(self.cases, self.settings.cases_a_minibatch(self.cases))
        return self.epochs * -(-self.cases // max(1, size))

    @cached_property
    def kind(self) -> TargetKind:
        """Whether the targets are classes, labels or values."""
        return TargetKind.of(self.data)

    @property
    def is_values(self) -> bool:
        """Whether the targets are values."""
        return not (self.kind.classes or self.kind.multi_label)

    @property
    def default_rate(self) -> float:
        """The rate with which the optimiser begins if none is named."""
        return optimizer(self.settings.optimizer).default_rate

    @property
    def rate(self) -> float:
        """The network's learning rate."""
        rate = self.network.learning_rate
        return self.default_rate if rate is None else rate

    @property
    def hidden(self) -> list[tuple[int, Layer]]:
        """The layers with weights before the last such, and their places."""
        with_weights = [
            (place, layer) for place, layer in enumerate(self.network.layers) if layer.has_weights
        ]
        return with_weights[:-1]

    # Its cases

    @cached_property
    def train(self) -> Part:
        """Training cases, as the network takes them; of many a sample drawn from the seed."""
        return self._part(self.data.train)

    @cached_property
    def held_out(self) -> Part:
        """Validation cases, else test cases; of many a sample; may be empty."""
        return self._part(self.data.validation if self.validates else self.data.test)

    @property
    def validates(self) -> bool:
        """Whether the cases held out are validation cases."""
        return len(self.data.validation) > 0

    def _part(self, part: Dataset) -> Part:
        most = SMALL_SAMPLE if self.quick else SAMPLE
        if len(part) > most:
            chosen = stream(self.settings.seed, "doctor").choice(len(part), most, replace=False)
            part = part.take(np.sort(chosen))
        x, t, weights = cases_that_count(part.x, part.t, part.weights)
        if not len(x):
            return Part(x, t)
        x, t = self.network.prepare(x, t)
        return Part(x, t, weights)

    @cached_property
    def columns(self) -> Array:
        """The inputs of the sample as numbers (cases, inputs); of sequences their steps."""
        x = self.train.x.reshape(len(self.train), -1).astype(np.float64)
        if self.network.reads_sequences:
            x = x.reshape(-1, self.network.input_shape[-1])
            x = x[~np.isnan(x).any(axis=1)]
        return x

    @cached_property
    def probed(self) -> int:
        """How many training cases pass through the network to look at its units."""
        if not self.quick:
            return PROBED
        return int(np.clip(PROBED_SHARE * self.epochs * self.cases, LEAST_PROBED, PROBED))

    # Its passes

    @cached_property
    def start(self) -> Network:
        """The network before its training, drawn again from the seed."""
        return initial_network(self.config)

    @cached_property
    def before(self) -> Pass:
        """A pass through the network as it was before its training."""
        x, t = self.train.x[: self.probed], self.train.t[: self.probed]
        return passed_through(self.start, x, t, self.settings.seed)

    @cached_property
    def after(self) -> Pass:
        """A pass through the network as training left it."""
        x, t = self.train.x[: self.probed], self.train.t[: self.probed]
        return passed_through(deepcopy(self.network), x, t, self.settings.seed)

    # How good it is

    @cached_property
    def score(self) -> Score | None:
        """The score on the training data."""
        return self._score("train", self.train)

    @cached_property
    def held_out_score(self) -> Score | None:
        """The score on validation data, else on test data."""
        return self._score("validation" if self.validates else "test", self.held_out)

    def _score(self, name: str, part: Part) -> Score | None:
        if name in self.scores:
            return self.scores[name]
        return evaluate(self.network, part.x, part.t, kind=self.kind, weights=part.weights)

    @cached_property
    def skill(self) -> float:
        """Accuracy, or R² of values, on the training data; −1 where it is not finite."""
        return skill_of(self.score)

    @cached_property
    def held_out_skill(self) -> float | None:
        """The same of validation or test data; None if there are none."""
        found = self.held_out_score
        return None if found is None else skill_of(found)

    @cached_property
    def best_held_out(self) -> float:
        """The best accuracy or R² that any epoch had on validation cases; else that of the end."""
        for name in ("validation_accuracy", "validation_r2"):
            if found := self.curve(name):
                return max(found)
        return -1.0 if self.held_out_skill is None else self.held_out_skill

    def curve(self, column: str) -> list[float]:
        """A column of the history, without epochs of which it has no number."""
        return [value for value in self.history.get(column, []) if value is not None]

    @cached_property
    def chance(self) -> float:
        """The skill of always saying the commonest class, or the mean value."""
        return chance_of(self.train.t, self.kind)

    @cached_property
    def reference(self) -> Reference:
        """How well quick and simple models do on the same data."""
        if self.network.layers[0].takes_class_numbers:
            return NO_REFERENCE
        return reference(
            self.train, self.held_out, self.kind, self.network.outputs, quick=self.quick
        )

    @cached_property
    def attainable(self) -> float:
        """The best skill that is known to be attainable on cases that were not trained on."""
        if not self.reference.cases:
            return max(self.chance + 0.9 * (1 - self.chance), self.held_out_skill or 0.0)
        held = self.held_out_skill or 0.0
        if not self.is_values:  # less what chance gives to so few cases
            held -= 1 / np.sqrt(max(1, len(self.held_out)))
        return max(self.reference.best, held, self.chance)

    @property
    def learnt(self) -> float:
        """The share of what is attainable that the network has learnt of its training data."""
        if not self.reference.cases:
            far = (self.skill - self.chance) / max(1e-9, 1 - self.chance)
            if far < NOTHING and self.updates >= 20:
                return 0.0
            return 1.0 if far > LAGS or self.quick else (LAGS + LAGS_CLEARLY) / 2
        room = self.attainable - self.chance
        if room < max(0.02, self.reference.error):
            return 0.0 if self._misses_what_is_there else 1.0
        return (self.skill - self.chance) / room

    @property
    def _misses_what_is_there(self) -> bool:
        """Whether simple models know something, and the network after some updates nothing.

        Of few cases a signal may be certain though the skill that it gives is not.
        """
        at_chance = self.skill < self.chance + NOTHING * (1 - self.chance)
        is_equal = not self.is_values and self.chance < MOST_EQUAL
        return at_chance and is_equal and self.updates >= 20 and self.reference.finds_something

    @property
    def suffers(self) -> bool:
        """Whether training demonstrably failed: it diverged, or learnt far less than others do."""
        return self.diverged is not None or self.learnt < LAGS_CLEARLY

    @property
    def may_suffer(self) -> bool:
        """Whether it has learnt somewhat less than is attainable, of cases held out or others."""
        if self.diverged is not None or self.learnt < LAGS:
            return True
        room = self.attainable - self.chance
        held = self.held_out_skill
        if held is None or not self.reference.cases or room < max(0.02, self.reference.error):
            return False
        return (held - self.chance) / room < LAGS_CLEARLY

    @cached_property
    def recalls(self) -> tuple[Array, Array]:
        """For each class the share of its cases that are named rightly, and their number."""
        return recalls(self.network, self.train.x, self.train.t)

    @cached_property
    def counts(self) -> Array:
        """The number of cases of each class in the sample."""
        t = true_classes(self.train.t)
        return np.bincount(t[t >= 0].astype(np.intp), minlength=len(self.data.classes or ()))

    @cached_property
    def moved(self) -> float:
        """‖θ − θ₀‖ / ‖θ₀‖."""
        first = self.start.theta
        size = float(np.linalg.norm(first)) or 1.0
        return float(np.linalg.norm(self.network.theta - first)) / size

    def has(self, *illnesses: str) -> bool:
        """Whether one of these illnesses is found already, as the cause of others."""
        return any(illness in self.alarms for illness in illnesses)

    # Treatments

    def trial(self, *treatment: str) -> Trial:
        """A short training with some settings changed, made once for each treatment."""
        if self.quick:
            return FAILED
        if treatment not in self._trials:
            wanted = max(1, self.settings.epochs if self.diverged else self.epochs)
            epochs = round(wanted * max(1.0, self.cases / len(self.train)))
            parts = self.train, self.held_out
            found = trial(self.config, treatment, parts, self.kind, epochs)
            self._trials[treatment] = found
        return self._trials[treatment]

    def helped_by(self, *treatment: str, sign: bool = False) -> Trial | None:
        """The trial of a treatment if it helps, which is found by comparing it with no change.

        Args:
            treatment: overrides of the configuration.
            sign: whether there is a plain sign of the illness, so that less help is enough.
        """
        if self.quick:
            return None
        found, base = self.trial(*treatment), self.trial()
        share = HELPS if sign else CURES
        if self._gains(found.skill, base.skill, 0.03, share):
            return found
        noise = 1 / np.sqrt(max(1, len(self.held_out)))
        if sign and self._gains(found.held_out, base.held_out, noise, share):
            return found
        return None

    def _gains(self, skill: float, before: float, least: float, share: float) -> bool:
        """Whether a skill is that much better than another, by what is missing to the best."""
        before = max(before, self.chance)
        missing = max(self.attainable, skill) - before
        return skill - before > max(least, share * missing)

    # In words

    @property
    def standing(self) -> str:
        """A clause on how good the network is beside chance."""
        if self.is_values:
            return f"the training R² is {self.figure(self.skill)}"
        noun = "answer" if self.kind.multi_label else "class"
        return (
            f"the training accuracy is {percent(self.skill)}, where always guessing the "
            f"commonest {noun} has {percent(self.chance)}"
        )

    @property
    def measure(self) -> str:
        """What the skill is."""
        return "R²" if self.is_values else "accuracy"

    def figure(self, skill: float | None) -> str:
        """A skill as text."""
        if skill is None:
            return "none"
        return f"{skill:.3f}" if self.is_values else percent(skill)

    def reached(self, trial: Trial) -> str:
        """A clause on what a trial reached beside the same training without the change."""
        base = self.trial()
        on, of, before = "training", trial.skill, base.skill
        if len(self.held_out) and of - before < trial.held_out - base.held_out:
            on = "validation" if self.validates else "test"
            of, before = trial.held_out, base.held_out
        without = "diverge" if base.diverged else f"reach {self.figure(before)}"
        return (
            f"tried for {trial.epochs} epochs, the change gives a {on} {self.measure} of "
            f"{self.figure(of)}, where {base.epochs} epochs without it {without}"
        )
