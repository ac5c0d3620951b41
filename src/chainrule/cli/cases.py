"""Cases for a trained network: from a file, or from the run's own data."""

from __future__ import annotations

from pathlib import Path

from chainrule.data.dataset import Dataset
from chainrule.data.files import read_inputs
from chainrule.data.targets import encode_classes, encode_values
from chainrule.errors import ChainruleError, unknown
from chainrule.parameters import Array
from chainrule.runs import PARTS, Run


def part_of(data: object, split: str) -> Dataset:
    """The part of the data that ``--split`` names.

    Raises:
        ChainruleError: no such part.
    """
    if split not in PARTS:
        raise ChainruleError(unknown("split", split, PARTS))
    part: Dataset = getattr(data, split)
    return part


def cases_of_split(run: Run, split: str) -> tuple[Array, Array]:
    """Inputs, scaled, and targets of a part of the run's data."""
    part = part_of(run.data, split)
    return part.x, part.t


def cases_of_file(
    run: Run, file: Path, labels_file: Path | None = None
) -> tuple[Array, Array | None]:
    """Inputs, scaled as the run's were, and targets or None, of a file.

    Args:
        run: the trained network, with its scaling and classes.
        file: in any format that data are read from.
        labels_file: the file of labels that belongs to an IDX file, if they are wanted.

    Raises:
        ChainruleError: the file cannot be read, or does not fit the run's network or classes.
    """
    settings = run.config.data
    x, labels = read_inputs(
        file,
        features=run.network.input,
        label=settings.get("label", "last"),
        header=settings.get("header", "auto"),
        labels=labels_file,
    )
    x = run.scaled(x)
    if labels is None:
        return x, None
    if run.classes is None:
        return x, encode_values([labels])[0]
    return x, encode_classes([labels], run.classes)[0]
