"""What every course's folder has: a README, modules whose examples hold, no mathematics twice."""

from __future__ import annotations

import ast
import doctest
from importlib import import_module

import pytest
from course_folders import COURSES, on_path

FOLDERS = sorted(path for path in COURSES.iterdir() if path.is_dir() and list(path.glob("*.py")))
MODULES = [(path.parent.name, path.stem) for f in FOLDERS for path in sorted(f.glob("*.py"))]

# Modules of a course that want a package the tests may be without.
NEEDS = {"ex2_pytorch": "torch"}


def test_all_five_are_there():
    assert [folder.name for folder in FOLDERS] == [
        "asu_eee598_lab3",
        "cmu_10601_hw5",
        "hlcv_ex2",
        "ntnu_it3030_p1",
        "psu_ist597_hw2",
    ]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_readme_names_every_script(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    for path in folder.glob("*.py"):
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8"):
            assert path.name in text, path.name


@pytest.mark.parametrize(("course", "module"), MODULES)
def test_examples_hold_and_every_module_says_what_it_is(course, module):
    pytest.importorskip(NEEDS.get(module, "numpy"))
    with on_path(course):
        found = import_module(module)
        assert found.__doc__
        assert doctest.testmod(found).failed == 0


@pytest.mark.parametrize(("course", "module"), MODULES)
def test_no_script_writes_out_what_the_library_computes(course, module):
    """An exponential, a matrix product or a logarithm in a door would be a second engine."""
    tree = ast.parse((COURSES / course / f"{module}.py").read_text(encoding="utf-8"))
    called = {
        n.func.attr for n in ast.walk(tree) if isinstance(n, ast.Call) and hasattr(n.func, "attr")
    }
    assert not called & {"exp", "tanh", "log", "log1p", "logaddexp", "dot", "matmul", "einsum"}
    assert not [
        n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.MatMult)
    ]
