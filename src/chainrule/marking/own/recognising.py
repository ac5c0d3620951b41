"""What is in a submission's file: which course's interface it has, or which pairs of functions.

Files are read by their names alone, as syntax: nothing of a submission is imported here.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chainrule.core.errors import ConfigError, Problem, nearest
from chainrule.marking.assignments.assignment import Part
from chainrule.marking.own.layer_calls import Defined, function_part, layer_parts, loss_part
from chainrule.marking.programs.functions import known_name


@dataclass(frozen=True)
class Check:
    """A function that looks like a gradient check, or like a numeric gradient.

    Attributes:
        module: the file's name without its ending.
        name: of the function.
        parameters: the names of those without a default value.
    """

    module: str
    name: str
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """A function and its gradient that no table knows: only numeric differentiation judges them.

    Attributes:
        module: the file's name without its ending.
        forward: the name of the function.
        backward: the name of its gradient; None where the function returns its gradients itself.
        parameters: of the function, those without a default value.
        needs: the arguments that the gradient needs.
        kind: ``layer``, ``elementwise`` or ``loss``, as far as the names tell.
    """

    module: str
    forward: str
    backward: str | None
    parameters: tuple[str, ...]
    needs: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class Recognised:
    """What a submission is.

    Attributes:
        interface: ``HLCV``, ``PSU``, ``ASU``, ``CMU``, ``NTNU``, ``functions``, or empty where
            there is nothing that could be judged.
        why: by what it was recognised, as in a sentence.
        assignment: the shipped assignment that fits; empty where the parts are given here.
        files: of a course: which file stands for which of the assignment's, where it is named
            otherwise.
        parts: of functions: how each pair is judged.
        unknown: pairs that no table knows.
        checks: gradient checks and numeric gradients of the submission's own.
        root: the folder that is handed to the sandbox.
        left: functions that were seen and are not judged.
        pairs: of each part, its functions as a pair of which nothing is known: a name may
            stand for something else than it does here.
    """

    interface: str
    why: str
    root: Path
    assignment: str = ""
    files: Mapping[str, Path] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    unknown: tuple[Pair, ...] = ()
    checks: tuple[Check, ...] = ()
    left: tuple[str, ...] = ()
    pairs: Mapping[str, Pair] = field(default_factory=dict)


@dataclass(frozen=True)
class _File:
    """The names of a file.

    Attributes:
        path: of the file.
        functions: those that the file defines at its top level, or gives other names to.
        methods: of each class, the names of its methods.
        tree: its syntax.
    """

    path: Path
    functions: Mapping[str, Defined]
    methods: Mapping[str, Mapping[str, Defined]]
    tree: ast.Module

    @property
    def module(self) -> str:
        return self.path.stem


def recognise(path: Path) -> Recognised:
    """Find out what a file or a folder of a submission is.

    Args:
        path: of a Python file, or of a folder with some.

    Raises:
        ConfigError: there is no Python file there, or the only one cannot be read as Python.
    """
    found = [path] if path.is_file() else _python_files(path)
    if not found:
        message = "no Python file is in this folder" if path.is_dir() else "there is no such file"
        raise ConfigError(Problem(message, path))
    files, errors = [], []
    for file in found:
        try:
            files.append(_read(file))
        except (SyntaxError, ValueError) as error:
            errors.append(Problem(f"this cannot be read as Python: {error}", file))
    if not files:
        raise ConfigError(errors)
    root = path if path.is_dir() else path.parent
    return _course(files, root) or _functions(files, root)


def recognise_pair(file: Path, forward: str, backward: str | None) -> Recognised:
    """Two functions of a file that its author names.

    Args:
        file: a Python file.
        forward: the name of the function.
        backward: the name of its gradient; None if the function returns its gradients as well.

    Raises:
        ConfigError: the file cannot be read, or has no such function at its top level.
    """
    if not file.is_file():
        raise ConfigError(Problem("there is no such file", file))
    try:
        found = _read(file).functions
    except (OSError, SyntaxError, ValueError) as error:
        raise ConfigError(Problem(f"this cannot be read as Python: {error}", file)) from error
    functions = {name: one for name, one in found.items() if one.is_known}
    for name in (forward, backward):
        if name is not None and name not in functions:
            meant = nearest(name, functions)
            message = f"there is no function {name} at the top level"
            raise ConfigError(Problem(f"{message}; {meant} is meant?" if meant else message, file))
    pair = _pair(functions[forward], functions[backward] if backward else None, "layer")
    why = f"{file.name}: {forward}" + (f" and {backward}" if backward else " with its gradients")
    return Recognised("functions", why, file.parent, unknown=(pair,))


def _python_files(folder: Path) -> list[Path]:
    found = [p for p in sorted(folder.rglob("*.py")) if p.is_file() and not p.is_symlink()]
    hidden = (".", "__pycache__", "__MACOSX")
    return [p for p in found if not any(x.startswith(hidden) for x in p.relative_to(folder).parts)]


def _read(path: Path) -> _File:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(path.read_bytes(), str(path))
    classes = [node for node in _top(tree) if isinstance(node, ast.ClassDef)]
    methods = {node.name: _methods(path.stem, node) for node in classes}
    return _File(path, _defined(tree, path.stem, methods), methods, tree)


def _top(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements of a file's top level, and those under its if and try."""
    todo: list[ast.stmt] = list(tree.body)
    while todo:
        node = todo.pop(0)
        yield node
        if isinstance(node, ast.If | ast.Try):
            todo = [*node.body, *node.orelse, *todo]


