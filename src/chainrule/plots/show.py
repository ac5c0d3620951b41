"""A window where there is a screen, a file otherwise."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.plots.save import save_figure
from chainrule.plots.style import house_style

if TYPE_CHECKING:
    from matplotlib.backend_bases import FigureManagerBase
    from matplotlib.figure import Figure

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
