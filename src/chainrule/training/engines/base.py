"""The interface between the trainer and the engines that run its minibatches.

An engine trains on minibatches ``first`` … ``last`` − 1 of a given order, updating θ in place.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from chainrule.core.arrays import Array, weights_of_cases
from chainrule.nn.context import Context
from chainrule.nn.network import Network
from chainrule.training.optimizers import Optimizer, clip_norm
from chainrule.training.scores import Score, evaluate


@dataclass(frozen=True)
class Chunk:
    """The result of running a chunk of minibatches.

    Attributes:
        losses: the loss of each minibatch, computed before its update, (minibatches,).
        correct: the number of cases classified correctly before those updates; 0 in regression.
            Where cases have weights, for each minibatch the sum of their weights, (minibatches,).
    """

    losses: Array
    correct: int | Array


Place = Literal["forward", "loss", "penalty", "backward"]
"""Where a number may arise that is not finite: in a pass, in the loss of finite outputs, or in the
penalty or its gradient."""


class Origin(NamedTuple):
    """Where the first number of a minibatch arose that is not finite.

    Attributes:
        place: see `Place`; ``forward`` also where the loss stayed finite, as behind a sigmoid.
        layer: the first layer, in the order of that pass, with such a number among its z and
            outputs, or among its δ and gradients; of a loss, the last layer; None for a penalty.
    """

    place: Place
    layer: str | None

    def __str__(self) -> str:
        if self.layer is None:
            return "in the penalty"
        if self.place == "loss":
            return f"in the loss itself, behind layer {self.layer}, whose outputs were finite"
        return f"in the {self.place} pass, in layer {self.layer}"


class NotFiniteError(ArithmeticError):
    """A loss or gradient is infinite or NaN; θ is as it was before that minibatch.

    Attributes:
        minibatch: the number of the minibatch in the epoch, from 0.
        what: ``loss`` or ``gradient``.
        origin: where the first number that is not finite arose.
        layer: the layer of the origin.
    """

    def __init__(self, minibatch: int, what: Literal["loss", "gradient"], origin: Origin) -> None:
        super().__init__(f"{what} is not finite in minibatch {minibatch}: it arose {origin}")
        self.minibatch = minibatch
        self.what = what
        self.origin = origin
        self.layer = origin.layer


class Engine(ABC):
    """Runs minibatches of one training set over one network.

    Args:
        network: the network to train; its θ is updated in place.
        optimizer: bound to that θ and its gradient.
        x: prepared inputs, (cases, input).
        t: prepared targets.
        batch_size: cases per minibatch; the last one of an epoch may be smaller.
        classes: whether to count correctly classified cases.
        clip_gradient_norm: a gradient with a larger norm is scaled to this norm; None for never.
        seed: of the random numbers that layers draw in training, such as masks of dropout.
        weights: those of the cases, above 0 and of mean 1, (cases,); None where all are equal.
        counted: how much each case counts where it is correct, (cases,), if that is not its
            weight; needs weights.

    Attributes:
        threads: the number of threads, for an engine that has threads of its own beside
            NumPy's; None lets the engine choose by the sizes.
        fallback_reason: why another engine does the work, in which case ``name`` is that
            engine's; None where this engine does it.

    Raises:
        ShapeError: the weights are not one number for each case, at least 0 and finite.
    """

    name: ClassVar[str]

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        x: Array,
        t: Array,
        *,
        batch_size: int,
        classes: bool,
        clip_gradient_norm: float | None = None,
        seed: int = 0,
        weights: Array | None = None,
        counted: Array | None = None,
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.x = x
        self.t = t
        self.batch_size = batch_size
        self.classes = classes
        self.clip_gradient_norm = clip_gradient_norm
        self.seed = seed
        self.weights = (
            None if weights is None else weights_of_cases(weights, len(x), network.dtype)
        )
        self.counted = self.weights
        if counted is not None:
            self.counted = weights_of_cases(counted, len(x), network.dtype)
        self.threads: int | None = None
        self.fallback_reason: str | None = None

    @property
    def minibatches(self) -> int:
        """The number of minibatches in an epoch."""
        return -(-len(self.x) // self.batch_size)

    @property
    def counts(self) -> Array:
        """The number of cases in each minibatch of an epoch, (minibatches,)."""
        starts = np.arange(self.minibatches) * self.batch_size
        return np.minimum(self.batch_size, len(self.x) - starts)

    def cases_of(self, minibatch: int) -> slice:
        """The positions of a minibatch in the order; the last slice may exceed its length."""
        start = minibatch * self.batch_size
        return slice(start, start + self.batch_size)

    def clip_gradient(self) -> None:
        """Scale the gradient to ``clip_gradient_norm`` if its norm is larger; it is finite."""
        if self.clip_gradient_norm is not None:
            clip_norm(self.network.gradients.vector, self.clip_gradient_norm)

    def chunk(self, losses: Array, correct: Array) -> Chunk:
        """The result of minibatches from the losses and the correct cases of each of them."""
        return Chunk(losses, int(correct.sum()) if self.weights is None else correct)

    def training_mode(self) -> AbstractContextManager[Context]:
        """The network's training mode for the next minibatch: see `Network.training_mode`."""
        return self.network.training_mode(self.seed, self.optimizer.steps)

    def prepare(self) -> None:  # noqa: B027  # most have nothing to prepare
        """Do slow preparations before the first chunk, such as compiling; θ is unchanged."""

    @abstractmethod
    def run(
        self, order: Array | None, first: int, last: int, scales: Array | None = None
    ) -> Chunk:
        """Run minibatches ``first`` to ``last`` − 1.

        Args:
            order: the indices of the cases in the order of this epoch, (cases,); None for 0, 1,
                2 …. It may be longer than the data set and contain an index twice, as with
                cases drawn with replacement.
            first: the number of the first minibatch, from 0.
            last: the number of the last minibatch plus 1.
            scales: the factor on the learning rates in each of them, (last − first,), in place of
                ``optimizer.scale``; None where that is the factor of all of them.

        Raises:
            NotFiniteError: a loss or gradient is not finite; that minibatch changed nothing.
        """

    def weights_of(self, order: Array | None, minibatch: int) -> Array | None:
        """The weights of the cases of a minibatch; None where there are none."""
        return self._of_minibatch(self.weights, order, minibatch)

    def counted_of(self, order: Array | None, minibatch: int) -> Array | None:
        """How much each case of a minibatch counts where it is correct; None to count them."""
        return self._of_minibatch(self.counted, order, minibatch)

    def _of_minibatch(
        self, values: Array | None, order: Array | None, minibatch: int
    ) -> Array | None:
        if values is None:
            return None
        chosen = self.cases_of(minibatch)
        return values[chosen] if order is None else values.take(order[chosen])

    def evaluate(
        self, x: Array, t: Array, weights: Array | None = None, metrics: Sequence[str] = ()
    ) -> Score | None:
        """The score of the network as it is now; None where there are no cases.

        Args:
            x: inputs, (cases, input).
            t: targets, as `Network.loss` takes them.
            weights: those of the cases, as `chainrule.training.scores.evaluate` takes them.
            metrics: the names of further metrics, likewise.

        Raises:
            ShapeError: x, t or weights do not fit.
        """
        classes = self.classes
        return evaluate(self.network, x, t, classes=classes, weights=weights, metrics=metrics)
