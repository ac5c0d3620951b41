"""The errors that a user can cause, and functions that write their messages.

Every such error is a `ChainruleError`. It carries one `Problem` for each thing that is wrong, with
its place, so that all errors of a file can be reported at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chainrule.core.limits import MOST_LETTERS, MOST_PROBLEMS
from chainrule.core.vocabulary import instead, meanings, plainest

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where.

    Its ``str`` is safe to print: control characters, which may come from a file, are escaped.

    Attributes:
        message: what was found and what was expected, in one sentence.
        path: the file that the problem is in, if any.
        line: counted from 1.
        column: counted from 1.
        key: the setting that is wrong, if the code that found the problem does not know where the
            setting was written. Other code then looks up its file, line and column.
    """

    message: str
    path: Path | str | None = None
    line: int | None = None
    column: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        place = [str(p) for p in (self.path, self.line, self.column) if p is not None]
        message, half = self.message, MOST_LETTERS // 2
        if len(message) > MOST_LETTERS:
            message = f"{message[:half]} ... {message[-half:]}"
        return printable(f"{':'.join(place)}: {message}" if place else message)


def printable(text: str) -> str:
    r"""The text with control characters written as escapes, so that a terminal only displays it.

    Kept as they are: line ends, tabs, spaces of any width, the soft hyphen, and the zero-width
    joiner and non-joiner. Text from a file must pass through this function before it is shown on
    a terminal, in a message, a table or a ``repr``.

    Example:
        >>> print(printable("cat\u202e\x1b[2J"))
        cat\u202e\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _KEPT else ascii(c)[1:-1] for c in text)


_KEPT = "\n\t\u00ad\u200c\u200d\u00a0\u1680\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""The characters that `printable` keeps although ``str.isprintable`` is False for them."""


class ChainruleError(ValueError):
    """A failure that the user can correct; its text is written for the user.

    Args:
        problems: one message, or any number of `Problem`. If there are more than
            `MOST_PROBLEMS` + 1, the first `MOST_PROBLEMS` are kept, and one that states how many
            more there were.
    """

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        if isinstance(problems, Problem):
            problems = [problems]
        found = tuple(problems)
        if len(found) > MOST_PROBLEMS + 1:
            more = f"and {len(found) - MOST_PROBLEMS:,} more problems"
            found = (*found[:MOST_PROBLEMS], Problem(more, found[0].path))
        self.problems: tuple[Problem, ...] = found
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigError(ChainruleError):
    """A configuration that cannot be run."""


class DataError(ChainruleError):
    """Data that cannot be read, or do not fit the network."""


class ShapeError(ChainruleError):
    """An array of a shape or type that is not accepted."""


class UnknownNameError(ShapeError, KeyError):
    """An unknown name. It is also a ``KeyError``, the error of a mapping without that key."""

    def __str__(self) -> str:
        return ValueError.__str__(self)


class OtherThreadError(ChainruleError):
    """A backward pass after another thread's forward pass, or over another thread's gradients."""


class DivergenceError(ChainruleError):
    """A loss or a gradient that is no longer a finite number.

    Attributes:
        run: the run until then, if `chainrule.train` raised the error; otherwise None.
    """

    run: Any = None


class MissingExtraError(ChainruleError):
    """An optional package that a feature needs and that is not installed."""


class DataWarning(UserWarning):
    """What a trained network was told of new data, such as columns of no use or filled cells."""


class CompileCacheWarning(RuntimeWarning):
    """Compiled code could not be cached or read from the cache: it is compiled once more."""


_CACHED_CHOICES = 200
"""`nearest` caches its results only for lists of at most this many valid words."""

_MOST_LISTED = 40  # Of more words than this, half as many are listed, and the others counted.
_LONGEST_WORD = 100
"""`nearest` finds no word for a longer text, and `shown` shortens it by default."""


def shown(value: object, most: int = _LONGEST_WORD) -> str:
    """The ``repr`` of a value; if it is longer than ``most`` + 2, its first part and " ...".

    Example:
        >>> shown("relu"), shown("a" * 30, 10)
        ("'relu'", "'aaaaa ...")
    """
    text = repr(value[: most + 2] if isinstance(value, str) else value)
    return text if len(text) <= most + 2 else f"{text[: most - 4]} ..."


def nearest(word: object, valid: Iterable[str]) -> str | None:
    """The valid word that is most similar to ``word``, or None if none is similar.

    Example:
        >>> nearest("rellu", ["relu", "tanh"])
        'relu'
        >>> nearest("Swish", ["silu", "tanh"])
        'silu'
    """
    valid = list(valid)
    if len(str(word)) > _LONGEST_WORD:
        return None
    lowered = {name.lower(): name for name in valid}
    text = str(word).strip().lower().replace("-", "_").replace(" ", "_")
    if text in lowered:
        return lowered[text]
    spellings = {plainest(name): name for name in reversed(valid)}
    for other in (plainest(text), *meanings(text)):
        if other in spellings:
            return spellings[other]
    look = _most_similar if len(lowered) <= _CACHED_CHOICES else _most_similar.__wrapped__
    found = look(text, tuple(lowered))
    return lowered[found] if found else None


@lru_cache(maxsize=256)  # the same unknown word may be on many lines of a configuration
def _most_similar(text: str, valid: tuple[str, ...]) -> str | None:
    """The valid word most similar to ``text``, with a similarity of at least 0.6, or None."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(text, valid, n=1, cutoff=0.6)), None)


def unknown(kind: str, word: object, valid: Iterable[str], within: str = "") -> str:
    """The message for a word that is not among the valid ones, with what was probably meant.

    Args:
        kind: what the word was to name.
        word: what was found.
        valid: all words that are valid.
        within: the setting whose options these are, if the kind does not say so.

    Example:
        >>> unknown("activation", "tahn", ["relu", "tanh"])
        "unknown activation 'tahn'; did you mean 'tanh'? Known: relu, tanh"
    """
    valid = list(valid)
    sentence = instead(f"{kind} of {within}" if within else kind, word)
    guess = nearest(word, valid)
    hint = f"; {sentence}." if sentence else f"; did you mean {guess!r}?" if guess else "."
    few = valid if len(valid) <= _MOST_LISTED else valid[: _MOST_LISTED // 2]
    rest = f" ... and {len(valid) - len(few)} more" if len(few) < len(valid) else ""
    return f"unknown {kind} {shown(word)}{hint} Known: {', '.join(few) or 'none'}{rest}"
