"""What a file reader gives: inputs, and labels that are not yet targets."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.core.arrays import Array
from chainrule.data.readers.labels import Labels


@dataclass(frozen=True, eq=False)
class Cases:
    """The content of one file.

    Attributes:
        x: inputs, (cases, features) or (cases, height, width[, 3]).
        labels: the labels, or None where the file has none.
        image_shape: (height, width) or (height, width, 3) of images.
        feature_names: the inputs' names where the file has a header.
        are_bytes: whether ``x`` holds pixels as uint8, still to be divided by 255.
    """

    x: Array
    labels: Labels | None
    image_shape: tuple[int, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    are_bytes: bool = False

    def __len__(self) -> int:
        return len(self.x)