def _parameters(arguments: ast.arguments) -> tuple[str, ...]:
    """The names of the positional parameters that have no default value."""
    given = [*arguments.posonlyargs, *arguments.args]
    return tuple(a.arg for a in given[: len(given) - len(arguments.defaults)])


def _keywords(arguments: ast.arguments) -> tuple[str, ...]:
    """The names of the parameters that are given by name alone and have no default value."""
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return tuple(one.arg for one, default in pairs if default is None)


def _methods(module: str, node: ast.ClassDef) -> dict[str, Defined]:
    found = {}
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            static = any("staticmethod" in ast.dump(d) for d in item.decorator_list)
            names = _parameters(item.args)[0 if static else 1 :]
            found[item.name] = Defined(module, item.name, names, owner=node.name)
    return found


def _defined(
    tree: ast.Module, module: str, methods: Mapping[str, Mapping[str, Defined]]
) -> dict[str, Defined]:
    found: dict[str, Defined] = {}
    for node in _top(tree):
        if isinstance(node, ast.FunctionDef):
            names, given = _parameters(node.args), _keywords(node.args)
            found[node.name] = Defined(module, node.name, names, keywords=given)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                for name, value in _assigned(target, node.value):
                    made = _of_value(module, name, value, found, methods)
                    if made is not None:
                        found[name] = made
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name
                found.setdefault(name, Defined(module, name, is_known=False))
    return found


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Names and what they are set to, also of a tuple to a tuple."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        for one, its in zip(target.elts, value.elts, strict=False):
            yield from _assigned(one, its)
    elif isinstance(target, ast.Tuple):
        for one in target.elts:
            yield from _assigned(one, value)


def _of_value(
    module: str,
    name: str,
    value: ast.expr,
    found: Mapping[str, Defined],
    methods: Mapping[str, Mapping[str, Defined]],
) -> Defined | None:
    """The function that a name is set to; None where it is set to something else."""
    if isinstance(value, ast.Lambda):
        return Defined(module, name, _parameters(value.args))
    if isinstance(value, ast.Name):
        known = found.get(value.id)
        return known and Defined(module, name, known.parameters, known.is_known)
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
        method = methods.get(value.value.id, {}).get(value.attr)
        return Defined(module, name, method.parameters if method else (), method is not None)
    if isinstance(value, ast.Call):
        maker = value.func.id if isinstance(value.func, ast.Name) else ""
        call = methods.get(maker, {}).get("__call__")
        if call is not None:
            return Defined(module, name, call.parameters)
        return Defined(module, name, is_known=False, is_made=maker not in methods)
    return None


