"""How a function becomes compiled code, and where that code is kept for the next process.

Every kernel is defined at the level of its module and calls the others as globals: Numba does not
find compiled code again whose function was defined within another. It compiles anew when the file
of the function that Python calls has changed, but not when a file of the functions called from
there has. Therefore compiled code is kept in a folder that is named by a hash of all sources of
its package and of this one: after a change in any of them there is a new folder.

Code that cannot be read, as after a power failure, or written, as on a full disk, costs a
compilation and one `CompileCacheWarning`, but never ends the run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, TypeVar

import numba
from numba import types as _types
from numba.core import caching as _caching
from numba.extending import intrinsic as _intrinsic

from chainrule.core.errors import CompileCacheWarning

_njit: Any = numba.njit
_config: Any = numba.config
_FunctionCache: Any = _caching.FunctionCache
_IndexDataCacheFile: Any = _caching.IndexDataCacheFile

F = TypeVar("F", bound=Callable[..., Any])

SUMS = {"reassoc", "nsz", "contract"}
"""Sums may be taken in another order, so that they run in vectors; NaN and ∞ stay as they are."""

EXACT = {"contract"}
"""Every operation as written, but for a product and a sum rounded once together.

It has to be given: a function without a setting of its own is compiled with its caller's.
"""

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
"""Kernels make no arrays, so none need be counted: counting took longer than the arithmetic."""

_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Python never calls these, so it needs no way to."""

_FOLDER = Path(__file__).parent


def entry(function: Callable[..., Any]) -> Any:
    """Compile a kernel that Python calls, when it is first called or found in the cache.

    While it runs, other threads of Python may run as well. It takes arrays or plain tuples and
    makes named tuples of them itself: in every call, recognising the type of a named tuple takes
    Numba half a microsecond longer.
    """
    compiled = _njit(fastmath=SUMS, no_cfunc_wrapper=True, nogil=True, **_OPTIONS)(function)
    with _cache_folder(Path(function.__code__.co_filename).parent) as kept:
        if kept:
            with suppress(OSError, RuntimeError):  # Numba finds no place after all
                compiled._cache = _KernelCache(function)
        else:
            where = os.environ.get("NUMBA_CACHE_DIR", "the user's cache folder")
            _warn_once(where, "cannot be written to")
    return compiled


def _inner(function: F, fastmath: set[str], **inline: bool) -> F:
    """Compile a kernel that other kernels call; what is not set here it takes from its caller."""
    compiled: F = _njit(fastmath=fastmath, **inline, **_OPTIONS, **_INNER)(function)
    return compiled


def kernel(function: F) -> F:
    """Compile a kernel that other kernels call; sums in any order."""
    return _inner(function, SUMS)


def part(function: F) -> F:
    """`kernel`, as a part of what calls it: for the few that take most of the time."""
    return _inner(function, SUMS, forceinline=True)


def exact(function: F) -> F:
    """`kernel`, with every operation as written: for formulas that were chosen for precision.

    In another order eˣ − 1 = s p + (s − 1) would become (s p + s) − 1, without a digit near 0.
    """
    return _inner(function, EXACT)


def exact_part(function: F) -> F:
    """`exact`, as a part of what calls it."""
    return _inner(function, EXACT, forceinline=True)


def _wide_vectors(typingctx: Any) -> Any:
    """Ask for the processor's widest vectors in the function that calls this.

    LLVM prefers 256 bits where the processor has 512. It is a preference: where there are no such
    registers it changes nothing. llvmlite knows no such attribute, but a set takes it.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return _types.void(), generate


wide_vectors: Any = _intrinsic(_wide_vectors)


class _Damaged(Exception):
    """A file of the cache does not hold what was written."""


class _CheckedFiles(_IndexDataCacheFile):  # type: ignore[misc]
    """Numba's files of compiled code, each followed by the SHA-256 of its content.

    Numba takes whatever it finds: half a file would end the process, or be run as machine code.
    """

    def save(self, key: Any, data: Any) -> None:
        """Keep the key beside the code: of two processes that write at once, one may win."""
        super().save(key, (key, data))

    def load(self, key: Any) -> Any:
        """The code of a key; None where there is none, or that of another key."""
        found, data = super().load(key) or (None, None)
        return data if found == key else None

    def _load_index(self) -> Any:
        _require_whole(self._index_path)
        return super()._load_index()

    def _load_data(self, name: str) -> Any:
        _require_whole(self._data_path(name))
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, path: str) -> Iterator[BinaryIO]:
        content = BytesIO()
        with super()._open_for_write(path) as file:
            yield content
            file.write(content.getvalue() + hashlib.sha256(content.getvalue()).digest())


def _require_whole(path: str) -> None:
    """Refuse a file that does not end in the SHA-256 of what stands before it."""
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:  # nothing was kept yet
        return
    if hashlib.sha256(content[:-32]).digest() != content[-32:]:
        raise _Damaged(f"{Path(path).name} does not hold what was written to it")


class _KernelCache(_FunctionCache):  # type: ignore[misc]
    """The compiled code of one kernel on disk; where it fails, the kernel is compiled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file: Any = _CheckedFiles(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=self._impl.locator.get_source_stamp(),
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for a signature; None where there is none, or none that can be read."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # whatever the bytes made of a reader that trusts them
            _warn_once(self._cache_path, f"cannot be read ({error}); it is made anew")
            with suppress(OSError):
                self.flush()  # what is compiled now is written anew
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code for a signature, if it can be written."""
        try:
            super().save_overload(sig, data)
        except (OSError, _Damaged) as error:
            _warn_once(self._cache_path, f"cannot be written ({error})")


_warned: set[str] = set()


def _warn_once(folder: str, why: str) -> None:
    """One line for a folder, however many kernels it keeps."""
    if folder not in _warned:
        _warned.add(folder)
        message = f"the compile cache in {folder} {why}; compiling takes some seconds"
        warnings.warn(message, CompileCacheWarning, stacklevel=2)


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
