"""A network with some cases, and the pass of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.core.notation import counted
from chainrule.inspector.passes import recorded
from chainrule.inspector.record import Bug, FirstStep, Record
from chainrule.inspector.scene import Told, scene
from chainrule.nn.network import Network


@dataclass(frozen=True, eq=False)
class Inspected:
    """A network with some cases.

    Attributes:
        network: a copy in float64.
        x: the prepared inputs, (cases, input).
        t: the prepared targets.
        weights: those of the cases; None for 1 everywhere.
        told: what the page says beside the numbers.
        step: the update.
        seed: of the random numbers of layers such as dropout.
        bugs: wrong rules that take the place of right ones.
    """

    network: Network
    x: Array
    t: Array
    weights: Array | None
    told: Told
    step: FirstStep
    seed: int = 0
    bugs: tuple[Bug, ...] = ()

    @cached_property
    def record(self) -> Record:
        """Every number of the pass of all cases."""
        return recorded(
            self.network,
            self.x,
            self.t,
            self.weights,
            step=self.step,
            seed=self.seed,
            bugs=self.bugs,
        )

    @cached_property
    def scene(self) -> dict[str, Any]:
        """What the page is told of the record."""
        return scene(self.record, self.told)

    def of_case(self, case: int) -> Inspected:
        """The same with one of the cases alone.

        Raises:
            ShapeError: there is no such case, or a layer needs several.
        """
        if not 0 <= case < len(self.x):
            raise ShapeError(f"there is no case {case}: cases 0 to {len(self.x) - 1}")
        require_minibatch(self.network, 1)
        chosen = slice(case, case + 1)
        weights = None if self.weights is None else self.weights[chosen]
        told = replace(self.told, cases=self.told.cases[chosen], case=0)
        return replace(self, x=self.x[chosen], t=self.t[chosen], weights=weights, told=told)


def require_minibatch(network: Network, cases: int) -> None:
    """Refuse fewer cases than a layer needs in a minibatch.

    Raises:
        ShapeError: it names the layer.
    """
    for layer in network.layers:
        if cases < layer.least_cases:
            raise ShapeError(
                f"{layer.name} makes the numbers of a case depend on the others of its minibatch; "
                f"pass at least {counted(layer.least_cases, 'case')}"
            )
