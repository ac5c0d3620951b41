"""How far a long piece of work has come, for whoever wants to show it; by default nobody does.

A reader of files reports its work::

    with progress("reading images", total=len(files)) as advance:
        for path in files:
            read(path)
            advance(1)

The command line shows such work as a bar (`chainrule.cli.terminal.work_shown`). A report may come
from any thread, but only work that begins in the thread that called `showing_by` is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Advance = Callable[[int], None]
"""Called with how much more of the total is done."""

Show = Callable[[str, int | None], AbstractContextManager[Advance]]
"""Called with what is done and the total of it; shows the work within the context."""


def _silent(what: str, total: int | None) -> AbstractContextManager[Advance]:
    return nullcontext(lambda more: None)


_show: ContextVar[Show] = ContextVar("show", default=_silent)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Advance]:
    """The context of a piece of work that may take longer than a second.

    Work within other work is not shown: the outer one knows how much there is.

    Args:
        what: the work in a few words, such as ``reading images``.
        total: how much there is to do, in files, lines or bytes; None if that is unknown.

    Example:
        >>> with progress("adding up", total=3) as advance:
        ...     for number in (1, 2, 3):
        ...         advance(1)
    """
    show = _show.get()
    with showing_by(_silent), show(what, total) as advance:
        yield advance


@contextmanager
def showing_by(show: Show) -> Iterator[None]:
    """Within this context work that is reported is shown by ``show``."""
    before = _show.set(show)
    try:
        yield
    finally:
        _show.reset(before)


def show_nothing() -> None:
    """From now on, to the end of the context of `showing_by`, no work is shown."""
    _show.set(_silent)
