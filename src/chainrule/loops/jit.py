"""How a function becomes compiled code, and where that code is kept for the next process.

Every kernel stands at the level of its module and calls the others as globals: compiled code
made within a function is never found again. Numba looks at the file of the function that
Python calls, and not at the files of those it calls in turn; so the code lies in a folder
that is named by the sources of all kernels of its package and of this one, and a change in any
of them makes a new one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeVar

import numba
from numba import types as _types
from numba.extending import intrinsic as _intrinsic

_njit: Any = numba.njit
_config: Any = numba.config

F = TypeVar("F", bound=Callable[..., Any])

SUMS = {"reassoc", "nsz", "contract"}
"""Sums may be taken in another order, so that they run in vectors; NaN and ∞ stay as they are."""

EXACT = {"contract"}
"""Every operation as written, but for a product and a sum rounded once together.

It has to be asked for: a function that asks for nothing is compiled as its caller is.
"""

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
"""Kernels make no arrays, so none need be counted: counting took longer than the arithmetic."""

_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Python never calls these, so it needs no way to."""

_FOLDER = Path(__file__).parent


def entry(function: F) -> F:
    """Compile a kernel that Python calls, when it is first called or found in the cache.

    While it runs other threads of Python may run as well.
    """
    with _cache_folder(Path(function.__code__.co_filename).parent) as kept:
        jit = _njit(cache=kept, fastmath=SUMS, no_cfunc_wrapper=True, nogil=True, **_OPTIONS)
        compiled: F = jit(function)
    return compiled


def kernel(function: F) -> F:
    """Compile a kernel that other kernels call; sums in any order."""
    compiled: F = _njit(fastmath=SUMS, **_OPTIONS, **_INNER)(function)
    return compiled


def part(function: F) -> F:
    """`kernel`, as a part of what calls it: for the few that take most of the time."""
    compiled: F = _njit(fastmath=SUMS, forceinline=True, **_OPTIONS, **_INNER)(function)
    return compiled


def exact(function: F) -> F:
    """`kernel`, with every operation as written: for formulas that were chosen for precision.

    In another order eˣ − 1 = s p + (s − 1) would become (s p + s) − 1, without a digit near 0.
    """
    compiled: F = _njit(fastmath=EXACT, **_OPTIONS, **_INNER)(function)
    return compiled


def _wide_vectors(typingctx: Any) -> Any:
    """Ask for the processor's widest vectors in the function that calls this.

    LLVM prefers 256 bits where the processor has 512. It is a preference: where there are no such
    registers it changes nothing. llvmlite knows no such attribute, but a set takes it.
    """

    def say(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return _types.void(), say


wide_vectors: Any = _intrinsic(_wide_vectors)


@contextmanager
def _cache_folder(package: Path) -> Iterator[bool]:
    """While this lasts, Numba keeps code in this version's folder; whether there is one."""
    before, folder = _config.CACHE_DIR, cache_folder(package)
    _config.CACHE_DIR = before if folder is None else str(folder)
    try:
        yield folder is not None
    finally:
        _config.CACHE_DIR = before


def cache_folder(package: Path = _FOLDER) -> Path | None:
    """Where compiled code of a package is kept: the first place that can be written to.

    The folder that the environment names in ``NUMBA_CACHE_DIR``, the package's own
    ``__pycache__``, the user's cache; None where no place is left, and every process compiles.

    Args:
        package: the folder of the kernels.
    """
    own = package / "__pycache__"
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    named = os.environ.get("NUMBA_CACHE_DIR")
    for place in [Path(named)] if named else [own, Path(home, "chainrule")]:
        folder = place / f"kernels-{_fingerprint(package)}"
        if _is_writable(folder):
            if place == own:
                _remove_others(folder)
            return folder
    return None


def _fingerprint(package: Path) -> str:
    """Of the sources of all kernels that its kernels may call."""
    digest = hashlib.sha256()
    for path in sorted({*_FOLDER.glob("*.py"), *package.glob("*.py")}):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _remove_others(folder: Path) -> None:
    """Beside the sources only the code of these very sources is of use."""
    for other in folder.parent.glob("kernels-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
