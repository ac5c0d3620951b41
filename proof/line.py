"""One line of the proof: a claim, what was asked of it, what was measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One claim and its measurement.

    Args:
        claim: in a few words, such as "central difference, every layer and loss".
        asked: the figure to hold, such as "≤ 1e-8".
        measured: what came out just now, such as "3.4e-10 of 41,000 gradients".
        holds: whether the one satisfies the other; None where it could not be measured here
            (``measured`` then says why, such as "jax is not installed").
        stored: the dated result of the full run, where this was a short form of it.
    """

    claim: str
    asked: str
    measured: str
    holds: bool | None
    stored: str = ""
