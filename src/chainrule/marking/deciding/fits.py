"""What a wrong array has to do with the right one: a factor, a term, another array, a part of it.

Nothing need be known of how the arrays were made. What is found is a rule in ``RIGHT`` and the
names of the numbers and arrays that are at hand, and the same in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import is_same


@dataclass(frozen=True)
class Fit:
    """What makes the found array of the right one.

    Attributes:
        kind: a word, such as ``scaled``.
        rule: NumPy in ``RIGHT`` and names: ``2 * RIGHT``.
        says: the same as in a sentence about the array: ``it is twice what it should be``.
    """

    kind: str
    rule: str
    says: str


def explained(
    found: Array, right: Array, numbers: Mapping[str, float], arrays: Mapping[str, Array]
) -> Fit | None:
    """The simplest relation of a wrong array to the right one; None where none is found.

    Args:
        found: the wrong array.
        right: the right one.
        numbers: what may be a factor, by name: sizes such as ``N``, and settings.
        arrays: what may be a term, a factor, or stand in the right one's place, by name.

    Example:
        >>> right = np.array([1.0, -2.0, 4.0])
        >>> explained(5 * right, right, {"N": 5}, {}).says
        'it is N times too large (N = 5)'
    """
    return next(fits(found, right, numbers, arrays), None)


def fits(
    found: Array, right: Array, numbers: Mapping[str, float], arrays: Mapping[str, Array]
) -> Iterator[Fit]:
    """All relations of a wrong array to the right one, the simplest first.

    Args:
        found: the wrong array.
        right: the right one.
        numbers: what may be a factor, by name.
        arrays: what may be a term, a factor, or stand in the right one's place, by name.
    """
    found, right = np.asarray(found, float), np.asarray(right, float)
    if not np.isfinite(found).all() or not np.isfinite(right).all() or found.size == 0:
        return
    if found.shape == right.shape:
        yield from _constant(found, right)
        yield from _scaled(found, right, numbers)
    yield from _moved(found, right)
    yield from _others(found, arrays)
    if found.shape == right.shape:
        yield from _factors(found, right, arrays)
        yield from _terms(found, right, numbers, arrays)
        yield from _parts(found, right)


def _constant(found: Array, right: Array) -> Iterator[Fit]:
    if not found.any():
        yield Fit("zero", "0 * (RIGHT)", "it is 0 everywhere")
    elif bool((found == 1).all()):
        yield Fit("ones", "0 * (RIGHT) + 1", "it is 1 everywhere")
    elif right.size > 1 and float(np.ptp(found)) <= 1e-9 * float(np.abs(found).max()):
        for name, value in (("sum", right.sum()), ("mean", right.mean())):
            if is_same(found.flat[0], value):
                says = f"it is one and the same number everywhere, the {name} of what is right"
                yield Fit("one_number", f"0 * (RIGHT) + np.{name}(RIGHT)", says)


def _scaled(found: Array, right: Array, numbers: Mapping[str, float]) -> Iterator[Fit]:
    factor = _ratio(found, right)
    if factor is None:
        return
    for rule, says, value in _factor_table(numbers):
        if is_same(factor, value):
            yield Fit(_SCALES.get(rule, "scaled"), f"(RIGHT) * ({rule})", f"it is {says}")
    if not any(is_same(factor, value) for _, _, value in _factor_table(numbers)):
        says = f"it is {factor:.6g} times what is right, everywhere"
        yield Fit("factor", f"(RIGHT) * {factor!r}", says)


_SCALES = {"-1": "sign", "N": "no_mean", "1 / N": "mean_twice", "2": "doubled", "1 / 2": "halved"}


def _ratio(found: Array, right: Array) -> float | None:
    """The number that all of the right array is multiplied by, 1 excepted."""
    square = float((right * right).sum())
    if square == 0:
        return None
    factor = float((found * right).sum()) / square
    if not np.isfinite(factor) or is_same(factor, 1.0, 1e-9):
        return None
    return factor if is_same(found, factor * right) and factor != 0 else None


def _factor_table(numbers: Mapping[str, float]) -> Iterator[tuple[str, str, float]]:
    """Factors with their rule and words: plain ones, then those of one number, then of two."""
    yield "-1", "of the opposite sign", -1.0
    yield "2", "twice what it should be", 2.0
    yield "1 / 2", "half of what it should be", 0.5
    for name, value in numbers.items():
        yield from _of_one(name, float(value))
    names = list(numbers.items())
    for k, (a, x) in enumerate(names):
        for b, y in names[k + 1 :]:
            yield f"{a} * {b}", f"{a}·{b} times too large", x * y
            for top, low, value in ((a, b, x / y if y else 0.0), (b, a, y / x if x else 0.0)):
                yield f"{top} / {low}", f"{top}/{low} times what it should be", value
            if x * y:
                yield f"1 / ({a} * {b})", f"{a}·{b} times too small", 1 / (x * y)
    yield "4", "4 times what it should be", 4.0
    yield "1 / 4", "a quarter of what it should be", 0.25
    yield "1 / np.log(10)", "ln 10 times too small: a logarithm to base 10", 1 / np.log(10)
    yield "1 / np.log(2)", "1/ln 2 times too large: a logarithm to base 2", 1 / np.log(2)


def _of_one(name: str, value: float) -> Iterator[tuple[str, str, float]]:
    if value == 0 or value == 1:
        return
    is_whole = float(value).is_integer()
    now = f" ({name} = {value:g})"
    yield name, f"{name} times too large{now}", value
    yield f"1 / {name}", f"{name} times too small{now}", 1 / value
    yield f"-{name}", f"−{name} times what it should be{now}", -value
    yield f"2 * {name}", f"2·{name} times too large{now}", 2 * value
    yield f"2 / {name}", f"2/{name} of what it should be{now}", 2 / value
    yield f"{name} / 2", f"{name}/2 times what it should be{now}", value / 2
    yield f"1 / (2 * {name})", f"2·{name} times too small{now}", 1 / (2 * value)
    yield f"{name} ** 2", f"{name}² times too large{now}", value**2
    yield f"1 / {name} ** 2", f"{name}² times too small{now}", value**-2
    if value > 0:
        yield f"np.sqrt({name})", f"√{name} times too large{now}", value**0.5
        yield f"1 / np.sqrt({name})", f"√{name} times too small{now}", value**-0.5
    if is_whole:
        yield (
            f"{name} / ({name} - 1)",
            f"{name}/({name} − 1) of what it should be{now}",
            (value / (value - 1)),
        )
        yield (
            f"({name} - 1) / {name}",
            f"({name} − 1)/{name} of what it should be{now}",
            ((value - 1) / value),
        )


def _moved(found: Array, right: Array) -> Iterator[Fit]:
    """The same entries in other places."""
    if right.ndim >= 2 and is_same(found, right.T) and not is_same(found, right):
        yield Fit("transposed", "np.transpose(RIGHT)", "it is transposed")
    is_reshaped = found.size == right.size and found.shape != right.shape and right.ndim >= 2
    if is_reshaped and is_same(found.ravel(), right.ravel()):
        rule = f"np.reshape(RIGHT, {found.shape})"
        yield Fit("reshaped", rule, "its numbers are right, in another shape")
    if found.shape != right.shape:
        return
    for axis in range(right.ndim):
        for by in (1, -1):
            if is_same(found, np.roll(right, by, axis)) and right.shape[axis] > 1:
                rule = f"np.roll(RIGHT, {by}, {axis})"
                yield Fit("shifted", rule, f"it is shifted by one along axis {axis}")
        if is_same(found, np.flip(right, axis)) and right.shape[axis] > 1:
            yield Fit("reversed", f"np.flip(RIGHT, {axis})", f"axis {axis} runs backwards")
    is_wide = right.ndim >= 2 and right.shape != right.T.shape
    if is_wide and is_same(found, right.T.reshape(right.shape)):
        rule = "np.reshape(np.transpose(RIGHT), np.shape(RIGHT))"
        says = "its numbers were put in the other order: rows where columns belong"
        yield Fit("reshaped", rule, says)


def _others(found: Array, arrays: Mapping[str, Array]) -> Iterator[Fit]:
    """Another array stands where the right one belongs, or what is made of it in one step."""
    for name, array in arrays.items():
        if array.size == 0 or not array.any():
            continue
        for rule, says, make in _SIMPLE:
            try:
                made = make(array)
            except (IndexError, ValueError):
                continue
            if made.shape == found.shape and made.size and is_same(found, made):
                yield Fit("other_array", rule.format(name), f"it is {says.format(name)}")
                break


_SIMPLE: tuple[tuple[str, str, Callable[[Array], Array]], ...] = (
    ("{}", "{}", lambda a: a),
    ("-({})", "−{}", lambda a: -a),
    ("np.transpose({})", "{} transposed", lambda a: a.T),
    ("({})[0]", "the first row of {}", lambda a: a[0]),
    ("({})[-1]", "the last row of {}", lambda a: a[-1]),
    ("({})[:, 0]", "the first column of {}", lambda a: a[:, 0]),
    ("({})[:, -1]", "the last column of {}", lambda a: a[:, -1]),
    ("np.sum({}, axis=0)", "the sum of {} over axis 0", lambda a: a.sum(axis=0)),
    ("np.sum({}, axis=-1)", "the sum of {} over its last axis", lambda a: a.sum(axis=-1)),
    ("np.mean({}, axis=0)", "the mean of {} over axis 0", lambda a: a.mean(axis=0)),
    ("2 * ({})", "2·{}", lambda a: 2 * a),
)


def _factors(found: Array, right: Array, arrays: Mapping[str, Array]) -> Iterator[Fit]:
    """The right array times or over another one, entry by entry."""
    for name, array in arrays.items():
        if array.ndim == 0 or array.ndim > right.ndim or not _is_varied(array):
            continue
        try:
            if np.broadcast_shapes(array.shape, right.shape) != right.shape:
                continue
        except ValueError:
            continue
        with np.errstate(all="ignore"):
            if is_same(found, right * array):
                says = f"it has the factor {name} once too often"
                yield Fit("twice", f"(RIGHT) * ({name})", says)
            elif (array != 0).all() and is_same(found, right / array):
                yield Fit("left_out", f"(RIGHT) / ({name})", f"its factor {name} is missing")


def _is_varied(array: Array) -> bool:
    return array.size > 0 and float(np.ptp(array)) > 0


def _terms(
    found: Array, right: Array, numbers: Mapping[str, float], arrays: Mapping[str, Array]
) -> Iterator[Fit]:
    """The right array and a multiple of another one."""
    rest = found - right
    if is_same(found, right) or is_same(rest, -right):
        return
    for name, array in arrays.items():
        if array.shape not in (right.shape, ()) or not array.any():
            continue
        array = np.broadcast_to(array, right.shape)
        factor = _ratio(rest, array)
        factor = 1.0 if factor is None and is_same(rest, array, 1e-6) else factor
        if factor is None or is_same(array, right) or (array.size == 1 and right.size == 1):
            continue
        rule, says = _multiple(name, factor, numbers)
        if rule:
            less = factor < 0
            verb = "is missing in it" if less else "is in it and does not belong there"
            yield Fit("left_out" if less else "added", f"(RIGHT) + {rule}", f"{says} {verb}")


def _multiple(name: str, factor: float, numbers: Mapping[str, float]) -> tuple[str, str]:
    """A multiple of an array as a rule and in words; empty where the factor is none known."""
    if is_same(abs(factor), 1.0):
        return f"{'-' if factor < 0 else ''}({name})", name
    for rule, _, value in _factor_table(numbers):
        if value > 0 and is_same(abs(factor), value):
            sign = "-" if factor < 0 else ""
            return f"{sign}({rule}) * ({name})", f"{rule} · {name}".replace(" * ", "·")
    return "", ""


def _parts(found: Array, right: Array) -> Iterator[Fit]:
    """All is right but a first or last row or column, or what is 0."""
    if right.size < 3:
        return
    for axis in range(right.ndim):
        if right.shape[axis] < 2:
            continue
        for at, which in ((0, "first"), (-1, "last")):
            others = np.delete(np.arange(right.shape[axis]), at)
            is_rest = is_same(np.take(found, others, axis), np.take(right, others, axis))
            if is_rest and not np.take(found, at, axis).any():
                rule = zeroed(at, axis, right.ndim)
                row = "entry" if right.ndim == 1 else ("row", "column")[min(axis, 1)]
                yield Fit("part_lost", rule, f"its {which} {row} is 0, the rest is right")


def zeroed(at: int, axis: int, ndim: int) -> str:
    """A rule that puts a 0 in the first or last place of an axis."""
    size = f"np.shape(RIGHT)[{axis}]"
    kept = f"(np.arange({size}) != {at if at >= 0 else f'{size} - 1'})"
    return f"(RIGHT) * np.reshape({kept}, {tuple(-1 if k == axis else 1 for k in range(ndim))})"