def _course(files: Sequence[_File], root: Path) -> Recognised | None:
    """The course whose interface the files have; None where it is none of the five."""
    finders = (_ntnu, _psu, _hlcv, _asu, _cmu)
    return next((found for find in finders if (found := find(files, root)) is not None), None)


def _ntnu(files: Sequence[_File], root: Path) -> Recognised | None:
    for file in files:
        if file.path.name == "what_is_what.py" and "run" in file.functions:
            why = "there is a what_is_what.py with the function run"
            return Recognised("NTNU", why, file.path.parent, "NTNU")
    return None


_THETA = {2: "prob1a.py", 4: "prob1c.py", 6: "prob2b.py"}
"""By the number of arrays in θ: the exercise of the course."""


def _psu(files: Sequence[_File], root: Path) -> Recognised | None:
    there = {}
    for file in files:
        if {"computeCost", "computeGrad"} <= file.functions.keys():
            name = file.path.name
            there[name if name in _THETA.values() else _theta_file(file)] = file.path
    if not there:
        return None
    why = f"{' and '.join(sorted(p.name for p in there.values()))}: computeCost and computeGrad"
    return Recognised("PSU", why, _common(there.values()), "PSU", there)


def _theta_file(file: _File) -> str:
    """The exercise that a file answers, by how many arrays it takes out of θ."""
    sizes = [
        len(target.elts)
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Assign) and "theta" in ast.unparse(node.value)
        for target in node.targets
        if isinstance(target, ast.Tuple)
    ]
    return _THETA.get(max(sizes, default=2), "prob1a.py")


def _hlcv(files: Sequence[_File], root: Path) -> Recognised | None:
    for file in files:
        if "loss" in file.methods.get("TwoLayerNet", {}):
            why = f"{file.path.name} has the class TwoLayerNet with a method loss"
            given = {"two_layernet.py": file.path}
            return Recognised("HLCV", why, file.path.parent, "HLCV", given)
    return None


_ASU = {
    "FullLayer": "layers/full.py",
    "ReluLayer": "layers/relu.py",
    "SoftMaxLayer": "layers/softmax.py",
    "CrossEntropyLayer": "layers/cross_entropy.py",
    "Sequential": "layers/sequential.py",
}


def _asu(files: Sequence[_File], root: Path) -> Recognised | None:
    there = {}
    for file in files:
        for name, place in _ASU.items():
            is_defined = name in file.methods or name in file.functions
            if is_defined and (place not in there or file.path.name == Path(place).name):
                there[place] = file.path
    if not there or set(there) == {"layers/sequential.py"}:
        return None
    names = [name for name, place in _ASU.items() if place in there]
    parents = {path.parent for path in there.values()}
    inside = next(iter(parents)) if len(parents) == 1 else _common(there.values())
    is_package = inside.name == "layers"
    why = f"there are the classes {', '.join(names)}"
    return Recognised(
        "ASU",
        why,
        inside.parent if is_package else inside,
        "ASU",
        {} if is_package and len(there) == len(_ASU) else there,
    )


def _cmu(files: Sequence[_File], root: Path) -> Recognised | None:
    for file in files:
        text = ast.unparse(file.tree)
        takes_nine = "argv[9]" in text or "argv[1:]" in text or ("argv" in text and "10" in text)
        if file.path.name == "neuralnet.py" or (takes_nine and "exp" in text and "argv" in text):
            why = f"{file.path.name} is a program of nine arguments"
            given = {"neuralnet.py": file.path}
            return Recognised("CMU", why, file.path.parent, "CMU", given)
    return None


