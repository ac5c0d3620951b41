"""Errors that a user can cause, and how their messages are made.

Every such error is a `ChainruleError`. It carries one `Problem` for each thing that is wrong, with
its place, so that all errors of a file can be reported at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from chainrule.core.limits import MOST_LETTERS, MOST_PROBLEMS

if TYPE_CHECKING:
    from pathlib import Path

_OTHER_WORDS: Mapping[str, str] = {
    "silu": "swish",
    "sigmoid": "logistic",
    "linear": "identity none",
    "leaky_relu": "lrelu leakyrelu",
    "glorot": "xavier",
    "he": "kaiming",
    "zeros": "zero",
    "torch": "pytorch",
    "mse": "mean_squared_error l2_loss",
    "mae": "mean_absolute_error l1_loss",
    "binary_cross_entropy": "bce",
    "cross_entropy": "crossentropy categorical_crossentropy nll",
    "loss": "cost loss_function criterion",
    "learning_rate": "lr eta step_size",
    "activation": "act activation_function transfer_function nonlinearity",
    "size": "units neurons nodes hidden hidden_size num_units n_units image_size",
    "penalty": "regularization regularizer",
    "weights": "weight_init weight_range initializer initialization",
    "biases": "bias_init bias_range",
    "dense": "fc fully_connected",
    "count": "n number samples n_samples num_samples",
    "file": "filename",
    "epochs": "num_epochs n_epochs iterations",
    "batch_size": "batch minibatch minibatch_size mini_batch_size batchsize bs",
    "data": "dataset",
    "network": "globals",
    "optimizer": "optimiser",
    "rate": "weight_decay lambda",
    "sgd": "gd",
    "rectangle": "square box",
    "circle": "disc disk ellipse",
    "cross": "plus",
    "saltire": "x",
    "corner": "l",
    "tee": "t",
    "cup": "u",
    "zed": "z",
    "bars": "stripes",
    "spirals": "spiral",
    "moons": "moon",
    "rings": "circles",
    "blobs": "gaussian",
    "digits": "mnist",
}
"""The words that other libraries and textbooks have for each word used here."""

SYNONYMS: Mapping[str, str] = {
    other: word for word, others in _OTHER_WORDS.items() for other in others.split()
}
"""The word used here for each of those."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where.

    ``str`` is safe to print: control characters, which a quoted file may hold, are escaped.

    Attributes:
        message: what was found and what was expected, in one sentence.
        path: the file it is in, if any.
        line: counted from 1.
        column: counted from 1.
        key: the setting that it is about, where the code that found it knows of no file. The
            place in the configuration is added later.
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
    r"""A text that a terminal shows as it is: other control characters are written as escapes.

    Line ends and tabs stay, and so do spaces of any width, the soft hyphen and the joiners of
    letters and pictures. Whatever comes from a file and goes to a terminal, in a message, a
    table or a ``repr``, passes through here.

    Example:
        >>> print(printable("cat\u202e\x1b[2J"))
        cat\u202e\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _HARMLESS else ascii(c)[1:-1] for c in text)


_HARMLESS = "\n\t\u00ad\u200c\u200d\u00a0\u1680\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""Line ends, tabs, the soft hyphen, joiners and spaces, which Python does not call printable."""


class ChainruleError(ValueError):
    """A failure that the user can correct; its text is written for the user.

    Args:
        problems: one message, or any number of `Problem`; beyond `MOST_PROBLEMS` only the number
            of the others is kept.
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
    """An unknown name; also a ``KeyError``, as mappings raise."""

    def __str__(self) -> str:
        return ValueError.__str__(self)


class OtherThreadError(ChainruleError):
    """A forward pass or gradients that belong to another thread."""


class DivergenceError(ChainruleError):
    """A loss or a gradient that is no longer a finite number."""


class MissingExtraError(ChainruleError):
    """An optional package that a feature needs and that is not installed."""


class CompileCacheWarning(RuntimeWarning):
    """Compiled code could not be cached or read from the cache: it is compiled once more."""


_CACHED_CHOICES = 200
"""For longer lists, such as the classes of a file, no result is cached."""

_LONGEST_WORD = 100
"""A longer text was not meant as one of the words of a table."""


def shown(value: object, most: int = _LONGEST_WORD) -> str:
    """A value as Python writes it, cut after ``most`` letters.

    Example:
        >>> shown("relu"), shown("a" * 30, 10)
        ("'relu'", "'aaaaa ...")
    """
    text = repr(value[: most + 2] if isinstance(value, str) else value)
    return text if len(text) <= most + 2 else f"{text[: most - 4]} ..."


def nearest(word: object, valid: Iterable[str]) -> str | None:
    """The valid word most like ``word``, or None where nothing is near.

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
    if SYNONYMS.get(text) in valid:
        return SYNONYMS[text]
    look = _most_alike if len(lowered) <= _CACHED_CHOICES else _most_alike.__wrapped__
    found = look(text, tuple(lowered))
    return lowered[found] if found else None


@lru_cache(maxsize=256)  # each line of a configuration asks for the same words again
def _most_alike(text: str, valid: tuple[str, ...]) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(text, valid, n=1, cutoff=0.6)), None)


def unknown(kind: str, word: object, valid: Iterable[str]) -> str:
    """The message for a word that is not in a table, with the nearest one that is.

    Example:
        >>> unknown("activation", "tahn", ["relu", "tanh"])
        "unknown activation 'tahn'; did you mean 'tanh'? Known: relu, tanh"
    """
    valid = list(valid)
    guess = nearest(word, valid)
    hint = f"; did you mean {guess!r}?" if guess else "."
    return f"unknown {kind} {shown(word)}{hint} Known: {', '.join(valid) or 'none'}"
