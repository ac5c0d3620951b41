"""Bugs to plant into a backward pass, so that one sees which numbers they turn wrong."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.inspector.bugs import of_images, of_losses, of_penalties, of_rows, of_states
from chainrule.inspector.bugs.bug import Planted
from chainrule.inspector.record import Record

BUGS: Mapping[str, Planted] = {
    bug.name: bug
    for bug in (
        *of_losses.BUGS,
        *of_rows.SLOPES,
        *of_rows.BIASES,
        *of_rows.WEIGHTS,
        *of_penalties.BUGS,
        *of_rows.OTHERS,
        *of_images.BUGS,
        *of_states.BUGS,
    )
}
"""All bugs by name, in the order in which they are offered."""


def bugs_for(record: Record) -> list[Planted]:
    """The bugs that change something in a network.

    Args:
        record: of a right pass.
    """
    return [bug for bug in BUGS.values() if bug.fits(record)]
