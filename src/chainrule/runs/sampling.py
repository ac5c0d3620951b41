"""Text drawn from a network that was trained to predict the next character."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError
from chainrule.core.randomness import stream
from chainrule.data.readers.characters import Alphabet
from chainrule.runs.run import Run

MOST = 1_000_000
"""Characters in one call; a larger number is taken for a typing error."""


def sample(
    run: Run, *, start: str = "", count: int = 200, temperature: float = 1.0, seed: int = 0
) -> Iterator[str]:
    """Characters one after the other, each drawn from the probabilities that the network gives.

    The network sees the last ``steps`` characters, as it did in training.

    Args:
        run: of a network of characters that ends in softmax.
        start: what the text begins with; nothing for a character at random.
        count: how many characters follow.
        temperature: T of p^(1/T), which is drawn from: below 1 the likelier ones come more often,
            0 takes the likeliest alone.
        seed: of the draws.

    Yields:
        The characters behind ``start``.

    Raises:
        ChainruleError: this is no network of characters, or an argument is out of its range.
    """
    last = run.network.layers[-1]
    if "text" not in run.config.data or not (last.gives_distribution and last.gives_sequences):
        raise ChainruleError(
            "only a network that was trained on a text, and ends in softmax, tells characters"
        )
    if not 0 <= count <= MOST:
        raise ChainruleError(f"count must be from 0 to {MOST:,}, found {count}")
    if not (isfinite(temperature) and temperature >= 0):
        raise ChainruleError(f"temperature must be finite and at least 0, found {temperature}")
    alphabet = Alphabet.named(run.classes or ())
    unknown = [c for c in dict.fromkeys(start) if c not in alphabet.symbols]
    if unknown:
        names = ", ".join(Alphabet.of("".join(unknown)).names)
        raise ChainruleError(f"the start has characters that training never saw: {names}")
    return _drawn(run, alphabet, start, count, temperature, stream(seed, "sample"))


def _drawn(
    run: Run,
    alphabet: Alphabet,
    start: str,
    count: int,
    temperature: float,
    rng: np.random.Generator,
) -> Iterator[str]:
    text = [int(k) for k in alphabet.numbers(start)]
    for _ in range(count):
        if text:
            number = _choose(_next(run, alphabet, text), temperature, rng)
        else:
            number = int(rng.integers(len(alphabet)))
        text.append(number)
        yield alphabet.symbols[number]


def _next(run: Run, alphabet: Alphabet, text: list[int]) -> Array:
    """The probabilities of what follows, (characters,); a short text is padded at its end."""
    steps, features = run.network.input_shape
    window = np.array(text[-steps:])
    x = np.full((1, steps, features), np.nan)
    encoding = run.config.data.get("encoding") or "one_hot"
    x[0, : len(window)] = alphabet.inputs(window, encoding)
    _, y = run.network.evaluate(run.network.prepare_inputs(x))
    followed: Array = y.reshape(steps, -1)[len(window) - 1]
    return followed


def _choose(p: Array, temperature: float, rng: np.random.Generator) -> int:
    """A number drawn by p^(1/T); the likeliest for T = 0."""
    if temperature == 0:
        return int(p.argmax())
    with np.errstate(divide="ignore"):
        log_p = np.log(p.astype(np.float64)) / temperature
    weights = np.exp(log_p - log_p.max())
    return int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), side="right"))