def _common(paths: Iterable[Path]) -> Path:
    """The folder that all files lie in."""
    return Path(os.path.commonpath([path.parent for path in paths]))


_CHECK = re.compile(r"check.*grad|grad.*check|numeric|num_?grad|finite_?diff", re.IGNORECASE)
"""What the name of a gradient check, or of a numeric gradient, has in it."""

_BACKWARD = re.compile(r"(.+?)_?(?:backward|backprop|bwd|back)(_\w+)?", re.IGNORECASE)
_FORWARD = re.compile(r"(.+?)_?(?:forward|fwd)(_\w+)?", re.IGNORECASE)

_DERIVATIVE = re.compile(
    r"(?:d|grad|gradient|deriv|derivative|diff|dx)_(?:of_)?(?P<after>.+)"
    r"|(?P<before>.+?)_?(?:derivative|deriv|der|prime|gradient|grad|diff|dash|slope|d|dz|dx)"
    r"|d(?P<close>[A-Za-z]\w+)"
)
"""The name of a derivative, with that of its function in one of the three groups."""


def _functions(files: Sequence[_File], root: Path) -> Recognised:
    """The pairs of functions of the files, those that are known and those that are not."""
    found = _Found()
    for file in files:
        found.take(file)
    names = [part.name.replace(" + ", " and ") for part in found.parts.values()]
    names += [" and ".join(filter(None, (u.forward, u.backward))) for u in found.unknown]
    names += [check.name for check in found.checks]
    return Recognised(
        "functions" if names else "",
        ", ".join(names) or "no function was found that has its gradient beside it",
        root,
        parts=tuple(found.parts.values()),
        unknown=tuple(found.unknown),
        checks=tuple(found.checks),
        left=tuple(found.left),
        pairs=found.pairs,
    )


