"""What is wrong with an assignment beyond its keys: names that nothing has, Python that is none.

A teacher learns here, with line and column, what otherwise every student would meet: a name in a
``call`` that is no input, a value in ``returns`` that the program does not compute.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from chainrule.config.reading.tree import Tree
from chainrule.core.errors import Problem, unknown
from chainrule.core.schema import KeyPath, repeated
from chainrule.marking.assignments.schema import AssignmentFile, PartTable
from chainrule.marking.program import Program

KNOWN = frozenset({"np", "seen", *dir(builtins)})
"""The names that every piece of Python of an assignment may use besides inputs and modules."""


def rule_problems(
    model: AssignmentFile, programs: Sequence[Program | None], tree: Tree, path: Path
) -> Iterator[Problem]:
    """What is wrong across keys.

    Args:
        model: the file, which the schema accepts.
        programs: of each part; None for a reference, for bounds alone, or where it is wrong.
        tree: the places.
        path: the file.
    """
    yield from _of_head(model, tree)
    text = path.read_text("utf-8-sig").splitlines()
    names = [part.name for part in model.part]
    for k, (part, program) in enumerate(zip(model.part, programs, strict=True)):
        at: KeyPath = ("part", k)
        if part.name in names[:k]:
            yield tree.problem((*at, "name"), f"a part {part.name!r} stands above already")
        for n, need in enumerate(part.needs or ()):
            if need not in names[:k]:
                message = unknown("part", need, names[:k], "needs, which names earlier parts,")
                yield tree.problem((*at, "needs", n), message)
        for n, file in enumerate(part.files or ()):
            if file not in model.assignment.files:
                message = unknown("file", file, model.assignment.files)
                yield tree.problem((*at, "files", n), message)
        yield from _of_values(part, program, tree, at)
        yield from _of_bugs(part, model, tree, at, path.parent)
        yield from _of_inputs(part, tree, at)
        yield from _of_expressions(part, tree, at)
        yield from _of_python(part, program, model, tree, at, text)


def _of_head(model: AssignmentFile, tree: Tree) -> Iterator[Problem]:
    head = model.assignment
    twice = repeated(head.files)
    if twice is not None:
        yield tree.problem(("assignment", "files"), f"{twice!r} stands there twice")
    for k, file in enumerate(head.files):
        way = PurePosixPath(file)
        if way.is_absolute() or ".." in way.parts or "\\" in file:
            message = f"expected the name of a file within the submission, found {file!r}"
            yield tree.problem(("assignment", "files", k), message)
        elif way.suffix == ".py" and not all(p.isidentifier() for p in way.with_suffix("").parts):
            message = f"Python cannot import a file of the name {file!r}"
            yield tree.problem(("assignment", "files", k), message)


def _of_values(
    part: PartTable, program: Program | None, tree: Tree, at: KeyPath
) -> Iterator[Problem]:
    """Names of values and conventions that are none."""
    lines = [line.name for line in program.lines] if program is not None else []
    for name in part.returns:
        if program is not None and name not in lines:
            message = unknown("value", name, lines, f"the program {part.program}")
            yield tree.problem((*at, "returns", name), message, of_key=True)
    for n, name in enumerate(part.judged or ()):
        if name not in part.returns:
            yield tree.problem((*at, "judged", n), unknown("value", name, part.returns, "returns"))
    judged = {**part.returns, **(part.measure or {})}
    for name in part.bounds or ():
        if name not in judged:
            message = unknown("value", name, judged, "returns")
            yield tree.problem((*at, "bounds", name), message, of_key=True)
    if program is None:
        return
    if program.is_run and part.run is None:
        message = f"the program {part.program} is that of a file that is run: name it by run"
        yield tree.problem((*at, "program"), message)
    if part.run is not None and not program.is_run:
        message = f"the program {part.program} is one of calls: there is no file to run"
        yield tree.problem((*at, "run"), message)
    conventions = [v for v in program.variations if v.is_convention]
    known = sorted({v.name for v in conventions} | {v.group for v in conventions})
    for n, name in enumerate(part.charged or ()):
        if name not in known:
            message = unknown("convention", name, known, f"the program {part.program}")
            yield tree.problem((*at, "charged", n), message)


def _of_bugs(
    part: PartTable, model: AssignmentFile, tree: Tree, at: KeyPath, folder: Path
) -> Iterator[Problem]:
    """Bugs of one name, of values that are not returned, or without their files."""
    names = [bug.name for bug in part.bug or ()]
    if names and not part.reference:
        message = "bugs of your own belong to a part with reference = true"
        yield tree.problem((*at, "bug"), message)
    for k, bug in enumerate(part.bug or ()):
        here = (*at, "bug", k)
        if bug.name in names[:k]:
            yield tree.problem((*here, "name"), f"a bug {bug.name!r} stands above already")
        for n, name in enumerate(bug.values or ()):
            if name not in part.returns:
                message = unknown("value", name, part.returns, "returns")
                yield tree.problem((*here, "values", n), message)
        for file in part.files or model.assignment.files:
            if not (folder / bug.solution / file).is_file():
                message = f"there is no {bug.solution}/{file}"
                yield tree.problem((*here, "solution"), message)


def _of_inputs(part: PartTable, tree: Tree, at: KeyPath) -> Iterator[Problem]:
    """Keys that go together or do not."""
    if (part.call is None) == (part.run is None):
        message = f"part {part.name!r} needs either call (Python that makes it) or run (a file)"
        yield tree.problem((*at, "name"), message)
    if part.program is not None and part.reference:
        yield tree.problem((*at, "reference"), "a part has a program or a reference, not both")
    if part.program is not None and part.probe:
        yield tree.problem((*at, "probe"), "the program has its own probes; leave [[part.probe]]")
    if part.reference and not part.probe:
        message = "a part with a reference needs inputs: [[part.probe]] with name and inputs"
        yield tree.problem((*at, "reference"), message)
    inputs = {name for probe in part.probe or () for name in probe.inputs}
    for name, gradient in (part.gradients or {}).items():
        here = (*at, "gradients", name)
        if name not in part.returns:
            yield tree.problem(here, unknown("value", name, part.returns, "returns"), of_key=True)
        if gradient.of not in part.returns:
            message = unknown("value", gradient.of, part.returns, "returns")
            yield tree.problem((*here, "of"), message)
        for key in ("by", "upstream"):
            value = getattr(gradient, key)
            if value is not None and part.reference and value not in inputs:
                yield tree.problem((*here, key), unknown("input", value, sorted(inputs)))


def _of_expressions(part: PartTable, tree: Tree, at: KeyPath) -> Iterator[Problem]:
    """Expressions of inputs that are no Python, or use names that come later or never."""
    seen = [probe.name for probe in part.probe or ()]
    for k, probe in enumerate(part.probe or ()):
        if probe.name in seen[:k]:
            message = f"a probe {probe.name!r} stands above already"
            yield tree.problem((*at, "probe", k, "name"), message)
        known = ["np", "rng"]
        for name, code in probe.inputs.items():
            where = (*at, "probe", k, "inputs", name)
            if not name.isidentifier():
                yield tree.problem(where, f"{name!r} is no name of Python's", of_key=True)
            try:
                used = [n for n, _ in _used(ast.parse(code.strip(), mode="eval"))]
            except (SyntaxError, ValueError) as error:
                yield tree.problem(where, f"this is no Python: {_reason(error)}")
                continue
            for word in used:
                if word not in known and word not in KNOWN:
                    yield tree.problem(where, unknown("name", word, known))
            known.append(name)


def _of_python(
    part: PartTable,
    program: Program | None,
    model: AssignmentFile,
    tree: Tree,
    at: KeyPath,
    text: list[str],
) -> Iterator[Problem]:
    """Pieces of Python that are none, or use names that nothing has."""
    if part.run is not None or part.call is None:
        return
    pieces: list[tuple[KeyPath, str, str]] = [
        (("assignment", "setup"), model.assignment.setup, "exec"),
        ((*at, "setup"), part.setup, "exec"),
        ((*at, "call"), part.call, "exec"),
        *(((*at, "returns", n), code, "eval") for n, code in part.returns.items()),
        *(((*at, "measure", n), code, "eval") for n, code in (part.measure or {}).items()),
    ]
    trees = []
    for where, code, mode in pieces:
        try:
            trees.append((where, ast.parse(code.strip() if mode == "eval" else code, mode=mode)))
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            yield _at_line(tree, where, text, line, f"this is no Python: {_reason(error)}")
    inputs = _inputs(part, program)
    if inputs is None or len(trees) < len(pieces):
        return
    tops = {PurePosixPath(file).with_suffix("").parts[0] for file in model.assignment.files}
    lasts = {PurePosixPath(file).stem for file in model.assignment.files}
    known = {*inputs, *tops, *lasts, *part.returns}
    known |= {name for _, found in trees for name in _made(found)}
    for where, found in trees:
        for name, line in _used(found):
            if name not in known and name not in KNOWN:
                message = unknown("name", name, sorted(known))
                yield _at_line(tree, where, text, line, message)


def _inputs(part: PartTable, program: Program | None) -> set[str] | None:
    """The names of a part's inputs; None where its program is wrong."""
    if program is not None:
        return {name for probe in program.probes for case in probe.calls for name in case}
    if part.program is not None:
        return None
    return {name for probe in part.probe or () for name in probe.inputs} | {"case"}


def _made(found: ast.AST) -> Iterator[str]:
    """The names that a piece of Python gives a value."""
    for node in ast.walk(found):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def _used(found: ast.AST) -> Iterable[tuple[str, int]]:
    """The names that a piece of Python uses, each with its first line."""
    first: dict[str, int] = {}
    for node in ast.walk(found):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            first[node.id] = min(node.lineno, first.get(node.id, node.lineno))
    return first.items()


def _reason(error: Any) -> str:
    return str(getattr(error, "msg", error))


def _at_line(tree: Tree, where: KeyPath, text: list[str], line: int, message: str) -> Problem:
    """A problem in a line of a piece of Python, at its line in the file."""
    place = tree.place(where)
    if place.line is None or place.column is None:
        return tree.problem(where, message)
    opening = text[place.line - 1][place.column - 1 :].rstrip()
    more = line - 1 + (opening in ('"""', "'''"))
    return Problem(message, place.source, place.line + more, place.column if more == 0 else 1)
