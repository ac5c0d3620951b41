"""An exception in words: what kind of trouble, which text, where in the submission."""

from __future__ import annotations

import os
import re
import traceback
from types import TracebackType
from typing import Any

MOST_LETTERS = 300
_WHY = (
    "marking runs without network, other programs and files outside the submission",
    "nobody types anything while this is marked: read no input",
)
_ABSENT = (AttributeError, NameError, KeyError, IndexError, ImportError)


def trouble(error: BaseException, folder: str, left_out: dict[str, tuple[str, int]]) -> Any:
    """What an exception means, as JSON.

    Args:
        error: the exception.
        folder: where the submission is; places in it are reported.
        left_out: names that a script sets at its top level, where that was not run, with their
            file and line.
    """
    places = _places(error, folder)
    innermost = _innermost(error.__traceback__)
    found: dict[str, Any] = {"kind": "error", "text": _text(error)}
    if places:
        found["file"], found["line"] = places[-1]
    if isinstance(error, MemoryError):
        found["kind"] = "memory"
    elif isinstance(error, SystemExit | KeyboardInterrupt | GeneratorExit):
        found["kind"], found["text"] = "ended", f"the code ended the program, as by {_exit(error)}"
    elif isinstance(error, SyntaxError) and (error.filename or "").startswith(folder):
        found.update(kind="syntax", file=(error.filename or "")[len(folder) + 1 :])
        found["line"] = error.lineno
    elif isinstance(error, _ABSENT) and innermost.startswith("<"):
        found["kind"], found["text"] = "missing", _absent(error)
    elif isinstance(error, NameError) and error.name in left_out:
        file, line = left_out[error.name]
        found["text"] += (
            f"; {file} sets it in line {line}, at the top level, which is not run here: "
            "hand it to the function"
        )
    elif isinstance(error, EOFError | PermissionError):
        found["text"] += f"; {_WHY[isinstance(error, EOFError)]}"
    found["text"] = found["text"].replace(folder + os.sep, "")[:MOST_LETTERS]
    return found


def _text(error: BaseException) -> str:
    name = type(error).__name__
    try:
        text = str(error)
    except BaseException:
        return name
    return f"{name}: {text}" if text else name


def _exit(error: BaseException) -> str:
    code = getattr(error, "code", None)
    return f"sys.exit({code!r})" if type(code) in (str, int) else "sys.exit()"


def _absent(error: BaseException) -> str:
    """The name that is missing first, then how it was found out."""
    if isinstance(error, KeyError) and error.args:
        return f"{error.args[0]}: there is no such key"
    name = getattr(error, "name", None)
    if isinstance(error, ImportError) and (found := re.search(r"import name '(\w+)'", str(error))):
        name = found[1]
    return f"{name}: {error}" if name else _text(error)


def _places(error: BaseException, folder: str) -> list[tuple[str, int]]:
    """Files of the submission and lines in them, from the outermost call to the innermost."""
    frames = traceback.walk_tb(error.__traceback__)
    return [
        (frame.f_code.co_filename[len(folder) + 1 :].replace(os.sep, "/"), line)
        for frame, line in frames
        if frame.f_code.co_filename.startswith(folder + os.sep)
    ]


def _innermost(found: TracebackType | None) -> str:
    """The file of the frame that raised; pieces of an assignment are called ``<call>`` and so."""
    name = ""
    while found is not None:
        file = found.tb_frame.f_code.co_filename
        name = name if file.startswith("<frozen") else file
        found = found.tb_next
    return name
