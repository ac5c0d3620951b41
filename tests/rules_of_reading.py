"""What no module may do that could read a stranger's file; by the syntax of the code.

Each rule is a function from a node of the syntax to what is wrong with it. The places where a
rule does not apply are listed, each with its reason, and none is kept that is not needed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src/chainrule", "courses")

ALLOWED = {
    (
        "src/chainrule/runs/passed.py",
        "pickle",
    ): "data that a caller passed go to worker processes through a pipe, and are in no file",
    ("src/chainrule/__init__.py", "import by a name"): "a table of our own public names",
    ("src/chainrule/nn/__init__.py", "import by a name"): "a table of public names, as above",
    ("src/chainrule/core/registry.py", "import by a name"): "tables of ours, filled in our code",
    ("src/chainrule/gradients/checking.py", "import by a name"): "two modules of ours, by library",
    ("src/chainrule/plots/save.py", "import by a name"): "matplotlib's own backend for the screen",
    (
        "src/chainrule/marking/own/functions.py",
        "an error passed over",
    ): "inputs are tried on a function until it runs with some; its error with the others is none",
    (
        "src/chainrule/marking/program.py",
        "code that is run",
    ): "rules of our own tables; no text of a submission or of an assignment comes there",
    (
        "src/chainrule/marking/programs/descent.py",
        "code that is run",
    ): "rules of our own tables, put together to a loop's body",
    (
        "src/chainrule/marking/sandbox/inside/calling.py",
        "code that is run",
    ): "within the sandbox, where code that nobody trusts is run on purpose",
    (
        "src/chainrule/marking/sandbox/inside/loading.py",
        "code that is run",
    ): "within the sandbox: a submission's definitions",
    (
        "src/chainrule/marking/sandbox/inside/loading.py",
        "import by a name",
    ): "the modules of a submission, within the sandbox",
    (
        "src/chainrule/marking/sandbox/inside/server.py",
        "import by a name",
    ): "a list of ours of the standard library's and NumPy's modules, before any job",
}
"""Where a rule does not apply, and why."""

_PICKLES = ("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
_RUNS = ("eval", "exec", "compile", "__import__", "execfile")
_YAML = ("yaml", "oyaml", "pyyaml")
_LOADS = ("torch.load", "pandas.read_pickle", "pd.read_pickle")
_SYSTEM = ("os.system", "os.popen", "commands.getoutput", "subprocess.getoutput")
_UNPACKS = ("extract", "extractall", "unpack_archive")
_OF_FILES = ("filename", "arcname", "orig_filename")


def dotted(node: ast.AST) -> str:
    """A name as it is written, such as ``np.load``; nothing for other expressions."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return ""


def _argument(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)


def _is(value: ast.expr | None, constant: object) -> bool:
    return isinstance(value, ast.Constant) and value.value is constant


def imports(node: ast.AST) -> str | None:
    """No module that unpickles, and no YAML but ruamel's parser."""
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    for name in names:
        top = name.partition(".")[0]
        if top in _PICKLES:
            return "pickle"
        if top in _YAML:
            return "another YAML"
    return None


def runs(node: ast.AST) -> str | None:
    """Nothing is evaluated or run, and imported only by a name that stands in the code."""
    if not isinstance(node, ast.Call):
        return None
    name = dotted(node.func)
    if name in _RUNS or name.startswith("builtins."):
        return "code that is run"
    if name.rpartition(".")[2] in ("import_module", "__import__"):
        module = node.args[0] if node.args else None
        if isinstance(module, ast.Constant):
            return None
        return "import by a name"
    return None


def loads(node: ast.AST) -> str | None:
    """No reader that unpickles, no YAML loader that constructs, no fallback to one."""
    if not isinstance(node, ast.Call):
        return None
    name = dotted(node.func)
    if name in _LOADS:
        return "pickle"
    allow = _argument(node, "allow_pickle")
    if allow is not None and not _is(allow, False):
        return "pickle"
    if name.rpartition(".")[2] == "YAML":
        kind = _argument(node, "typ")
        if not (isinstance(kind, ast.Constant) and kind.value in ("safe", None)):
            return "another YAML"
    if name.rpartition(".")[2] in ("unsafe_load", "full_load", "load_all"):
        return "another YAML"
    return None


def starts(node: ast.AST) -> str | None:
    """No shell."""
    if not isinstance(node, ast.Call):
        return None
    shell = _argument(node, "shell")
    if dotted(node.func) in _SYSTEM or (shell is not None and not _is(shell, False)):
        return "shell"
    return None


def paths(node: ast.AST) -> str | None:
    """No path from a name in an archive, and no archive unpacked into a folder."""
    if isinstance(node, ast.Call):
        if dotted(node.func).rpartition(".")[2] in _UNPACKS:
            return "path"
        parts = [*node.args] if dotted(node.func) in ("open", "Path", "os.path.join") else []
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        parts = [node.left, node.right]
    else:
        return None
    inside = (inner for part in parts for inner in ast.walk(part))
    return "path" if any(getattr(inner, "attr", "") in _OF_FILES for inner in inside) else None


def laxer(node: ast.AST) -> str | None:
    """A failed reading is told, not tried again in another way: no bare ``except: pass``."""
    if not isinstance(node, ast.ExceptHandler):
        return None
    whole = node.type is None or dotted(node.type) in ("Exception", "BaseException")
    passes = all(isinstance(inner, ast.Pass | ast.Continue) for inner in node.body)
    return "an error passed over" if whole and passes else None


RULES: tuple[Callable[[ast.AST], str | None], ...] = (imports, runs, loads, starts, paths, laxer)


def broken(source: str) -> Iterator[tuple[int, str]]:
    """The line and the rule of every breach in a module's text."""
    for node in ast.walk(ast.parse(source)):
        for rule in RULES:
            if found := rule(node):
                yield getattr(node, "lineno", 0), found


def sources() -> Iterator[Path]:
    """Every module that is looked at."""
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def breaches() -> dict[tuple[str, str], list[int]]:
    """The lines of all breaches, by file and rule."""
    found: dict[tuple[str, str], list[int]] = {}
    for path in sources():
        for line, rule in broken(path.read_text(encoding="utf-8")):
            found.setdefault((path.relative_to(ROOT).as_posix(), rule), []).append(line)
    return found
