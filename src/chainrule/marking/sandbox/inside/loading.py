"""Import a submission's modules, whole or their definitions alone."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

from .standins import Absent

_HARMLESS = (
    "np numpy math os int float complex bool str len range list dict tuple set frozenset min max "
    "sum abs round sorted zip enumerate map slice namedtuple partial lru_cache TypeVar field "
    "defaultdict OrderedDict Counter deque"
)
_CALLED = frozenset(_HARMLESS.split())
"""What a constant may call, besides the classes of its own file."""

LEFT_OUT: dict[str, tuple[str, int]] = {}
"""Names that a script sets at its top level and that were not set here: their file and line."""


def loaded(modules: Sequence[str], folder: str, load: str) -> dict[str, Any]:
    """The modules of a submission, by the names under which pieces of an assignment see them.

    ``layers.full`` is seen as ``full``, and its package as ``layers``.

    Args:
        modules: their dotted names.
        folder: the submission.
        load: ``all`` or ``definitions``.
    """
    if load == "definitions":
        sys.meta_path.insert(0, _Definitions(modules))
    found: dict[str, Any] = {}
    for name in modules:
        module = importlib.import_module(name)
        found[name.rpartition(".")[2]] = module
        found[name.partition(".")[0]] = sys.modules[name.partition(".")[0]]
    return found


class _Definitions(MetaPathFinder):
    def __init__(self, modules: Sequence[str]) -> None:
        self.modules = frozenset(modules)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in self.modules:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _DefinitionsLoader(spec.loader.name, spec.loader.path)
        return spec


class _DefinitionsLoader(SourceFileLoader):
    def source_to_code(  # type: ignore[override]
        self, data: Any, path: Any, *, _optimize: int = -1
    ) -> CodeType:
        """The code of a module without what it does at its top level."""
        return compile(definitions(ast.parse(data, path), self.name), path, "exec")

    def get_code(self, fullname: str) -> CodeType:
        """Always from the source: compiled files of a submission are not read."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)

    def exec_module(self, module: ModuleType) -> None:
        """Run it; a module that it imports and that is not here fails only where it is used."""
        module.__dict__["__absent__"] = Absent
        super().exec_module(module)


def definitions(tree: ast.Module, module: str = "") -> ast.Module:
    """The imports, functions, classes and constants of a module.

    A constant is a name that is set to what can be computed from constants, NumPy and the file's
    classes; where that fails it is left out.
    """
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    if "." not in module:
        _make_absolute(tree)
    kept = list(_kept(tree.body, classes | _CALLED))
    file = module.replace(".", "/") + ".py"
    whole = {id(node) for node in kept}
    for node in tree.body:
        if id(node) not in whole:
            for name in _names_set(node):
                LEFT_OUT.setdefault(name, (file, node.lineno))
    return ast.fix_missing_locations(
        ast.Module([_wrapped(node) for node in kept], tree.type_ignores)
    )


def _make_absolute(tree: ast.Module) -> None:
    """Let ``from .utils import f`` of a file that is run alone find the file beside it."""
    for k, node in enumerate(tree.body):
        if isinstance(node, ast.ImportFrom) and node.level:
            new = ast.Import(node.names) if node.module is None else node
            node.level = 0
            tree.body[k] = ast.copy_location(new, node)


def _kept(body: Sequence[ast.stmt], called: frozenset[str] | set[str]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(
            node,
            ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        ):
            yield node
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            if node.value is not None and _is_constant(node.value, called):
                yield node
        elif isinstance(node, ast.Try | ast.If) and (
            not (isinstance(node, ast.If) and "__name__" in ast.dump(node.test))
            and list(_kept(node.body, called)) == node.body
        ):
            yield node
        if isinstance(node, ast.Expr) and _is_seeding(node.value):
            yield node


def _is_constant(value: ast.expr, called: frozenset[str] | set[str]) -> bool:
    """Whether an expression calls nothing that could read, print or train."""
    todo: list[ast.AST] = [value]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Lambda):
            continue  # it is not run
        if isinstance(node, ast.Call) and _root(node.func) not in called:
            return False
        if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom):
            return False
        todo += ast.iter_child_nodes(node)
    return True


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_seeding(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func).endswith(
        ("random.seed", "seterr", "set_printoptions")
    )


def _names_set(node: ast.stmt) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id


def _wrapped(node: ast.stmt) -> ast.stmt:
    """A statement that is left out where it fails, as a constant or a missing import may."""
    handled: list[ast.stmt] = [ast.Pass()]
    if isinstance(node, ast.Import | ast.ImportFrom):
        if isinstance(node, ast.ImportFrom) and (
            node.level or node.module == "__future__" or node.names[0].name == "*"
        ):
            return node
        kind, handled = "ModuleNotFoundError", list(_absences(node))
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Try | ast.If):
        kind = "Exception"
    else:
        return node
    handler = ast.ExceptHandler(ast.Name(kind, ast.Load()), None, handled)
    return ast.copy_location(ast.Try([node], [handler], [], []), node)


def _absences(node: ast.Import | ast.ImportFrom) -> Iterator[ast.stmt]:
    for alias in node.names:
        name = alias.asname or alias.name.partition(".")[0]
        module = alias.name if isinstance(node, ast.Import) else node.module
        call = ast.Call(ast.Name("__absent__", ast.Load()), [ast.Constant(module)], [])
        yield ast.Assign([ast.Name(name, ast.Store())], call)
