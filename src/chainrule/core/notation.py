"""How inputs, numbers and long texts are written wherever they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

Item = TypeVar("Item")

_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def subscript(number: int) -> str:
    """The digits of a whole number of at least 0, lowered.

    Example:
        >>> "u" + subscript(12)
        'u₁₂'
    """
    return str(number).translate(_LOWERED)


def input_name(index: int, names: Sequence[str] | None = None) -> str:
    """What the input with an index from 0 is called: its column's name, else x₁, x₂, ...

    Args:
        index: 0 for the first input.
        names: the columns' names, as `DataSplit.feature_names` has them, or None.

    Example:
        >>> input_name(0), input_name(1, ["width", "height"])
        ('x₁', 'height')
    """
    if names is not None and index < len(names):
        return names[index]
    return f"x{subscript(index + 1)}"


def counted(number: int, noun: str) -> str:
    """A number and what it counts.

    Example:
        >>> counted(1, "case"), counted(2000, "case")
        ('1 case', '2,000 cases')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"


def sizes_text(shape: Iterable[int]) -> str:
    """The sizes of an array's axes.

    Example:
        >>> sizes_text((3, 32, 32))
        '3 x 32 x 32'
    """
    return " x ".join(map(str, shape))


def cut(text: str, most: int) -> str:
    """A text of at most ``most`` characters, the middle of a longer one left out.

    Example:
        >>> cut("abcdefghijkl", 7)
        'abc…jkl'
    """
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"


def left_out(items: Sequence[Item], most: int) -> list[Item | None]:
    """At most ``most`` items, with None in the place of the middle ones of more.

    Example:
        >>> left_out(range(9), 4)
        [0, 1, None, 8]
    """
    if len(items) <= most:
        return list(items)
    last = (most - 1) // 2
    return [*items[: most - 1 - last], None, *items[len(items) - last :]]


def in_a_line(words: Iterable[str], joint: str = ", ", most: int = 110) -> str:
    """Words for a line; where they are more than it takes, the last and how many are left out.

    Args:
        words: the words, each of which is cut to 40 characters.
        joint: what stands between them.
        most: how many characters the line may have.

    Example:
        >>> in_a_line([f"layer {k}" for k in range(20)], " → ", 50)
        'layer 0 → layer 1 → … 17 more … → layer 19'
    """
    short = [cut(word, 40) for word in words]
    if len(joint.join(short)) <= most:
        return joint.join(short)
    shown = min(len(short), most)
    while shown > 1:
        shown -= 1
        hidden = f"… {len(short) - shown} more …"
        line = joint.join([*short[: shown - 1], hidden, short[-1]])
        if len(line) <= most:
            break
    return line
