"""The house keeps its order: an import points to a lower floor, and no files import each other."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule import Dense, Network, Softmax

PACKAGE = Path(chainrule.__file__).parent

WINGS = [
    ["cli"],
    ["inspector", "marking"],
    ["runs"],
    ["config", "estimators", "explain", "gradients", "peers", "plots"],
    ["training", "autodiff"],
    ["nn", "data"],
    ["core"],
]
"""The folders of the package from the top floor down; those of one floor know nothing of each
other."""

FLOOR = {wing: floor for floor, wings in enumerate(WINGS) for wing in wings}

LOOSE = {"__init__", "__main__", "_version"}
"""The only modules outside a folder: the public names, the program, the version."""


def module_name(path: Path) -> str:
    """The module of a file of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(path: Path) -> set[str]:
    """The modules of the package that a file imports, in functions and for type checking too.

    Names that a package's ``__init__`` gives count as an import of that ``__init__``; the packages
    that a module lies in do not count.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "chainrule":
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in FILES else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {
                alias.name for alias in node.names if alias.name.split(".")[0] == "chainrule"
            }
    return found


IMPORTS = {name: imports_of(path) for name, path in FILES.items()}


def wing_of(module: str) -> str:
    """The folder that a module lies in, or its own name."""
    return module.split(".")[1] if "." in module else "__init__"


def test_every_file_lies_in_a_wing():
    assert {wing_of(module) for module in FILES} == {*FLOOR, *LOOSE}


@pytest.mark.parametrize("module", [m for m in FILES if wing_of(m) in FLOOR])
def test_imports_point_down(module):
    own = wing_of(module)
    others = {wing_of(other) for other in IMPORTS[module]} & {*FLOOR} - {own}
    wrong = {other for other in others if FLOOR[other] <= FLOOR[own]}
    assert not wrong, f"{module} imports from {wrong}, which do not stand below {own}"


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Groups of modules each of which is reached from every other of its group."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        todo = [start]
        while todo:
            new = graph.get(todo.pop(), set()) - found
            found |= new
            todo += new
        return found

    from_each = {module: reached(module) for module in graph}
    groups = [{o for o in found if m in from_each.get(o, ())} for m, found in from_each.items()]
    return [group for k, group in enumerate(groups) if group and group not in groups[:k]]


def test_a_circle_is_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}}) == [{"b", "c"}, {"d"}]


def test_no_files_import_each_other():
    assert circles(IMPORTS) == []


LONGEST = 8
"""The most entries in a row that import each the next, with what is built on the package."""


def test_the_longest_chain_of_entries_is_short():
    graph = {}
    for module, found in IMPORTS.items():
        graph.setdefault(wing_of(module), set()).update(wing_of(other) for other in found)
    for folder in ("courses", "proof"):
        files = (PACKAGE.parents[1] / folder).rglob("*.py")
        graph[folder] = {wing_of(other) for path in files for other in imports_of(path)}

    def longest(entry: str) -> int:
        return 1 + max(
            (longest(other) for other in graph.get(entry, ()) if other != entry), default=0
        )

    assert max(map(longest, graph)) <= LONGEST


def modules_after(code: str) -> set[str]:
    """The top-level modules that are loaded once ``code`` has run in a new process."""
    loaded = "sorted({m.split('.')[0] for m in sys.modules})"
    script = f"{code}\nimport json, sys\nprint(json.dumps({loaded}))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(result.stdout.splitlines()[-1]))


def test_import_of_the_package_loads_nothing():
    loaded = modules_after("import chainrule; chainrule.__version__")
    assert not loaded & {"numpy", "pydantic", "typer"}


def test_help_needs_no_numpy():
    loaded = modules_after("import chainrule.cli.main")
    assert not loaded & {"numpy", "pydantic", "ruamel", "matplotlib"}


def test_network_needs_numpy_alone():
    loaded = modules_after("from chainrule import Network")
    assert not loaded & {"pydantic", "ruamel", "matplotlib", "scipy", "rich", "typer"}


def test_every_public_name_is_found():
    for name in chainrule.__all__:
        assert getattr(chainrule, name) is not None
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        chainrule.nothing_of_this_name  # noqa: B018


def test_a_pass_through_a_small_network_stays_within_nine_files():
    """What is read together stands together: whoever follows both passes opens no more files."""
    network = Network([Dense(4, "tanh"), Dense(3), Softmax()], input=2, seed=1)
    x, t, files = np.ones((5, 2)), [0, 1, 2, 0, 1], set()

    def called(frame, event, argument):
        path = Path(frame.f_code.co_filename)
        if event == "call" and PACKAGE in path.parents:
            files.add(str(path.relative_to(PACKAGE)))

    sys.setprofile(called)
    try:
        network.forward_pass(x)
        network.backward_pass(t)
    finally:
        sys.setprofile(None)
    assert {"nn/network.py", "nn/layers/dense.py", "nn/layers/softmax.py"} < files
    assert len(files) <= 9, sorted(files)
