"""Compiled code is found again by the next process, wherever the package lies."""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chainrule
from chainrule.core.errors import CompileCacheWarning
from chainrule.nn.kernels import jit

pytestmark = pytest.mark.exhaustive

PACKAGE = Path(chainrule.__file__).parent

RUN = """
import numpy as np
from chainrule import Dense, Network, Softmax
from chainrule.training.engines.compiled.engine import CompiledEngine
from chainrule.training.optimizers import SGD
network, sgd = Network([Dense(2), Softmax()], input=3), SGD()
sgd.bind(network.theta, network.gradients.vector, [(slice(0, 8), 0.1)])
x, t = np.ones((4, 3)), np.zeros(4, int)
engine = CompiledEngine(network, sgd, x, t, batch_size=1, classes=True)
engine.run(None, 0, 4)
from chainrule.training.engines.compiled.cases import run_cases
print(sum(run_cases.stats.cache_hits.values()), sum(run_cases.stats.cache_misses.values()))
"""


def hits_and_misses(source: Path, **places: str) -> tuple[int, int]:
    """How often a new process found compiled code, and how often it had to make it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")}
    environment |= {"PYTHONPATH": str(source), **places}
    result = subprocess.run(
        [sys.executable, "-c", RUN], capture_output=True, text=True, check=True, env=environment
    )
    hits, misses = result.stdout.split()
    return int(hits), int(misses)


@pytest.fixture
def source(tmp_path) -> Path:
    """A copy of the package, without what was ever compiled."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "source" / "chainrule", ignore=ignored)
    return tmp_path / "source"


def test_a_second_process_compiles_nothing_until_a_kernel_changes(source):
    assert hits_and_misses(source) == (0, 1)
    assert hits_and_misses(source) == (1, 0)
    kernels = source / "chainrule" / "training" / "engines" / "compiled"
    changed = kernels / "activations.py"  # not the file of the kernel that Python calls
    changed.write_text(changed.read_text() + "\n")
    assert hits_and_misses(source) == (0, 1)
    assert len(list((kernels / "__pycache__").glob("kernels-*"))) == 1


def test_a_package_that_cannot_be_written_to_uses_the_cache_of_the_user(source, tmp_path):
    own = source / "chainrule" / "training" / "engines" / "compiled" / "__pycache__"
    own.write_text("a file: no folder can be made here")
    places = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    assert hits_and_misses(source, **places) == (0, 1)
    assert hits_and_misses(source, **places) == (1, 0)
    assert list((tmp_path / "cache" / "chainrule").glob("kernels-*"))


def test_the_place_that_the_environment_names_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert jit.cache_folder().parent == tmp_path


def test_where_nothing_can_be_written_nothing_is_kept(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    assert jit.cache_folder() is None
    monkeypatch.setattr(jit, "_warned", set())
    with pytest.warns(CompileCacheWarning, match=f"{blocked} cannot be written to"):
        double = jit.entry(lambda x: 2 * x)
    assert double(4) == 8


def damaged(content: bytes) -> Iterator[bytes]:
    """What a failure of power, or of the disk, may leave of a file."""
    yield b""
    yield content[: len(content) // 2]
    yield content[:-1]
    yield bytes(len(content))
    middle = len(content) // 2
    yield content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def kernel_of_file(folder: Path, name: str) -> Any:
    """A kernel in a file of its own, as another process would find it."""
    source = folder / "kernels.py"
    source.write_text("def double(x):\n    return 2 * x\n")
    os.utime(source, (1, 1))
    spec = importlib.util.spec_from_file_location(name, source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return jit.entry(module.double)


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_damaged_cache_costs_a_compilation_and_one_line_that_names_it(
    kind, monkeypatch, tmp_path
):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    assert kernel_of_file(tmp_path, "first")(4) == 8
    (file,) = (tmp_path / "cache").rglob(f"*.{kind}")
    whole = file.read_bytes()
    for k, content in enumerate(damaged(whole)):
        file.write_bytes(content)
        monkeypatch.setattr(jit, "_warned", set())
        kernel = kernel_of_file(tmp_path, f"damaged_{k}")
        with pytest.warns(CompileCacheWarning) as found:
            assert kernel(4) == 8
        (warning,) = found
        assert str(file.parent) in str(warning.message)
        assert file.name in str(warning.message)
        again = kernel_of_file(tmp_path, f"again_{k}")
        assert again(4) == 8
        assert sum(again.stats.cache_hits.values()) == 1


def test_a_full_disk_costs_what_it_would_have_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(jit, "_warned", set())
    kernel = kernel_of_file(tmp_path, "full")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(kernel._cache._cache_file, "_open_for_write", refuse)
    with pytest.warns(CompileCacheWarning, match=r"cannot be written .*No space left"):
        assert kernel(4) == 8
    assert not list((tmp_path / "cache").rglob("*.nb*"))
