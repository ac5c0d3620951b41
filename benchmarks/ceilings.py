"""The peak speed of the machine: products of two 2048 × 2048 matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from time import perf_counter

import numpy as np

from benchmarks.runners import set_threads

SIZE = 2048
ROUNDS = 5


def ceilings(
    threads: Sequence[int], *, quick: bool = False
) -> dict[str, dict[str, dict[str, float]]]:
    """Peak GF/s by library, dtype and number of threads.

    Args:
        threads: the numbers of threads.
        quick: whether to use smaller matrices, fewer rounds, and only NumPy.
    """
    size, rounds = (1024, 3) if quick else (SIZE, ROUNDS)
    libraries = {"numpy": _numpy_product}
    if find_spec("torch") and not quick:
        libraries["torch"] = _torch_product
    return {
        library: {
            dtype: {
                str(count): _speed(make(size, dtype), size, count, rounds) for count in threads
            }
            for dtype in ("float32", "float64")
        }
        for library, make in libraries.items()
    }


def _speed(product: Callable[[], object], size: int, threads: int, rounds: int) -> float:
    set_threads(threads)
    seconds = []
    for _ in range(rounds + 1):
        start = perf_counter()
        product()
        seconds.append(perf_counter() - start)
    return 2 * size**3 / min(seconds[1:]) / 1e9


def _operands(size: int, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((size, size)).astype(dtype) for _ in range(2))
    return a, b, np.empty_like(a)


def _numpy_product(size: int, dtype: str) -> Callable[[], object]:
    a, b, out = _operands(size, dtype)
    return lambda: np.dot(a, b, out=out)


def _torch_product(size: int, dtype: str) -> Callable[[], object]:
    import torch

    a, b, out = (torch.from_numpy(m) for m in _operands(size, dtype))
    return lambda: torch.mm(a, b, out=out)


def ceiling(
    measured: Mapping[str, Mapping[str, Mapping[str, float]]], dtype: str, threads: str
) -> float:
    """The peak of the machine: that of the fastest library.

    Args:
        measured: the result of `ceilings`.
        dtype: of the numbers.
        threads: the number of threads, as text.
    """
    return max(dtypes[dtype][threads] for dtypes in measured.values())


def highest(
    before: Mapping[str, Mapping[str, Mapping[str, float]]],
    now: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> dict[str, dict[str, dict[str, float]]]:
    """The higher of two measurements of each peak; other work can only make one too low."""
    return {
        library: {
            dtype: {
                threads: max(speed, before.get(library, {}).get(dtype, {}).get(threads, 0.0))
                for threads, speed in speeds.items()
            }
            for dtype, speeds in dtypes.items()
        }
        for library, dtypes in {**before, **now}.items()
    }
