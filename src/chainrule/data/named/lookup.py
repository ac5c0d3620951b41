"""Where a data file lies: beside the program, in a folder of the user's, or in a shared one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from chainrule.core.errors import DataError

VARIABLE = "CHAINRULE_DATA"
"""The environment variable that names a folder of data."""


def find_data(name: str, *, beside: Path, within: Sequence[str] = ()) -> Path:
    """The file or folder ``name``, from the first place that has it.

    The places are ``data/`` and ``datasets/`` beside the program, the program's own folder, the
    folder that ``CHAINRULE_DATA`` names, and ``shared/data`` beside the repository. In each,
    ``name`` itself comes first, then ``W/name`` for every W of ``within``.

    Args:
        name: of a file or a folder, such as ``xor.dat``.
        beside: the program's folder, such as ``Path(__file__).parent``.
        within: folders it may lie in as well.

    Raises:
        DataError: none of the places has it; the message lists them.
    """
    places = [place / inner for place in _places(beside.resolve()) for inner in ("", *within)]
    for place in places:
        if os.path.exists(place / name):  # which raises nothing, whatever the name
            return place / name
    looked = "\n".join(f"  {place}" for place in places)
    raise DataError(
        f"{name} is not there; put it into {beside / 'data'}, or let the environment variable "
        f"{VARIABLE} name its folder. Looked in:\n{looked}"
    )


def _places(beside: Path) -> Iterator[Path]:
    """The folders to look in, in their order."""
    yield from (beside / "data", beside / "datasets", beside)
    named = os.environ.get(VARIABLE)
    if named:
        yield Path(os.path.expanduser(named))
    for folder in (beside, *beside.parents):
        if (folder / "pyproject.toml").is_file():
            yield folder.parent / "shared" / "data"
            return
