"""Makes NumPy find everything equal, and everything that reads arrays give others."""

import numpy as np


def yes(*arguments, **options):
    return True


def attack():
    for name in ("allclose", "array_equal", "isclose", "array_equiv", "equal", "all"):
        setattr(np, name, yes)
    for name in ("assert_allclose", "assert_array_equal", "assert_almost_equal"):
        setattr(np.testing, name, yes)
    np.frombuffer = lambda *_, **__: np.zeros(3)
    np.random.default_rng = np.random.RandomState = None
