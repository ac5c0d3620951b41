"""The inner arrays of layers on images: where the largest number of each window lies."""

from __future__ import annotations

from chainrule.core.arrays import Array
from chainrule.inspector.record import Record


def keep_winners(record: Record, k: int, x: Array) -> None:
    """Keep the place of the largest number in each window of a max pool, row by row from 0."""
    layer = record.layer(k)
    record.keep(k, "winners", layer.winners, "value", "argmax", layer.output_shape)
