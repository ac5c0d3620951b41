"""Write figures to files, or show them in a window where there is a screen."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.core.errors import ChainruleError, Problem, unknown
from chainrule.core.files import unused, write_whole
from chainrule.plots.style import house_style

if TYPE_CHECKING:
    from matplotlib.backend_bases import FigureManagerBase
    from matplotlib.figure import Figure

# Settings that leave out the date and the program's version, so that equal figures give equal
# files.
_METADATA: dict[str, dict[str, str | None] | None] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": "chainrule"},
    "pdf": {"CreationDate": None, "Creator": "chainrule", "Producer": None},
    "jpg": None,
    "jpeg": None,
}

# Tk first: it comes with Python, and raises an error where it cannot open a window; Qt would end
# the whole program.
_TOOLKITS = ("tkagg", "qtagg", "gtk4agg", "gtk3agg", "wxagg")


def save_figure(
    figure: Figure,
    path: str | os.PathLike[str],
    formats: Sequence[str] = ("png", "svg"),
    *,
    own: bool = False,
) -> list[Path]:
    """Write ``figure`` to one file, or to one file for each of several formats.

    A file is never left half written, and an older one is replaced only at the end.

    Args:
        figure: any Matplotlib figure.
        path: with a format's suffix (``curve.png``), that one file; without one (``curve``),
            a file for each of ``formats``. A dot followed by a digit belongs to the name
            (``rate-0.5``).
        formats: of png, svg, pdf, jpg, jpeg.
        own: whether the files belong to a run's folder, where a link in their place is refused.

    Returns:
        The files written, in the order of ``formats``.

    Raises:
        ChainruleError: a suffix or format is unknown, the folder does not exist, or the file
            cannot be written.
    """
    path = Path(path)
    if not path.name:
        raise ChainruleError(Problem("a picture needs a file name", path))
    suffix = path.suffix[1:]
    if suffix and not suffix[0].isdigit():
        targets = {path: suffix}
    else:
        targets = {path.with_name(f"{path.name}.{kind.lower()}"): kind for kind in formats}
    drawn = {target: _drawn(figure, kind, path) for target, kind in targets.items()}
    for target, content in drawn.items():
        write_whole(target, content, own=own)
    return list(drawn)


def _drawn(figure: Figure, kind: str, path: Path, **more: Any) -> bytes:
    """The bytes of ``figure`` in format ``kind``, for a file at ``path``."""
    if kind.lower() not in _METADATA:
        raise ChainruleError(Problem(unknown("picture format", kind, _METADATA), path))
    buffer = io.BytesIO()
    with house_style(), warnings.catch_warnings():
        # Characters that the font lacks, as in class names, are drawn as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format=kind.lower(), metadata=_METADATA[kind.lower()], **more)
    return buffer.getvalue()


def small_png(figure: Figure) -> bytes:
    """``figure`` as a PNG of few pixels and 64 colours, for a page that must stay small."""
    from PIL import Image

    drawn = Image.open(io.BytesIO(_drawn(figure, "png", Path("page.png"), dpi=50)))
    buffer = io.BytesIO()
    drawn.convert("RGB").quantize(64).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def show_or_save(figure: Figure, save: Path | None, fallback: Path) -> Path | None:
    """Show ``figure`` in a window until it is closed, or write it to a file.

    Args:
        figure: any Matplotlib figure.
        save: the file to write instead of opening a window; PNG if it has no suffix.
        fallback: the file to write if there is no screen. If there is one of that name already,
            it is kept, and a number is added to the name.

    Returns:
        The file that was written, or None if a window was shown.

    Raises:
        ChainruleError: the file cannot be written.
    """
    if save is None:
        manager = _window(figure)
        if manager is not None:
            manager.pyplot_show(block=True)
            return None
        kind = fallback.suffix
        save = Path(f"{unused(fallback.with_suffix(''), kind)}{kind}")
    return save_figure(figure, save, ("png",))[0]


def has_screen(environment: Mapping[str, str], platform: str) -> bool:
    """Whether there may be a screen to open a window on.

    True on Windows; on a Mac, unless it is used over SSH; elsewhere, if the environment names a
    display of X11 or Wayland.

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
    """A window that holds ``figure``, not yet shown; None if no toolkit can open one."""
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
            # A toolkit that is missing, half installed or without a display may raise any error;
            # then the next toolkit is tried.
            figure.set_canvas(canvas)
            continue
        # A toolkit's main loop finds its open windows in this registry.
        Gcf.set_active(manager)
        return manager
    return None


def _toolkits(environment: Mapping[str, str], platform: str) -> tuple[str, ...]:
    """The toolkits to try: the one that MPLBACKEND names, or all of this platform."""
    named = environment.get("MPLBACKEND", "").lower()
    if named and named != "auto":
        return tuple(name for name in (*_TOOLKITS, "macosx") if name == named)
    return ("macosx", *_TOOLKITS) if platform == "darwin" else _TOOLKITS
