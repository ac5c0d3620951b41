"""Sequence tasks that need memory: the echo of a sequence, and the parity of a string of bits.

Every set is a function of its settings and a random stream. Inputs are (cases, steps, 1). Shorter
cases are padded at their end: NaN as the input, and no target (−1, or NaN for values).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import numpy as np

from chainrule.core.arguments import is_whole
from chainrule.core.arrays import Array
from chainrule.core.schema import Points, Whole, WholeRange, Word
from chainrule.core.sequences import NO_CLASS
from chainrule.data.dataset import Dataset
from chainrule.data.generators.base import ends_of, generator, refuse_beyond_memory

MOST_STEPS = 10_000
"""The most steps of a sequence: over more steps any gradient has vanished or exploded."""

Steps = Annotated[int | Sequence[int], WholeRange(1, MOST_STEPS)]

ALL_STRINGS = 1000
"""The most strings of bits that are made by default, if no count is given."""

_COUNTED_BITS = 40
"""Strings of more bits are drawn independently: repeats are too rare to be looked for."""


def _are_range(steps: Any) -> bool:
    """Whether ``steps`` is a valid number of steps, or a valid range [low, high] of them."""
    ends = steps if isinstance(steps, list) else [steps, steps]
    are_whole = all(is_whole(end, 1) for end in ends)
    return are_whole and len(ends) == 2 and ends[0] <= ends[1] <= MOST_STEPS


def _delay_is_short(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The delay must be shorter than the shortest sequence."""
    steps, delay = values["steps"], values["delay"]
    if _are_range(steps) and is_whole(delay, 1) and delay >= ends_of(steps)[0]:
        shortest = ends_of(steps)[0]
        message = f"delay must be less than the number of steps, {shortest}, found {delay}"
        yield ("delay", "steps"), message


def _enough_strings(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """There must be as many different strings as are wanted."""
    bits, count = values["bits"], values["count"]
    if _are_range(bits) and is_whole(count, 1) and count > _number_of_strings(bits):
        there = _number_of_strings(bits)
        message = f"count must be at most {there}, the number of such strings, found {count}"
        yield ("count",), message


@generator("echo", _delay_is_short)
def echo(
    rng: np.random.Generator,
    steps: Steps = 20,
    delay: Whole = 5,
    count: Points = 1000,
    of: Annotated[str, Word("kind of echo", ("values", "bits"))] = "values",
) -> Dataset:
    """Sequences that are to be repeated ``delay`` steps later: t(n) = x(n − delay).

    The first ``delay`` steps have no target.

    Args:
        rng: the stream to draw from.
        steps: the steps of a sequence, or a range [low, high] that lengths are drawn from.
        delay: how many steps later, at least 0 and below the number of steps.
        count: the number of sequences.
        of: ``values``, uniform numbers from −1 to 1, or ``bits``, which are classes.

    Returns:
        x (count, steps, 1); t (count, steps, 1) of values, (count, steps) of bits.

    Example:
        >>> made = echo(np.random.default_rng(0), steps=4, delay=1, count=2, of="bits")
        >>> made.x[0].ravel(), made.t[0]
        (array([1., 0., 0., 0.]), array([-1,  1,  0,  0]))
    """
    shortest, longest = ends_of(steps)
    refuse_beyond_memory(f"{count} sequences of {longest} steps", 16 * count * longest)
    x = rng.uniform(-1, 1, (count, longest))
    if of == "bits":
        x = (x > 0).astype(np.float64)
    lengths = rng.integers(shortest, longest + 1, count)
    x[np.arange(longest) >= lengths[:, None]] = np.nan
    t = np.full_like(x, np.nan)
    t[:, delay:] = np.where(np.isnan(x[:, delay:]), np.nan, x[:, : longest - delay])
    return Dataset(x[:, :, None], _classes(t) if of == "bits" else t[:, :, None])


@generator("parity", _enough_strings)
def parity(
    rng: np.random.Generator,
    bits: Steps = 8,
    count: Points | None = None,
    targets: Annotated[str, Word("targets", ("all", "last"))] = "last",
) -> Dataset:
    """Strings of bits, classified by whether the number of ones is odd.

    Strings of up to 40 bits are all different.

    Args:
        rng: the stream to draw from.
        bits: the bits of a string, or a range [low, high] of lengths, about equally frequent.
        count: the number of strings; by default all there are, at most 1,000.
        targets: ``last`` for a target after the last bit, ``all`` for one after each.

    Returns:
        x (count, bits, 1) of 0 and 1; t (count,) or (count, bits): 1 if the
        number of ones up to there is odd.

    Example:
        >>> made = parity(np.random.default_rng(0), bits=2)
        >>> sorted(zip(made.x[:, :, 0].tolist(), made.t.tolist()))
        [([0.0, 0.0], 0), ([0.0, 1.0], 1), ([1.0, 0.0], 1), ([1.0, 1.0], 0)]
    """
    shortest, longest = ends_of(bits)
    lengths = range(shortest, longest + 1)
    wanted = min(_number_of_strings(bits), ALL_STRINGS) if count is None else count
    refuse_beyond_memory(f"{wanted} strings of {longest} bits", 16 * wanted * longest)
    x = np.full((wanted, longest), np.nan)
    start = 0
    for k, number in zip(lengths, _shares(wanted, lengths), strict=True):
        x[start : start + number, :k] = _strings(rng, number, k)
        start += number
    x = x[rng.permutation(wanted)]
    odd = np.nancumsum(x, axis=1) % 2
    if targets == "last":
        return Dataset(x[:, :, None], odd[:, -1].astype(np.intp))
    return Dataset(x[:, :, None], _classes(np.where(np.isnan(x), np.nan, odd)))


def _number_of_strings(bits: int | Sequence[int]) -> int:
    """The number of different strings in a range of lengths; lengths above 40 count as 40."""
    shortest, longest = ends_of(bits)
    return sum(2 ** min(k, _COUNTED_BITS) for k in range(shortest, longest + 1))


def _shares(count: int, lengths: range) -> list[int]:
    """How many of ``count`` strings have each length: equally many, as far as so many exist."""
    shares, left = [], count
    for k, length in enumerate(lengths):
        others = len(lengths) - k
        shares.append(min(2 ** min(length, _COUNTED_BITS), -(-left // others)))
        left -= shares[-1]
    return shares


def _strings(rng: np.random.Generator, number: int, bits: int) -> Array:
    """``number`` strings of bits, (number, bits), all different where they are short."""
    if bits > _COUNTED_BITS:
        return rng.integers(0, 2, (number, bits)).astype(np.float64)
    if 2**bits <= 4 * number:
        chosen = rng.permutation(2**bits)[:number]
    else:
        chosen = np.empty(0, np.int64)
        while len(chosen) < number:
            more = rng.integers(0, 2**bits, 2 * number)
            chosen = np.unique(np.concatenate([chosen, more]))
        chosen = rng.permutation(chosen)[:number]
    return (chosen[:, None] >> np.arange(bits - 1, -1, -1) & 1).astype(np.float64)


def _classes(t: Array) -> Array:
    """The values 0 and 1 as class numbers, with `NO_CLASS` in place of NaN."""
    return np.where(np.isnan(t), NO_CLASS, np.nan_to_num(t)).astype(np.intp)


SEQUENCES: Mapping[str, Callable[..., Dataset]] = {"echo": echo, "parity": parity}
"""The generator of each set of sequences, by its name in a configuration."""
