"""Interface between the trainer and a back end.

An engine trains on minibatches ``first`` … ``last`` − 1 of a given order, updating θ in place.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.context import Context
from chainrule.nn.network import Network
from chainrule.training.optimizers import Optimizer, clip_norm
from chainrule.training.scores import Score, evaluate


@dataclass(frozen=True)
class Chunk:
    """What a chunk of minibatches gave.

    Attributes:
        losses: of each minibatch as it ran, before its update, (minibatches,).
        correct: how many cases were classified rightly as they ran; 0 where targets are values.
    """

    losses: Array
    correct: int


class NotFiniteError(ArithmeticError):
    """A loss or gradient that is no finite number; θ is as it was before that minibatch.

    Attributes:
        minibatch: its number in the epoch, from 0.
        what: ``loss`` or ``gradient``.
        layer: the name of the layer where it first went wrong.
    """

    def __init__(self, minibatch: int, what: str, layer: str) -> None:
        super().__init__(f"{what} is not finite in minibatch {minibatch}, layer {layer}")
        self.minibatch = minibatch
        self.what = what
        self.layer = layer


class Engine(ABC):
    """Runs minibatches of one training set over one network.

    Args:
        network: whose θ is changed in place.
        optimizer: bound to that θ and its gradient.
        x: prepared inputs, (cases, input).
        t: prepared targets.
        batch_size: cases a minibatch; the last one of an epoch may be smaller.
        classes: whether to count rightly classified cases.
        clip_gradient_norm: the most that the gradient's norm is in a step; None for any.
        seed: of what layers draw during training, such as the masks of dropout.

    Attributes:
        threads: how many the engine is to run on, where it has threads of its own beside
            NumPy's; None leaves it to the sizes.
        fallback_reason: why another engine does the work, which then gives its ``name``; None
            where this one does it.
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
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.x = x
        self.t = t
        self.batch_size = batch_size
        self.classes = classes
        self.clip_gradient_norm = clip_gradient_norm
        self.seed = seed
        self.threads: int | None = None
        self.fallback_reason: str | None = None

    @property
    def minibatches(self) -> int:
        """How many an epoch has."""
        return -(-len(self.x) // self.batch_size)

    @property
    def counts(self) -> Array:
        """The cases of each minibatch of an epoch, (minibatches,): the last may have fewer."""
        starts = np.arange(self.minibatches) * self.batch_size
        return np.minimum(self.batch_size, len(self.x) - starts)

    def cases_of(self, minibatch: int) -> slice:
        """Where a minibatch lies in the order; the last one may reach beyond its end."""
        start = minibatch * self.batch_size
        return slice(start, start + self.batch_size)

    def clip_gradient(self) -> None:
        """Shorten a gradient that is longer than the settings allow; it is finite."""
        if self.clip_gradient_norm is not None:
            clip_norm(self.network.gradients.vector, self.clip_gradient_norm)

    def training_mode(self) -> AbstractContextManager[Context]:
        """The network's training mode for the next minibatch: see `Network.training_mode`."""
        return self.network.training_mode(self.seed, self.optimizer.steps)

    def prepare(self) -> None:  # noqa: B027  # most have nothing to prepare
        """Whatever takes long before the first chunk, such as compiling; it changes nothing."""

    @abstractmethod
    def run(self, order: Array | None, first: int, last: int) -> Chunk:
        """Run minibatches ``first`` to ``last`` − 1.

        Args:
            order: the order of the cases in this epoch, (cases,); None for that of the file.
                It may be longer than the file and name a case twice, as cases drawn with
                replacement are.
            first: the first minibatch, from 0.
            last: the one behind the last.

        Raises:
            NotFiniteError: a loss or gradient is not finite; that minibatch changed nothing.
        """

    def evaluate(self, x: Array, t: Array) -> Score | None:
        """The score of the network as it is now; None where there are no cases.

        Args:
            x: inputs, (cases, input).
            t: targets, as `Network.loss` takes them.

        Raises:
            ShapeError: x or t does not fit the network.
        """
        return evaluate(self.network, x, t, classes=self.classes)
