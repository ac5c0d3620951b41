"""Figures to files: whole or not at all, and the same bytes for the same figure."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.core.errors import ChainruleError, Problem, unknown
from chainrule.core.files import write_whole
from chainrule.plots.style import house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What each format would write about the day and the program, taken out: it would make two
# files of one figure differ.
_METADATA: Mapping[str, Mapping[str, str | None] | None] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": "chainrule"},
    "pdf": {"CreationDate": None, "Creator": "chainrule", "Producer": None},
    "jpg": None,
    "jpeg": None,
}
FORMATS = tuple(_METADATA)


def save_figure(
    figure: Figure,
    path: str | os.PathLike[str],
    formats: Sequence[str] = ("png", "svg"),
    *,
    own: bool = False,
) -> list[Path]:
    """Write ``figure`` to one file or to one a format.

    Every file is first drawn in memory, then written under a temporary name beside its own
    and renamed: a picture that is there is whole, and an older one stays until then.

    Args:
        figure: any Matplotlib figure.
        path: with a format's suffix (``curve.png``), that one file; without one (``curve``),
            a file for each of ``formats``. A dot followed by a digit belongs to the name
            (``rate-0.5``).
        formats: of png, svg, pdf, jpg, jpeg.
        own: whether these are a folder's own files, which no link leads elsewhere.

    Returns:
        The files written, in the order of ``formats``.

    Raises:
        ChainruleError: a suffix or format is unknown, the folder does not exist, or the file
            cannot be written.
    """
    targets = _targets(Path(path), formats)
    drawn = [(target, _drawn(figure, kind)) for target, kind in targets]
    for target, content in drawn:
        write_whole(target, content, own=own)
    return [target for target, _ in drawn]


def _targets(path: Path, formats: Sequence[str]) -> list[tuple[Path, str]]:
    """The files to write, each with its format."""
    if not path.name:
        raise ChainruleError(Problem("a picture needs a file name", path))
    suffix = path.suffix[1:]
    if suffix and not suffix[0].isdigit():
        return [(path, _known("picture format", suffix, path))]
    kinds = [_known("picture format", kind, path) for kind in formats]
    return [(path.with_name(f"{path.name}.{kind}"), kind) for kind in kinds]


def _known(kind: str, word: str, path: Path) -> str:
    if word.lower() not in _METADATA:
        raise ChainruleError(Problem(unknown(kind, word, FORMATS), path))
    return word.lower()


def _drawn(figure: Figure, kind: str) -> bytes:
    """The bytes of ``figure`` in format ``kind``."""
    buffer = io.BytesIO()
    with house_style(), warnings.catch_warnings():
        # A class name in a script the font lacks shows as boxes; that is no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        metadata = _METADATA[kind]
        figure.savefig(buffer, format=kind, metadata=None if metadata is None else dict(metadata))
    return buffer.getvalue()
