"""How functions are compiled, and where the compiled code is cached for later processes.

Every kernel is defined at module level and calls the others as globals, because Numba's cache does
not find functions that were defined within another function. Numba compiles again when the file of
the function that Python calls has changed, but not when only a file of the functions that it calls
has. Therefore the cache is a folder named by a hash of all sources of the kernel's package and of
this one: a change in any of them leads to a new folder.

If the cache cannot be read, as after a power failure, or written, as on a full disk, the kernel is
compiled, with one `CompileCacheWarning`; the run continues.
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
"""Sums may be reordered, so that they can be vectorised; NaN and ∞ are computed correctly."""

EXACT = {"contract"}
"""Operations in the order written; only a product and a sum may be fused into one rounding.

It has to be given, because a function without a setting of its own gets that of its caller.
"""

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
"""Kernels create no arrays, so reference counting is off: it took longer than the arithmetic."""

_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Python never calls these kernels, so that they need no wrapper for it."""

_FOLDER = Path(__file__).parent


def entry(function: Callable[..., Any]) -> Any:
    """Compile a kernel that Python calls, at its first call or from the cache.

    It runs without Python's global lock. Its parameters are arrays or plain tuples, of which it
    makes named tuples itself, because recognising the type of a named tuple takes Numba half a
    microsecond longer in every call.
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
    """Compile a kernel that other kernels call; settings left out are those of its caller."""
    compiled: F = _njit(fastmath=fastmath, **inline, **_OPTIONS, **_INNER)(function)
    return compiled


def kernel(function: F) -> F:
    """Compile a kernel that other kernels call; its sums may be reordered."""
    return _inner(function, SUMS)


def part(function: F) -> F:
    """`kernel`, but inlined into its callers: for the few kernels that take most of the time."""
    return _inner(function, SUMS, forceinline=True)


def exact(function: F) -> F:
    """`kernel`, but with operations in the order written, for formulas chosen for precision.

    Reordered, eˣ − 1 = s p + (s − 1) would become (s p + s) − 1, without a correct digit near 0.
    """
    return _inner(function, EXACT)


def exact_part(function: F) -> F:
    """`exact`, but inlined into its callers."""
    return _inner(function, EXACT, forceinline=True)


def _wide_vectors(typingctx: Any) -> Any:
    """Ask for the processor's widest vectors in the function that calls this.

    LLVM prefers 256 bits where the processor has 512. This is only a preference, without effect
    on other processors. llvmlite rejects the attribute, so it is added with `set.add`.
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

    Numba does not check the files: half a file could crash the process or run as machine code.
    """

    def save(self, key: Any, data: Any) -> None:
        """Store the key with the code: another process may write the same file at once."""
        super().save(key, (key, data))

    def load(self, key: Any) -> Any:
        """The code of a key; None if there is none, or if the file has another key's code."""
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
    """Refuse a file that does not end in the SHA-256 of the bytes before."""
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:  # nothing was kept yet
        return
    if hashlib.sha256(content[:-32]).digest() != content[-32:]:
        raise _Damaged(f"{Path(path).name} does not hold what was written to it")


class _KernelCache(_FunctionCache):  # type: ignore[misc]
    """The compiled code of one kernel on disk; if it cannot be read, the kernel is compiled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file: Any = _CheckedFiles(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=self._impl.locator.get_source_stamp(),
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for a signature; None if there is none or it cannot be read."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # a damaged file can raise anything
            _warn_once(self._cache_path, f"cannot be read ({error}); it is made anew")
            with suppress(OSError):
                self.flush()  # the kernel is compiled now, and written again
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store the code for a signature, if it can be written."""
        try:
            super().save_overload(sig, data)
        except (OSError, _Damaged) as error:
            _warn_once(self._cache_path, f"cannot be written ({error})")


_warned: set[str] = set()


def _warn_once(folder: str, why: str) -> None:
    """Warn once per folder, however many kernels it holds."""
    if folder not in _warned:
        _warned.add(folder)
        message = f"the compile cache in {folder} {why}; compiling takes some seconds"
        warnings.warn(message, CompileCacheWarning, stacklevel=2)


@contextmanager
def _cache_folder(package: Path) -> Iterator[bool]:
    """Within this context Numba caches in this version's folder; yields whether there is one."""
    before, folder = _config.CACHE_DIR, cache_folder(package)
    _config.CACHE_DIR = before if folder is None else str(folder)
    try:
        yield folder is not None
    finally:
        _config.CACHE_DIR = before


def cache_folder(package: Path = _FOLDER) -> Path | None:
    """The cache folder for a package's compiled code, in the first place that can be written to.

    With ``NUMBA_CACHE_DIR`` in the environment only that place is tried, otherwise the package's
    own ``__pycache__`` and the user's cache; None if neither works, and every process compiles.

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
    """A hash of the package's sources and of this package's, whose kernels it may call."""
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
    """Remove the caches of other versions of the sources from the folder's parent."""
    for other in folder.parent.glob("kernels-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
