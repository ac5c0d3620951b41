"""Randomness as a tree: one seed, and a named stream for every consumer.

Each consumer (a layer's weights, the shuffle, the data generator) draws from its own child
stream, so that adding a layer changes neither the data nor the weights of the other layers.
No global random state is read or written.
"""

from __future__ import annotations

import numpy as np

from chainrule.core.arguments import is_whole
from chainrule.core.errors import ConfigError, shown


def stream(seed: int, *names: str) -> np.random.Generator:
    """The random stream that belongs to ``names`` under ``seed``.

    Args:
        seed: the run's seed, an integer of at least 0.
        names: the path of the consumer, as in ``stream(1, "weights", "dense_1")``.

    Returns:
        A new generator: the same seed and names give the same numbers on any machine;
        other names give independent ones.

    Raises:
        ConfigError: the seed is not a whole number of at least 0.

    Example:
        >>> a, b = stream(1, "shuffle"), stream(1, "shuffle")
        >>> bool(a.random() == b.random())
        True
        >>> bool(stream(1, "shuffle").random() == stream(1, "weights").random())
        False
    """
    from hashlib import sha256

    if not is_whole(seed) or seed < 0:
        raise ConfigError(f"a seed is a whole number of at least 0, found {shown(seed)}")
    digest = sha256("/".join(names).encode()).digest()
    key = tuple(int.from_bytes(digest[k : k + 4], "little") for k in range(0, 16, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
