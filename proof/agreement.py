"""The differences of two derivations of the same gradients, over many networks.

Where the terms of a gradient nearly cancel, one rounding of each term can be a larger relative
error than the limit. Such arrays are counted separately, and their difference is measured in
roundings instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from chainrule.core.arrays import Array
from chainrule.gradients import relative_error
from chainrule.nn.network import Network
from proof.line import Line, store, stored_text

ROUNDINGS = 8.0
"""An array is held to the limit if this many roundings of its terms are below the limit."""

MOST_ROUNDINGS = 100.0
"""The largest difference of two derivations in roundings; each of their many sums rounds."""


@dataclass
class Agreement:
    """The comparison of the backward pass with one other derivation, over many networks.

    Attributes:
        claim: what is compared.
        limit: the largest relative error allowed, of each parameter array.
        exact: whether the other derivation errs by rounding alone; a difference quotient does not.
        worst: the largest relative error of the arrays whose terms do not cancel.
        where: the array and network with that error.
        arrays: the number of arrays whose terms do not cancel.
        above: the number of these beyond the limit.
        cancelling: the number of arrays whose terms cancel.
        roundings: the largest difference, in roundings of the terms; of all arrays, or only of
            those whose terms cancel if the derivation is not exact.
    """

    claim: str
    limit: float
    exact: bool = True
    worst: float = 0.0
    where: str = ""
    arrays: int = 0
    above: int = 0
    cancelling: int = 0
    roundings: float = 0.0

    def add(
        self, network: Network, label: object, ours: Array, other: Array, noise: Array
    ) -> None:
        """Compare two gradients array by array.

        Args:
            network: the network.
            label: its description.
            ours: the gradient of the backward pass, of the shape of θ.
            other: that of the other derivation.
            noise: the change of each number by one rounding of every term.
        """
        for segment in network.parameters.layout:
            a, b, blur = (v[segment.slice] for v in (ours, other, noise))
            off = float(np.linalg.norm(a - b))
            size = float(np.linalg.norm(a) + np.linalg.norm(b))
            one = float(np.linalg.norm(blur))
            cancels = off > 0 and ROUNDINGS * one > self.limit * size
            if off and (cancels or self.exact):
                self.roundings = max(self.roundings, off / one if one else np.inf)
            if cancels:
                self.cancelling += 1
                continue
            self.arrays += 1
            error = relative_error(a, b)
            self.above += not error <= self.limit
            if not error <= self.worst:
                self.worst, self.where = error, f"{segment.full_name} of {label}"

    @property
    def holds(self) -> bool:
        """Whether each array is within the limit, or within roundings if its terms cancel."""
        return self.arrays > 0 and not self.above and self.roundings <= MOST_ROUNDINGS

    @property
    def measured(self) -> str:
        """The counts and errors as text."""
        text = f"{self.worst:.1e} of {self.arrays:,} arrays"
        if self.above:
            text += f", {self.above:,} above"
        if self.cancelling:
            text += f"; {self.cancelling:,} more whose terms cancel"
        if self.roundings:
            text += f"; at most {self.roundings:.0f} roundings"
        return text


def agreements(claims: Mapping[str, tuple[str, float]], before: str = "") -> dict[str, Agreement]:
    """An empty `Agreement` for each derivation, by name.

    Args:
        claims: the claim and the limit of each derivation.
        before: text that every claim begins with.
    """
    return {
        name: Agreement(before + claim, limit, exact=name != "central")
        for name, (claim, limit) in claims.items()
    }


def keep(name: str, agreement: Agreement, seconds: float, command: str) -> None:
    """Store the result of a full run.

    Args:
        name: of the result; it ends in the name of the derivation.
        agreement: the result.
        seconds: that the run took.
        command: that made the run.
    """
    store(
        name,
        agreement.measured,
        holds=agreement.holds,
        command=command,
        seconds=seconds,
        figures={"where": agreement.where, "roundings": agreement.roundings},
    )


def line_of(name: str, agreement: Agreement) -> Line:
    """One line of the table, beside it the result stored under ``name``."""
    asked = f"≤ {agreement.limit:.0e}".replace("e-0", "e-")
    kept = stored_text(name)
    library = name.rpartition("-")[2]
    if library in ("torch", "jax") and find_spec(library) is None:
        return Line(agreement.claim, asked, f"{library} is not installed", None, kept)
    return Line(agreement.claim, asked, agreement.measured, agreement.holds, kept)
