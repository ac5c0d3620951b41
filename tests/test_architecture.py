"""The house keeps its order: an import points down the list, never up."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule

PACKAGE = Path(chainrule.__file__).parent

# From the ground up; a module imports only from entries above its own.
ORDER = [
    "_version",
    "limits",
    "errors",
    "tables",
    "lazy_table",
    "files",
    "json_text",
    "randomness",
    "parameters",
    "loops",
    "windows",
    "jacobians",
    "activations",
    "targets",
    "losses",
    "penalties",
    "initializers",
    "autodiff",
    "sequences",
    "image_jacobians",
    "layers",
    "wiring",
    "chain",
    "inputs_and_targets",
    "layered",
    "network",
    "description",
    "network_graph",
    "optimizers",
    "clipping",
    "schedules",
    "scores",
    "torch_bridge",
    "engines",
    "peers",
    "gradients",
    "registration",
    "interrupts",
    "training",
    "tracing",
    "data",
    "config",
    "plots",
    "tensor_file",
    "checkpoint",
    "run_folder",
    "fitting",
    "assembly",
    "resuming",
    "runs",
    "sampling",
    "sweeps",
    "comparison",
    "cli",
    "__main__",
]


def entry_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_entries(path: Path) -> set[str]:
    """The entries that a file imports from, inside functions too, for type checking too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chainrule"):
            module = node.module.split(".")
            names |= {module[1]} if len(module) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            modules = [alias.name.split(".") for alias in node.names]
            names |= {m[1] for m in modules if m[0] == "chainrule" and len(m) > 1}
    return names


FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE or p.stem != "__init__")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path):
    own = ORDER.index(entry_of(path))
    above = {name for name in imported_entries(path) if ORDER.index(name) > own}
    assert not above, f"{path.name} imports from {above}, which stand below it"


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
