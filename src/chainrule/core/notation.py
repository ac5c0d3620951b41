"""How numbers and inputs are written wherever they are shown: x₁, or the name of a column."""

from __future__ import annotations

from collections.abc import Sequence

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
