"""An assignment: which files a student hands in, its parts, and how each of them is judged.

It stands in a folder: ``assignment.toml``, whose keys `assignments.schema` has, and the
teacher's solution. Everything that is wrong with the file is found when it is read, with
line and column; what only running the solution can tell, `assignments.checking` finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from math import inf
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from chainrule.config.reading.tree import Tree
from chainrule.core.errors import ChainruleError, ConfigError, Problem, nearest, unknown
from chainrule.core.schema import must_be
from chainrule.marking.assignments.reference import InputError, reference_program, without_lines
from chainrule.marking.assignments.rules import rule_problems
from chainrule.marking.assignments.schema import HINTS, AssignmentFile, Head, PartTable
from chainrule.marking.assignments.toml_places import read_toml
from chainrule.marking.program import Program
from chainrule.marking.programs import PROGRAMS
from chainrule.marking.sandbox.running import Calls, Limits

__all__ = [
    "FILE",
    "HINTS",
    "Assignment",
    "Part",
    "assignment_at",
    "digest_of",
    "load_assignment",
    "shipped",
]

FILE = "assignment.toml"


@dataclass(frozen=True)
class Part:
    """One part of an assignment.

    Attributes:
        name: a word.
        title: as the course's text names it.
        credit: the points it is worth.
        calls: how its values are got.
        program: what they must be; one without lines where numbers need only lie within bounds.
        judged: the lines for which the part is charged; the others it returns are looked at, so
            that each fault is charged once: a wrong loss does not cost the gradients that belong
            to it.
        charged: the conventions that cost points, by name or group; all others are accepted.
        tolerance: the relative error that a value may have.
        is_hidden: a student sees neither its inputs nor its numbers.
        hint: one of `HINTS`.
        limits: what its code may use.
        files: those that it needs.
        bounds: the returned numbers that must lie between two, such as a training's accuracy.
        measures: expressions in inputs and returned values, computed outside the submission's
            process, whose numbers must lie between bounds.
        needs: the parts that must be right before it is marked.
        is_shared: whether a part that is wrong has points for the judged arrays that are right.
        is_reference: whether what is right is what the teacher's solution returns.
    """

    name: str
    title: str
    credit: float
    calls: Calls
    program: Program
    judged: tuple[str, ...]
    charged: tuple[str, ...] = ()
    tolerance: float = 1e-7
    is_hidden: bool = False
    hint: str = "full"
    limits: Limits = field(default_factory=Limits)
    files: tuple[str, ...] = ()
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    is_reference: bool = False
    is_shared: bool = False
    measures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Assignment:
    """What is handed in, and its parts.

    Attributes:
        name: a word.
        title: as the course names it.
        folder: where its files are.
        files: those that a submission must have.
        imports: the modules that a submission may import besides its own.
        limits: what the code of a part may use.
        parts: in order.
        solution: the folder of the teacher's solution.
    """

    name: str
    title: str
    folder: Path
    files: tuple[str, ...]
    imports: tuple[str, ...]
    limits: Limits
    parts: tuple[Part, ...]
    solution: Path

    def only_definitions(self) -> Assignment:
        """The same assignment, for files that were notebooks: their top level is not run."""
        parts = tuple(
            replace(part, calls=replace(part.calls, load="definitions")) for part in self.parts
        )
        return replace(self, parts=parts)


def load_assignment(folder: Path) -> Assignment:
    """Read the ``assignment.toml`` of a folder.

    Args:
        folder: which holds it; or the file itself.

    Raises:
        ConfigError: everything that is wrong with it, in the order of its lines.
    """
    path = _file_of(folder)
    tree = read_toml(path)
    try:
        model = AssignmentFile.model_validate(tree.value)
    except ValidationError as error:
        raise ConfigError(_in_order(_schema_problems(error, tree))) from None
    programs = [_program(part) for part in model.part]
    problems = [
        *(
            tree.problem(("part", k, *p[0]), p[1], of_key=len(p[0]) > 1)
            for k, p in enumerate(programs)
            if p[0]
        ),
        *rule_problems(model, [p[2] for p in programs], tree, path),
    ]
    if problems:
        raise ConfigError(_in_order(problems))
    return _assignment(model, [p[2] for p in programs], path.parent, tree)


def _file_of(folder: Path) -> Path:
    """The ``assignment.toml`` that is meant.

    Raises:
        ConfigError: there is no such folder.
    """
    if folder.is_dir():
        return folder / FILE
    if folder.is_file():
        return folder
    names = [*shipped(), *_folders_beside(folder)]
    guess = nearest(folder.name, names)
    hint = f"; did you mean {guess!r}?" if guess else ""
    message = f"no such file or folder; expected a folder that holds an {FILE}{hint}"
    raise ConfigError(Problem(message, folder))


def _folders_beside(folder: Path) -> list[str]:
    parent = folder.parent
    return sorted(p.name for p in parent.iterdir() if p.is_dir()) if parent.is_dir() else []


def shipped() -> dict[str, Path]:
    """The folders of the courses' assignments, by name; they ship in the package."""
    package = Path(__file__).parents[2]
    within = package / "assignments"
    folder = within if within.is_dir() else package.parents[1] / "assignments"
    return {p.name: p for p in sorted(folder.iterdir()) if (p / FILE).is_file()}


