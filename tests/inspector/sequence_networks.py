"""Networks with layers that have states, in every variant, and data, for the inspector's tests."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule import Network
from chainrule.core.arrays import Array
from chainrule.nn import GRU, LSTM, Dense, Recurrent, Softmax

KINDS: dict[str, Any] = {"recurrent": Recurrent, "lstm": LSTM, "gru": GRU}


def data(rng: np.random.Generator, steps: int, *, padded: bool) -> Array:
    """Four sequences of two features, some shorter if they are padded."""
    x = rng.normal(size=(4, steps, 2))
    if padded:
        x[1, 2:] = np.nan
        x[2, 1:] = np.nan
    return x


def network(kind: str, rng: np.random.Generator, steps: int, **options: Any) -> Network:
    """Two layers with states and a dense one, or one that puts out its last state."""
    layer = KINDS[kind]
    size = 3 if kind == "recurrent" else 2
    last = options.get("outputs") == "last"
    below = [] if last else [layer(size, truncate=options.get("truncate"))]
    layers = [*below, layer(size, **options), *([Dense(2), Softmax()] if last else [])]
    loss = "cross_entropy" if last else "mse"
    made = Network(layers, input=[steps, 2], loss=loss, seed=int(rng.integers(99)))
    made.theta[:] += rng.normal(scale=0.3, size=made.theta.size)
    return made


def variants(rng: np.random.Generator) -> Iterator[tuple[str, Network, Array, Array]]:
    """A name, a network, its inputs and its targets."""
    steps = 4
    for kind in KINDS:
        starts = [0.3 * (k + 1) for k in range({"recurrent": 3, "gru": 2, "lstm": 4}[kind])]
        for options in (
            {},
            {"truncate": 2},
            {"start": "learnt", "bias": False},
            {"outputs": "last", "start": starts},
            {"outputs": "last", "truncate": 2, "start": "learnt", "penalty": {"L2": 0.1}},
            {"truncate": 3, "start": starts},
            *([{"activation": "linear", "outputs": "last"}] if kind == "recurrent" else []),
        ):
            for padded in (False, True):
                made = network(kind, rng, steps, **options)
                x = data(rng, steps, padded=padded)
                t = rng.integers(0, 2, 4) if options.get("outputs") else _targets(rng, made, x)
                yield f"{kind} {options} {'padded' * padded}", made, x, t


def _targets(rng: np.random.Generator, made: Network, x: Array) -> Array:
    t = rng.normal(size=(*x.shape[:2], made.layers[-1].size))
    t[np.isnan(x[..., 0])] = np.nan
    return t
