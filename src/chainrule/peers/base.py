"""Interface of a peer: another library that trains the same network, for comparison."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from chainrule.core.arrays import Array
from chainrule.nn.network import Network
from chainrule.training.engines.other_libraries import Library
from chainrule.training.optimizers import Optimizer


@dataclass(eq=False)
class Peer(ABC):
    """Trains a copy of a network in another library's own way.

    The network itself is never changed: a peer starts from its θ as it is when the peer is made.

    Args:
        network: what to train a copy of.
        optimizer: bound to that network. Its rule, options and learning rates are used, and its
            ``scale`` is read again at the start of every epoch; its state is not used.
        x: prepared inputs, (cases, input), at least one case.
        t: prepared targets.
        batch_size: cases a minibatch; the last one of an epoch may be smaller.
        threads: how many threads the library may use.
        seed: for what layers draw during training, such as the masks of dropout.
        clip_gradient_norm: the largest norm of the gradient in a step; None for no limit.
        weights: prepared weights of the cases, which multiply their losses; None for none.

    Attributes:
        library: the parts of a network that the library has.
        rates_of_minibatches: whether a schedule may change the rates within an epoch.
        steps: how many minibatches the peer has trained on.

    Raises:
        ConfigError: the library cannot train the network, or not on these targets.
    """

    name: ClassVar[str]
    library: ClassVar[Library]
    rates_of_minibatches: ClassVar[bool] = True

    network: Network
    optimizer: Optimizer
    x: Array
    t: Array
    _: KW_ONLY
    batch_size: int
    threads: int = 1
    seed: int = 0
    clip_gradient_norm: float | None = None
    weights: Array | None = None

    def __post_init__(self) -> None:
        self.batch_size = min(self.batch_size, len(self.x))
        self.steps = 0

    @classmethod
    def reason_against(cls, network: Network, optimizer: Optimizer) -> str | None:
        """The reason why this library cannot train the network; None where it can."""
        return cls.library.reason_against(network, optimizer)

    @abstractmethod
    def run(self, order: Array | None, scales: Array | None = None) -> Array:
        """Run one epoch.

        Args:
            order: the order of the cases, (cases,); None for that of x.
            scales: the factor on the learning rates in each minibatch, (minibatches,); None where
                that is ``optimizer.scale`` throughout.

        Returns:
            The loss of each minibatch before its update, penalty included, (minibatches,). Losses
            that are not finite raise no error.
        """

    @abstractmethod
    def theta(self) -> Array:
        """The parameters as they are now, laid out as the network's θ; a copy."""
