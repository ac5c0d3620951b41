"""Sampling text from a network that was trained to predict the next character."""

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
"""The most characters in one call; a larger number is taken for a typing error."""


def sample(
    run: Run, *, start: str = "", count: int = 200, temperature: float = 1.0, seed: int = 0
) -> Iterator[str]:
    """Draw one character after the other from the probabilities that the network outputs.

    The network's input is the last ``steps`` characters, as many as it had in training.

    Args:
        run: a run that was trained on a text and whose network ends in softmax.
        start: the beginning of the text; if empty, the first character is drawn uniformly.
        count: how many characters to draw.
        temperature: T ≥ 0. Characters are drawn with probabilities proportional to p^(1/T); T < 1
            favours the likely characters, and T = 0 always takes the most likely one.
        seed: the seed of the draws.

    Yields:
        The characters that follow ``start``.

    Raises:
        ChainruleError: the run is not of this kind, an argument is out of its range, or ``start``
            has a character that is not in the training text.
    """
    last = run.network.layers[-1]
    if "text" not in run.config.data or not (last.gives_distribution and last.gives_sequences):
        if not run.engine:  # read from an exported file
            raise ChainruleError(
                "an exported file does not say whether its network was trained on a text; "
                "sample from the run's folder"
            )
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
    """The probabilities of the next character, (characters,). Short input is padded at its end."""
    steps, features = run.network.input_shape
    window = np.array(text[-steps:])
    x = np.full((1, steps, features), np.nan)
    encoding = run.config.data.get("encoding") or "one_hot"
    x[0, : len(window)] = alphabet.inputs(window, encoding)
    _, y = run.network.evaluate(run.network.prepare_inputs(x))
    followed: Array = y.reshape(steps, -1)[len(window) - 1]
    return followed


def _choose(p: Array, temperature: float, rng: np.random.Generator) -> int:
    """An index drawn with probability proportional to p^(1/T); the most likely one for T = 0."""
    if temperature == 0:
        return int(p.argmax())
    with np.errstate(divide="ignore"):
        log_p = np.log(p.astype(np.float64)) / temperature
    weights = np.exp(log_p - log_p.max())
    return int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), side="right"))
