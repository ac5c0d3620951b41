"""The programs: each module has ``make(problem)``, which gives a function that trains.

That function takes the numbers of the first minibatch and of the one behind the last, runs them
from where it stands, and returns the loss of each as it ran, penalty included. Each is written
as somebody who knows the library well would write it for a network of one given form.
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
    """Where a program stands and what it needs.

    Attributes:
        module: of this package.
        library: what ``--peers`` calls it and what has to be installed.
        apart: whether it runs in processes of its own, one for each number of threads, because
            it cannot change that number later.
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
"""All programs in the order of the tables; ours first."""

OURS = "chainrule compiled"


def make(name: str, problem: Problem) -> Run:
    """The training function of one program, at the start of the problem."""
    module = import_module(f"benchmarks.programs.{PROGRAMS[name].module}")
    if PROGRAMS[name].module == "ours":
        return module.make(problem, name.split()[-1])
    return module.make(problem)


def reason_against(name: str) -> str | None:
    """Why a program cannot run here and how to change that; None where it can."""
    library = PROGRAMS[name].library
    if not find_spec(library):
        return f"{library} is not installed: pip install -e '.[peers]'"
    if name == "torch compiled" and not which("g++"):
        return "torch.compile needs a C++ compiler: install g++"
    return None
