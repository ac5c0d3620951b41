"""How far two derivations of the same gradients are apart, over many networks.

Where terms of a gradient nearly cancel, the digits that a figure asks for are not there, whoever
computes it: one rounding of each term is already more. Such arrays are counted apart, and held
to roundings instead.
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
"""So many roundings must fit below a figure for an array to be held to it."""

MOST_ROUNDINGS = 100.0
"""So many may lie between two derivations of a gradient, whose every sum rounds anew."""


@dataclass
class Agreement:
    """The comparison of one method, added up.

    Attributes:
        claim: what is compared.
        figure: the relative error asked for, of each parameter array.
        exact: whether the other derivation errs by rounding alone, as no difference does.
        worst: the largest relative error, of the arrays that have the digits.
        where: the array and the network of it.
        arrays: how many have the digits.
        above: how many of these are further apart than the figure.
        blurred: how many have not.
        roundings: the largest difference in roundings of the terms that were added up: of all
            arrays, or of those alone that have not the digits where the method is not exact.
    """

    claim: str
    figure: float
    exact: bool = True
    worst: float = 0.0
    where: str = ""
    arrays: int = 0
    above: int = 0
    blurred: int = 0
    roundings: float = 0.0

    def add(
        self, network: Network, label: object, ours: Array, other: Array, noise: Array
    ) -> None:
        """Compare two gradients array by array.

        Args:
            network: whose gradients they are.
            label: what to call it.
            ours: the shape of θ.
            other: the same by the other derivation.
            noise: what one rounding of everything moves each number by.
        """
        for segment in network.parameters.layout:
            a, b, blur = (v[segment.slice] for v in (ours, other, noise))
            off = float(np.linalg.norm(a - b))
            size = float(np.linalg.norm(a) + np.linalg.norm(b))
            one = float(np.linalg.norm(blur))
            blurred = off > 0 and ROUNDINGS * one > self.figure * size
            if off and (blurred or self.exact):
                self.roundings = max(self.roundings, off / one if one else np.inf)
            if blurred:
                self.blurred += 1
                continue
            self.arrays += 1
            error = relative_error(a, b)
            self.above += not error <= self.figure
            if not error <= self.worst:
                self.worst, self.where = error, f"{segment.full_name} of {label}"

    @property
    def holds(self) -> bool:
        """Whether each array is as near as the figure asks, or as roundings allow."""
        return self.arrays > 0 and not self.above and self.roundings <= MOST_ROUNDINGS

    @property
    def measured(self) -> str:
        """The figures in words."""
        text = f"{self.worst:.1e} of {self.arrays:,} arrays"
        if self.above:
            text += f", {self.above:,} above"
        if self.blurred:
            text += f"; {self.blurred:,} more whose terms cancel"
        if self.roundings:
            text += f"; at most {self.roundings:.0f} roundings"
        return text


def agreements(claims: Mapping[str, tuple[str, float]], before: str = "") -> dict[str, Agreement]:
    """Nothing compared yet, by the name of the method.

    Args:
        claims: what each method compares, and the figure asked for.
        before: what the claims begin with.
    """
    return {
        name: Agreement(before + claim, figure, exact=name != "central")
        for name, (claim, figure) in claims.items()
    }


def keep(name: str, agreement: Agreement, seconds: float, command: str) -> None:
    """Store the result of a full run.

    Args:
        name: of the result; its last word is that of the derivation.
        agreement: the result.
        seconds: that the run took.
        command: that made it.
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
    """One line of the table, with the result that is kept under ``name`` beside it."""
    asked = f"≤ {agreement.figure:.0e}".replace("e-0", "e-")
    kept = stored_text(name)
    library = name.rpartition("-")[2]
    if library in ("torch", "jax") and find_spec(library) is None:
        return Line(agreement.claim, asked, f"{library} is not installed", None, kept)
    return Line(agreement.claim, asked, agreement.measured, agreement.holds, kept)
