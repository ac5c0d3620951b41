"""Returns arrays that are small until someone copies them, and numbers without end."""

import numpy as np


class Endless(list):
    def __iter__(self):
        while True:
            yield 1.0


ANSWER = (
    np.broadcast_to(1.0, (10**6, 10**6)),
    {
        "W1": np.lib.stride_tricks.as_strided(np.zeros(1), (10**9, 10**9), (0, 0)),
        "b1": 10**100_000,
        "W2": Endless([1.0]),
        "b2": [[[[1.0] * 100] * 100] * 100] * 100,
    },
)


def attack():
    return None