@dataclass
class _Found:
    """What has been found in the files so far."""

    parts: dict[str, Part] = field(default_factory=dict)
    unknown: list[Pair] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    pairs: dict[str, Pair] = field(default_factory=dict)

    def take(self, file: _File) -> None:
        """Look for pairs and checks in one more file."""
        functions = file.functions
        checks = [name for name in functions if _CHECK.search(name)]
        self.checks += [
            Check(file.module, name, functions[name].parameters)
            for name in checks
            if functions[name].is_known
        ]
        others = {n: f for n, f in functions.items() if n not in checks and n[:2] != "__"}
        used = self._layers(others)
        used |= self._backwards({n: f for n, f in others.items() if n not in used})
        used |= self._derivatives({n: f for n, f in others.items() if n not in used})
        used |= self._losses({n: f for n, f in others.items() if n not in used}, file)
        own = _function_names(file)
        self.left += [n for n in others if n in own and n not in used and n[0] != "_"]
        self._classes(file)

    def _add(
        self,
        parts: Iterable[Part],
        forward: Defined | None = None,
        backward: Defined | None = None,
    ) -> bool:
        made = list(parts)
        for part in made:
            self.parts.setdefault(part.name, part)
            if forward is not None and forward.is_known and not forward.owner:
                self.pairs.setdefault(part.name, _pair(forward, backward, "layer"))
        return bool(made)

    def _layers(self, functions: Mapping[str, Defined]) -> set[str]:
        """Pairs NAME_forward and NAME_backward."""
        forwards: dict[str, list[str]] = {}
        for name in functions:
            if match := _FORWARD.fullmatch(name):
                forwards.setdefault(match[1].lower(), []).append(name)
        used: set[str] = set()
        for name, backward in functions.items():
            match = _BACKWARD.fullmatch(name)
            if match is None or not forwards.get(match[1].lower()):
                continue
            names = forwards[match[1].lower()]
            same = [n for n in names if n.endswith(match[2] or "")]
            forward = functions[(same or names)[0]]
            used |= {name, forward.name}
            if not (forward.is_known or backward.is_known):
                continue
            if not self._add(layer_parts(match[1], forward, backward), forward, backward):
                self._leave(forward, backward, "layer")
        return used

    def _backwards(self, functions: Mapping[str, Defined]) -> set[str]:
        """Pairs f and f_backward."""
        plain = {name.lower(): name for name in functions}
        used: set[str] = set()
        for name, backward in functions.items():
            match = _BACKWARD.fullmatch(name)
            base = plain.get(match[1].lower()) if match else None
            if base is None or not (functions[base].is_known and backward.is_known):
                continue
            used |= {name, base}
            if not self._add(
                layer_parts(base, functions[base], backward), functions[base], backward
            ):
                self._leave(functions[base], backward, "layer")
        return used

    def _derivatives(self, functions: Mapping[str, Defined]) -> set[str]:
        """Pairs f and f_derivative, in the many ways to name them."""
        plain = {name.lower().replace("_", ""): name for name in functions}
        used: set[str] = set()
        for name, slope in functions.items():
            base = _base(name, plain)
            if base is None or base == name:
                continue
            value = functions[base]
            used |= {name, base}
            loss = loss_part(base, value, slope)
            known = known_name(base)
            if loss is not None:
                self._add([loss], value, slope)
            elif known is not None and len(value.parameters) <= 1:
                self._add([function_part(known, value, slope)], value, slope)
            elif value.is_known:
                kind = "elementwise" if len(value.parameters) == 1 else "loss"
                self._leave(value, slope, kind)
        return used

    def _losses(self, functions: Mapping[str, Defined], file: _File) -> set[str]:
        """Functions that return a loss and its gradient."""
        used: set[str] = set()
        pairs = set(_returning_pairs(file))
        for name, function in functions.items():
            is_plain = isinstance(function, Defined) and function.is_known
            if name not in pairs and (is_plain and name in _function_names(file)):
                continue
            part = loss_part(name, function, None)
            if part is not None:
                self._add([part], function)
                used.add(name)
            elif name in pairs and "loss" in name.lower():
                self._leave(function, None, "loss")
                used.add(name)
        return used

    def _classes(self, file: _File) -> None:
        """Classes with forward and backward that are made without arguments."""
        for name, methods in file.methods.items():
            forward, backward = methods.get("forward"), methods.get("backward")
            needs = methods["__init__"].parameters if "__init__" in methods else ()
            if forward and backward and not needs and len(forward.parameters) == 1:
                word = re.sub(r"(?i)_?(layer|activation|function|module)$", "", name)
                if self._add(layer_parts(word.lower(), forward, backward)):
                    continue
            if forward and backward:
                self.left.append(f"{name}.forward and {name}.backward")

    def _leave(self, forward: Defined, backward: Defined | None, kind: str) -> None:
        pair = _pair(forward, backward, kind)
        if pair not in self.unknown:
            self.unknown.append(pair)


def _pair(forward: Defined, backward: Defined | None, kind: str) -> Pair:
    return Pair(
        forward.module,
        forward.name,
        backward.name if backward else None,
        forward.parameters + forward.keywords,
        backward.parameters if backward else (),
        kind,
    )


def _base(name: str, plain: Mapping[str, str]) -> str | None:
    """The function whose derivative a name means; None where it is no derivative of one there."""
    match = _DERIVATIVE.fullmatch(name) or _DERIVATIVE.fullmatch(name[0].lower() + name[1:])
    for group in match.groups() if match else ():
        if group and (found := plain.get(group.lower().replace("_", ""))):
            return found
    return None


def _function_names(file: _File) -> set[str]:
    return {node.name for node in _top(file.tree) if isinstance(node, ast.FunctionDef)}


def _returning_pairs(file: _File) -> Iterator[str]:
    """The functions that return two values."""
    for node in _top(file.tree):
        if isinstance(node, ast.FunctionDef) and any(
            isinstance(inner, ast.Return)
            and isinstance(inner.value, ast.Tuple)
            and len(inner.value.elts) == 2
            for inner in ast.walk(node)
        ):
            yield node.name