def assignment_at(path: Path) -> Assignment:
    """The assignment in a folder, or, where there is no such folder, the shipped one of the name.

    Raises:
        ConfigError: there is neither, or something is wrong with it.
    """
    known = {name.lower(): folder for name, folder in shipped().items()}
    if not path.exists() and str(path).lower() in known:
        return load_assignment(known[str(path).lower()])
    return load_assignment(path)


_Read = tuple[tuple[str, ...], str, Program | None]
"""Of a part's program: the key that is wrong and why, or the program; none for a reference."""


def _program(part: PartTable) -> _Read:
    if part.program is None:
        if not part.reference and part.bounds is None:
            missing = "missing key 'program' (or reference = true, or bounds)"
            return ("name",), f"part {part.name!r}: {missing}", None
        return (), "", None
    if part.program not in PROGRAMS:
        return ("program",), unknown("program", part.program, PROGRAMS), None
    return _with_options(part)


def _with_options(part: PartTable) -> _Read:
    import inspect

    make = PROGRAMS[part.program or ""]
    known = list(inspect.signature(make).parameters)
    for option in part.options or {}:
        if option not in known:
            message = unknown("option", option, known, f"the program {part.program}")
            return ("options", option), message, None
    try:
        return (), "", make(**(part.options or {}))
    except (TypeError, ValueError) as error:
        return ("options",), f"the program {part.program} refuses these options: {error}", None


def _assignment(
    model: AssignmentFile, programs: Iterable[Program | None], folder: Path, tree: Tree
) -> Assignment:
    head = model.assignment
    limits = _limits(model)
    parts: list[Part] = []
    for k, (table, program) in enumerate(zip(model.part, programs, strict=True)):
        try:
            parts.append(_part(table, program, head, limits, folder))
        except InputError as error:
            names = [probe.name for probe in table.probe or ()]
            way = ("part", k, "probe", names.index(error.probe), "inputs", error.name)
            raise ConfigError(tree.problem(way, error.message)) from None
    return Assignment(
        head.name,
        head.title or head.name,
        folder,
        tuple(head.files),
        tuple(head.imports),
        limits,
        tuple(parts),
        folder / head.solution,
    )


def _limits(model: AssignmentFile) -> Limits:
    if model.limits is None:
        return Limits()
    return Limits(model.limits.seconds, model.limits.memory_mb)


