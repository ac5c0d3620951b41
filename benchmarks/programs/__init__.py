"""The programs to be timed: each module has ``make(problem)``, which returns a training function.

The function takes ``first`` and ``last``, trains on minibatches ``first`` to ``last`` − 1 from its
present weights, and returns the loss of each, penalty included. Each program is written as an
expert of its library would write it for one given network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from shutil import which
from typing import NamedTuple

import numpy as np

from benchmarks.workloads import Problem

Run = Callable[[int, int], np.ndarray]


class Program(NamedTuple):
    """The module of a program, and what it needs.

    Attributes:
        module: of this package.
        library: the package that has to be installed, which is also its name in ``--peers``.
        apart: whether it needs a process of its own for each number of threads, because it
            cannot change that number later.
    """

    module: str
    library: str
    apart: bool = False


PROGRAMS: Mapping[str, Program] = {
    "chainrule compiled": Program("ours", "chainrule"),
    "chainrule numpy": Program("ours", "chainrule"),
    "torch eager": Program("torch_eager", "torch"),
    "torch compiled": Program("torch_compiled", "torch"),
    "torch by hand": Program("torch_by_hand", "torch"),
    "JAX scan": Program("jax_scan", "jax", apart=True),
    "scikit-learn": Program("sklearn_mlp", "sklearn"),
    "NumPy": Program("plain_numpy", "numpy"),
    "NumPy, out=": Program("buffered_numpy", "numpy"),
}
"""All programs, in the order of the tables."""

OURS = "chainrule compiled"


def make(name: str, problem: Problem) -> Run:
    """The training function of one program, with the initial weights of the problem."""
    module = import_module(f"benchmarks.programs.{PROGRAMS[name].module}")
    if PROGRAMS[name].module == "ours":
        return module.make(problem, name.split()[-1])
    return module.make(problem)


def reason_against(name: str) -> str | None:
    """Why a program cannot run here, and what to install; None if it can."""
    library = PROGRAMS[name].library
    if not find_spec(library):
        return f"{library} is not installed: pip install -e '.[peers]'"
    if name == "torch compiled" and not which("g++"):
        return "torch.compile needs a C++ compiler: install g++"
    return None
