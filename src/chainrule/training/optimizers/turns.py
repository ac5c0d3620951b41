"""A function that runs in turns with its caller, in a thread of its own.

SciPy calls the function that it minimises. A training goes the other way: it asks for one
iteration after the other, and in between it evaluates, writes checkpoints and stops. So SciPy runs
in a thread that waits wherever it needs something. At any moment only one of the two runs, so
that nothing has to be locked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any
from weakref import finalize

Ask = Callable[[Any], Any]
"""Called within the thread: hands a question to the caller, waits, and returns the answer."""


@dataclass(frozen=True)
class Returned:
    """The last question: the function has returned this value."""

    value: Any


@dataclass(frozen=True)
class _Raised:
    """The last question: the function has raised this exception."""

    error: BaseException


class _Closed(BaseException):
    """Raised where the function waits for an answer that will not come."""


_CLOSE = object()


class Turns:
    """Runs a function in a thread, which waits whenever the function asks something.

    The thread ends when the function returns or raises, when `close` is called, and when this
    object is garbage: it keeps neither the process nor anything else alive.

    Args:
        function: called in the thread with an `Ask`. It must not keep a reference to this object.

    Attributes:
        question: what the function asks, or at its end `Returned`.

    Example:
        >>> turns = Turns(lambda ask: ask("how many?") + ask("and then?"))
        >>> turns.question, turns.answer(3), turns.answer(4)
        ('how many?', 'and then?', Returned(value=7))
    """

    def __init__(self, function: Callable[[Ask], Any]) -> None:
        self._asked: SimpleQueue[Any] = SimpleQueue()
        self._answers: SimpleQueue[Any] = SimpleQueue()
        self._end = finalize(self, self._answers.put, _CLOSE)
        self._end.atexit = False  # the thread is a daemon
        given = (function, self._asked, self._answers)
        self._thread = threading.Thread(target=_run, args=given, daemon=True)
        self._thread.start()
        self.question = self._next()

    def answer(self, value: Any) -> Any:
        """Answer the question; returns the next one, which `question` holds as well.

        Raises:
            BaseException: the one that the function has raised; or one that interrupts the wait
                here, such as KeyboardInterrupt, after which only `close` may be called.
        """
        self._answers.put(value)
        self.question = self._next()
        return self.question

    def _next(self) -> Any:
        found = self._asked.get()
        if isinstance(found, _Raised):
            raise found.error
        return found

    @property
    def goes_on(self) -> bool:
        """Whether the function waits for an answer; not so in a process that was forked since."""
        return self._thread.is_alive() and not isinstance(self.question, Returned)

    def close(self) -> None:
        """End the thread: what the function waits for raises an exception there."""
        self._end()
        self._thread.join()


def _run(
    function: Callable[[Ask], Any], asked: SimpleQueue[Any], answers: SimpleQueue[Any]
) -> None:
    """What the thread does; it knows the queues alone, so that `Turns` can become garbage."""

    def ask(question: Any) -> Any:
        asked.put(question)
        answer = answers.get()
        if answer is _CLOSE:
            raise _Closed
        return answer

    try:
        last: Any = Returned(function(ask))
    except _Closed:
        return
    except BaseException as error:  # it is raised again where the caller waits
        last = _Raised(error)
    asked.put(last)
