"""What the doctor looks at: a training, before and after, its data, and what is attainable."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.arrays import Array, cases_that_count
from chainrule.data.suspicions import sample_of
from chainrule.nn.network import Network
from chainrule.runs.doctor.passes import Pass, passed_through
from chainrule.runs.doctor.reference import NO_REFERENCE, Reference, reference
from chainrule.runs.doctor.skill import chance_of, percent, skill_of
from chainrule.runs.doctor.trials import Trial, trial
from chainrule.runs.starts import initial_network
from chainrule.training import History, Settings
from chainrule.training.optimizers import optimizer
from chainrule.training.scores import (
    Score,
    TargetKind,
    confusion_matrix,
    evaluate,
    outputs,
)
from chainrule.training.trainer import Part

if TYPE_CHECKING:
    from chainrule.config.load import Config
    from chainrule.data.dataset import Dataset, DataSplit

PROBED = 256
"""So many training cases, evenly spaced, pass through the network to look at its units."""

LAGS = 0.75
"""A network suffers if it has learnt less than this share of what is attainable."""


@dataclass(eq=False)
class Patient:
    """A training that is examined.

    Attributes:
        network: as training left it.
        config: the configuration as run.
        data: as the network sees them.
        history: of the training.
        scores: by part, as far as they are known.
        diverged: the sentence on where the training was no longer finite, or None.
        epochs: how many epochs ran.
        cut: whether the doctor trained for fewer epochs than the configuration says.
    """

    network: Network
    config: Config
    data: DataSplit
    history: History
    scores: Mapping[str, Score]
    diverged: str | None = None
    cut: bool = False
    trials: dict[str, Trial] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """How many whole epochs ran."""
        return len(self.history.rows)

    @cached_property
    def settings(self) -> Settings:
        """How it was trained."""
        return Settings(**self.config.training)

    @cached_property
    def kind(self) -> TargetKind:
        """Whether the targets are classes, labels or values."""
        return TargetKind.of(self.data)

    @cached_property
    def rate(self) -> float:
        """The network's learning rate."""
        rate = self.network.learning_rate
        return optimizer(self.settings.optimizer).default_rate if rate is None else rate

    @property
    def default_rate(self) -> float:
        """The rate with which the optimiser begins if none is named."""
        return optimizer(self.settings.optimizer).default_rate

    @cached_property
    def train(self) -> Part:
        """The training cases that count, as the network takes them."""
        return self._part(self.data.train)

    @cached_property
    def held_out(self) -> Part:
        """Validation cases, else test cases; may be empty."""
        part = self.data.validation if len(self.data.validation) else self.data.test
        return self._part(part)

    def _part(self, part: Dataset) -> Part:
        x, t, weights = cases_that_count(part.x, part.t, part.weights)
        if not len(x):
            return Part(x, t)
        x, t = self.network.prepare(x, t)
        return Part(x, t, weights)

    @cached_property
    def probe(self) -> tuple[Array, Array]:
        """A few training cases."""
        at = sample_of(len(self.train))
        at = at[:: max(1, len(at) // PROBED)]
        return self.train.x[at], self.train.t[at]

    @cached_property
    def start(self) -> Network:
        """The network before its training, drawn again from the seed."""
        return initial_network(self.config)

    @cached_property
    def before(self) -> Pass:
        """A pass through the network as it was before its training."""
        return passed_through(self.start, *self.probe, self.settings.seed)

    @cached_property
    def after(self) -> Pass:
        """A pass through the network as training left it."""
        return passed_through(deepcopy(self.network), *self.probe, self.settings.seed)

    # How good it is

    @cached_property
    def score(self) -> Score | None:
        """The score on the training data."""
        return self._score("train", self.train)

    @cached_property
    def held_out_score(self) -> Score | None:
        """The score on validation data, else on test data."""
        return self._score("validation" if len(self.data.validation) else "test", self.held_out)

    def _score(self, name: str, part: Part) -> Score | None:
        if name in self.scores:
            return self.scores[name]
        at = sample_of(len(part)) if len(part) else np.zeros(0, int)
        weights = None if part.weights is None else part.weights[at]
        return evaluate(self.network, part.x[at], part.t[at], kind=self.kind, weights=weights)

    @cached_property
    def skill(self) -> float:
        """Accuracy, or R² of values, on the training data; 0 where it is not finite."""
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
            found = [v for v in self.history.get(name, []) if v is not None]
            if found:
                return float(max(found))
        return -1.0 if self.held_out_skill is None else self.held_out_skill

    @cached_property
    def recalls(self) -> tuple[Array, Array]:
        """For each class the share of its cases that are named rightly, and their number."""
        at = sample_of(len(self.train))
        y, t = outputs(self.network, self.train.x[at]), self.train.t[at]
        matrix = confusion_matrix(y, t, max(2, self.network.outputs))
        counts = matrix.sum(axis=1)
        return matrix.diagonal() / np.maximum(1, counts), counts

    @cached_property
    def moved(self) -> float:
        """‖θ − θ₀‖ / ‖θ₀‖."""
        first = self.start.theta
        size = float(np.linalg.norm(first)) or 1.0
        return float(np.linalg.norm(self.network.theta - first)) / size

    @cached_property
    def chance(self) -> float:
        """The skill of always saying the commonest class, or the mean value."""
        return chance_of(self.train.t, self.kind)

    @cached_property
    def reference(self) -> Reference:
        """How well quick and simple models do on the same data."""
        if self.network.layers[0].takes_class_numbers:
            return NO_REFERENCE
        return reference(self.train, self.held_out, self.kind, self.network.outputs)

    @cached_property
    def attainable(self) -> float:
        """The best skill that is known to be attainable on cases that were not trained on."""
        return max(self.reference.best, self.held_out_skill or 0.0, self.chance)

    @cached_property
    def learnt(self) -> float:
        """The share of what is attainable that the network has learnt of its training data."""
        room = self.attainable - self.chance
        if room < max(0.02, self.reference.error):
            return 1.0
        return (self.skill - self.chance) / room

    @property
    def suffers(self) -> bool:
        """Whether training demonstrably failed: it diverged, or learnt far less than others do."""
        return self.diverged is not None or self.learnt < LAGS

    def trial(self, key: str, **changes: Any) -> Trial:
        """A short training with something changed, made once for each key."""
        if key not in self.trials:
            epochs = max(1, self.epochs, min(self.settings.epochs, 5))
            self.trials[key] = trial(self.config, self.train, self.kind, epochs, **changes)
        return self.trials[key]

    @property
    def standing(self) -> str:
        """A clause on how good the network is beside chance and what is attainable."""
        what = "R²" if self.is_values else "accuracy"
        base = "" if self.is_values else f", always guessing the commonest {self._noun} has "
        base += "" if self.is_values else percent(self.chance)
        return f"the training {what} is {self.figure(self.skill)}{base}"

    @property
    def _noun(self) -> str:
        return "answer" if self.kind.multi_label else "class"

    @property
    def is_values(self) -> bool:
        """Whether the targets are values."""
        return not (self.kind.classes or self.kind.multi_label)

    def figure(self, skill: float) -> str:
        """A skill as text."""
        return f"{skill:.3f}" if self.is_values else percent(skill)