def _part(
    table: PartTable, program: Program | None, head: Head, limits: Limits, folder: Path
) -> Part:
    files = tuple(table.files or head.files)
    calls = Calls(
        modules_of(files),
        "\n".join(piece for piece in (head.setup, table.setup) if piece),
        table.call or "",
        dict(table.returns),
        head.load,
        table.run or "",
    )
    own = Limits(table.seconds or limits.seconds, table.memory_mb or limits.memory_mb)
    if program is None and table.reference:
        program = reference_program(table, calls, own, folder / head.solution, folder)
    return Part(
        table.name,
        table.title or table.name,
        table.credit,
        calls,
        program or without_lines(table),
        tuple(table.judged if table.judged is not None else table.returns),
        tuple(table.charged or ()),
        table.tolerance,
        table.hidden,
        table.hint,
        own,
        files,
        dict(table.bounds or {}),
        tuple(table.needs or ()),
        table.reference,
        table.share,
        dict(table.measure or {}),
    )


def modules_of(files: Iterable[str]) -> tuple[str, ...]:
    """The modules that files are, by the names under which they are imported.

    Example:
        >>> modules_of(["two_layernet.py", "layers/full.py", "answers.txt"])
        ('two_layernet', 'layers.full')
    """
    paths = [PurePosixPath(file) for file in files]
    names = (".".join(p.with_suffix("").parts) for p in paths if p.suffix == ".py")
    return tuple(name.removesuffix(".__init__") for name in names)


def digest_of(assignment: Assignment) -> str:
    """What changes with every file of an assignment, and with what marks it.

    Results of an earlier marking are used again only where it is the same.
    """
    found = sha256()
    marking = Path(__file__).parents[1]
    for folder, pattern in ((assignment.folder, "*"), (marking, "*.py")):
        for path in sorted(p for p in folder.rglob(pattern) if p.is_file()):
            if "__pycache__" not in path.parts:
                found.update(path.relative_to(folder).as_posix().encode() + b"\0")
                found.update(sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _schema_problems(error: ValidationError, tree: Tree) -> list[Problem]:
    """The schema's errors in plain words, each at the key or value it is about."""
    errors: list[Any] = error.errors(include_url=False)
    meant = {
        (*item["loc"][:-1], nearest(item["loc"][-1], item["ctx"]["known"]))
        for item in errors
        if item["type"] == "unknown_key"
    }
    problems = []
    for item in errors:
        path, context = tuple(item["loc"]), item.get("ctx", {})
        if item["type"] == "missing_key":
            if path not in meant:
                about = f"missing key {path[-1]!r} ({context['about']})"
                problems.append(tree.problem(path[:-1], about))
        elif item["type"] == "unknown_key":
            holder = next((s for s in path[-2::-1] if isinstance(s, str)), "")
            message = unknown("key", path[-1], context["known"], holder)
            problems.append(tree.problem(path, message, of_key=True))
        else:
            problems.append(_wrong_value(tree, path, item["type"], context))
    return problems


def _wrong_value(tree: Tree, path: tuple[Any, ...], kind: str, context: Any) -> Problem:
    if context.get("at") is not None:
        path = (*path, context["at"])
    if kind == "invalid":
        return tree.problem(path, context["message"])
    if kind == "too_short":
        return tree.problem(path, f"{path[-1]} needs at least one entry")
    try:
        value = tree.value_at(path)
    except (LookupError, TypeError):
        value = None
    if kind == "list_type":
        context = {"expected": f"a list of tables, written [[{path[-1]}]]"}
    word = "the assignment" if not path else tree.word(path)
    return tree.problem(path, must_be(word, context, value))


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda p: (p.line or inf, p.column or inf))


def require_solution(assignment: Assignment) -> None:
    """Refuse an assignment whose solution is not there.

    Raises:
        ChainruleError: with each file that is missing.
    """
    missing = [f for f in assignment.files if not (assignment.solution / f).is_file()]
    if missing:
        raise ChainruleError(
            [Problem("your solution has no such file", assignment.solution / f) for f in missing]
        )
