"""Figures to files, whole or not at all, and to a window where there is a screen."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.core.errors import ChainruleError, Problem, unknown
from chainrule.core.files import write_whole
from chainrule.plots.style import house_style

if TYPE_CHECKING:
    from matplotlib.backend_bases import FigureManagerBase
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


# Tk first: it comes with Python, and says that it cannot open a window where Qt ends the
# whole program.
_TOOLKITS = ("tkagg", "qtagg", "gtk4agg", "gtk3agg", "wxagg")


def show_or_save(figure: Figure, save: Path | None, fallback: Path) -> Path | None:
    """Show ``figure`` in a window and wait until it is closed, or else write it to a file.

    Args:
        figure: any Matplotlib figure.
        save: the file the user asked for; then no window is opened. PNG without a suffix.
        fallback: the file to write where there is no screen.

    Returns:
        The file that was written, or None where a window was shown.

    Raises:
        ChainruleError: the file cannot be written.
    """
    if save is None:
        manager = _window(figure)
        if manager is not None:
            manager.pyplot_show(block=True)
            return None
    return save_figure(figure, fallback if save is None else save, ("png",))[0]


def has_screen(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a window may be tried.

    On Windows always; on a Mac unless it is reached over the network; elsewhere where X11 or
    Wayland says so.

    Args:
        environment: the environment variables, `os.environ`.
        platform: `sys.platform`.

    Example:
        >>> has_screen({"DISPLAY": ":0"}, "linux"), has_screen({}, "linux")
        (True, False)
    """
    if platform in ("win32", "cygwin"):
        return True
    if platform == "darwin":
        return "SSH_CONNECTION" not in environment
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def _window(figure: Figure) -> FigureManagerBase | None:
    """A window that holds ``figure``, not yet shown; None where none can be had."""
    if not has_screen(os.environ, sys.platform):
        return None
    from matplotlib._pylab_helpers import Gcf

    canvas = figure.canvas
    for toolkit in _toolkits(os.environ, sys.platform):
        try:
            module = import_module(f"matplotlib.backends.backend_{toolkit}")
            with house_style():
                manager: FigureManagerBase = module.FigureCanvas.new_manager(figure, 1)
        except Exception:
            # A toolkit that is missing, half installed or without its display fails in a way
            # of its own; the answer to each is the next one, and a file at the end.
            figure.set_canvas(canvas)
            continue
        # The registry in which a toolkit's main loop finds its open windows.
        Gcf.set_active(manager)
        return manager
    return None


def _toolkits(environment: Mapping[str, str], platform: str) -> Iterator[str]:
    """The toolkits to try: the one that MPLBACKEND names, or all of this platform."""
    asked = environment.get("MPLBACKEND", "").lower()
    if asked and asked != "auto":
        yield from (name for name in (*_TOOLKITS, "macosx") if name == asked)
        return
    if platform == "darwin":
        yield "macosx"
    yield from _TOOLKITS
