"""Next-character prediction: windows of a text, with the next character as target of each one.

The text is split by position: first training, then validation, then test. Every window lies
within one part, and the alphabet is that of the training part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from chainrule.core.arrays import Array
from chainrule.core.declared import checked
from chainrule.core.errors import DataError, Problem
from chainrule.core.limits import MAX_SYMBOLS, MAX_TEXT_BYTES
from chainrule.core.schema import Count, Word, described_as
from chainrule.core.sequences import NO_CLASS
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.generators.base import refuse_beyond_memory
from chainrule.data.generators.sequences import MOST_STEPS
from chainrule.data.readers.paths import decoded, problem_behind, read_bytes
from chainrule.data.splits import Split, part_sizes

ENCODINGS = ("one_hot", "numbers", "indices")
SPACE = "space"


@dataclass(frozen=True)
class Alphabet:
    """The characters that a network knows, in the order of their numbers.

    Attributes:
        symbols: the characters, sorted.

    Example:
        >>> alphabet = Alphabet.of("hello")
        >>> alphabet.symbols, alphabet.numbers("hex").tolist()
        ('ehlo', [1, 0, -1])
    """

    symbols: str

    @classmethod
    def of(cls, text: str) -> Alphabet:
        """The alphabet of the characters that occur in a text."""
        return cls("".join(sorted(set(text))))

    @classmethod
    def named(cls, names: Sequence[str]) -> Alphabet:
        """The alphabet with the given `names`."""
        characters = [" " if name == SPACE else _unescaped(name) for name in names]
        return cls("".join(characters))

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def names(self) -> tuple[str, ...]:
        r"""A printable name of each character: itself, ``space``, or an escape such as ``\n``.

        Example:
            >>> Alphabet.of("a b\n").names == ("\\n", "space", "a", "b")
            True
        """
        return tuple(SPACE if c == " " else _escaped(c) for c in self.symbols)

    def numbers(self, text: str) -> Array:
        """The number of each character; −1 for a character that is not in the alphabet."""
        place = {c: k for k, c in enumerate(self.symbols)}
        return np.array([place.get(c, NO_CLASS) for c in text], dtype=np.intp)

    def inputs(self, numbers: Array, encoding: str) -> Array:
        """A network's inputs, (..., features), for the numbers of characters, (...).

        ``one_hot`` has a 1 at the character's number, and only zeros for an unknown character;
        ``indices`` has one feature, the character's number, as an embedding takes it, and −1 for
        an unknown character; ``numbers`` has the number divided by the alphabet's size.
        """
        if encoding == "indices":
            return numbers[..., None].astype(np.float32)
        if encoding == "numbers":
            return numbers[..., None] / len(self)
        x = np.zeros((*numbers.shape, len(self)), np.float32)
        np.put_along_axis(x, np.maximum(numbers, 0)[..., None], 1, axis=-1)
        x[numbers == NO_CLASS] = 0
        return x


@checked
def read_characters(
    path: Path,
    *,
    steps: Annotated[
        int, Field(ge=1, le=MOST_STEPS), described_as(f"a whole number from 1 to {MOST_STEPS}")
    ] = 32,
    stride: Count | None = None,
    encoding: Annotated[str, Word("encoding", ENCODINGS)] = "one_hot",
    split: Annotated[Sequence[float], Split()],
) -> DataSplit:
    """Read a text file as data for next-character prediction.

    A case is a window of ``steps`` characters; the target of each character is the next one.
    Characters of a part after its last whole window are not used.

    Args:
        path: of UTF-8 text; every line end becomes a newline.
        steps: the characters of a window.
        stride: from the beginning of a window to that of the next; by default the steps.
        encoding: ``one_hot`` for a 1 at the character's number, ``indices`` for the number
            itself, for an embedding, ``numbers`` for the number as a fraction of the alphabet's
            size. Left out, it is ``indices`` where the network begins with an embedding, else
            ``one_hot``. See `Alphabet.inputs`.
        split: the fractions of the text for training, validation and test.

    Raises:
        ConfigError: an argument is not valid.
        DataError: the file is no text (with line and column), or has too few characters, or too
            few or too many different ones.
    """
    stride = stride or steps
    text = text_of(path)
    if not text:
        raise DataError(Problem("the file is empty", path))
    ends = np.cumsum([0, *part_sizes(len(text), split)])
    pieces = [text[a:b] for a, b in pairwise(ends)]
    _require_windows(path, pieces, steps, split)
    alphabet = _alphabet_of(path, pieces[0])
    features, item = (len(alphabet), 4) if encoding == "one_hot" else (1, 8)
    windows = sum(max(0, (len(piece) - 1 - steps) // stride + 1) for piece in pieces)
    needed = windows * steps * (features * item + 16)  # 16 for the target and the position
    refuse_beyond_memory(f"{windows:,} windows of {steps} characters", needed, "text")
    train, validation, test = (
        _windows(alphabet, piece, steps, stride, encoding) for piece in pieces
    )
    source = (
        f"{path.name}: {len(text):,} characters, {len(alphabet)} different; {windows:,} windows"
    )
    unseen = _unknown(alphabet, pieces[1] + pieces[2])
    if unseen:
        source += f"; not in the training part and so not judged: {unseen}"
    return DataSplit(
        train,
        validation,
        test,
        classes=alphabet.names,
        sequence_shape=(steps, features),
        source=source,
        notes=_notes(path, unseen, "the training part lacks"),
    )


def windows_of_file(
    path: Path,
    alphabet: Alphabet,
    *,
    steps: int = 32,
    stride: int | None = None,
    encoding: str = "one_hot",
) -> tuple[Dataset, tuple[str, ...]]:
    """The windows of a whole file, for a network trained with ``alphabet``; see `read_characters`.

    Returns:
        The windows, and a note on the characters that are not in the alphabet, if there are any.

    Raises:
        DataError: the file is no text, or is too short for one window and its targets.
    """
    text = text_of(path)
    if len(text) <= steps:
        message = f"found {len(text)} characters; a window of {steps} and the next one are needed"
        raise DataError(Problem(message, path))
    windows = _windows(alphabet, text, steps, stride or steps, encoding)
    return windows, _notes(path, _unknown(alphabet, text), "training never saw")


def text_of(path: Path) -> str:
    """The characters of a UTF-8 file.

    Raises:
        DataError: the file cannot be read, or is no text; then with line and column.
    """
    text = decoded(path, read_bytes(path, at_most=MAX_TEXT_BYTES))
    if "\0" in text:
        message = "a zero byte: expected a text, this looks like another kind of file"
        raise DataError(problem_behind(path, text[: text.index("\0")], message))
    return text


def _alphabet_of(path: Path, text: str) -> Alphabet:
    """The alphabet of the training part, which must have more than one character."""
    alphabet = Alphabet.of(text)
    if not 2 <= len(alphabet) <= MAX_SYMBOLS:
        message = f"the training part has {len(alphabet):,} different characters; "
        raise DataError(Problem(f"{message}from 2 to {MAX_SYMBOLS:,} can be learnt", path))
    return alphabet


def _require_windows(
    path: Path, pieces: Sequence[str], steps: int, split: Sequence[float]
) -> None:
    """Refuse a text if a part of fraction above 0 is too short for a window and its targets."""
    names = ("training", "validation", "test")
    problems = [
        Problem(
            f"the {name} part has {len(piece)} characters; a window of {steps} and the "
            f"one behind it need {steps + 1}: fewer steps, or a longer text",
            path,
        )
        for name, piece, fraction in zip(names, pieces, split, strict=True)
        if fraction > 0 and len(piece) <= steps
    ]
    if problems:
        raise DataError(problems)


def _windows(alphabet: Alphabet, text: str, steps: int, stride: int, encoding: str) -> Dataset:
    """Windows that begin every ``stride`` characters; their targets are one character later."""
    numbers = alphabet.numbers(text)
    starts = np.arange(0, max(0, len(numbers) - steps), stride)
    places = starts[:, None] + np.arange(steps)
    return Dataset(alphabet.inputs(numbers[places], encoding), numbers[places + 1])


def _unknown(alphabet: Alphabet, text: str) -> str:
    """The names of up to ten characters of a text that are not in the alphabet."""
    names = Alphabet("".join(sorted(set(text) - set(alphabet.symbols)))).names
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def _notes(path: Path, names: str, lacks: str) -> tuple[str, ...]:
    """A sentence on the characters that a network does not know, if there are any."""
    note = f"{path.name} has characters that {lacks}; they are not judged: {names}"
    return (note,) if names else ()


def _escaped(character: str) -> str:
    plain = character.isprintable() and character != "\\"
    return character if plain else character.encode("unicode_escape").decode("ascii")


def _unescaped(name: str) -> Any:
    return name if len(name) == 1 else name.encode("ascii").decode("unicode_escape")
