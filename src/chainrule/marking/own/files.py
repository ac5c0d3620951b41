"""What `chainrule check-code` does with a file: find out what is in it, and check each thing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from keyword import iskeyword
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, ConfigError, Problem
from chainrule.marking.assignments.assignment import assignment_at
from chainrule.marking.classes.submissions import notebook_code
from chainrule.marking.classes.unpacking import Refused
from chainrule.marking.marking import mark_parts
from chainrule.marking.own.examination import (
    CACHE,
    INPUTS,
    STATE,
    WITH_INPUTS,
    Inputs,
    OwnFunction,
)
from chainrule.marking.own.functions import FunctionReport, examined, guessed_inputs
from chainrule.marking.own.gradient_checks import judge_check, judge_numeric
from chainrule.marking.own.recognising import Check, Pair, Recognised
from chainrule.marking.program import Probe
from chainrule.marking.result import Demonstration, Marked, PartResult
from chainrule.marking.sandbox.running import Calls, Limits, Returned, ask

READING = """
def read(result):
    pair = isinstance(result, tuple) and len(result) == 2
    return (*result, 1.0) if pair else (result, None, 0.0)

def values(found):
    if isinstance(found, dict):
        return list(found.values())
    if isinstance(found, list) and not any(np.ndim(one) for one in found):
        return [np.array(found)]
    return list(found) if isinstance(found, (tuple, list)) else [found]

def keys(found):
    return ",".join(map(str, found)) if isinstance(found, dict) else ""
"""
"""Within the sandbox: the output and the cache of what a forward function returned, and the arrays
and names of what a backward function returned."""

MOST_FILES = 200
"""So many Python files of a folder are taken along, because one may import another."""

MOST_GRADIENTS = 12
"""So many arrays are taken of what a backward function returns."""

_SIZES = re.compile(r"\d+(x\d+)*")


class FunctionThere(OwnFunction):
    """A pair of functions that are called in the sandbox; only numbers come back.

    Args:
        folder: where their file is.
        pair: which.
        names: the inputs that are differentiated.
        limits: what they may use.
        trust: whether to run them where the machine has no safe sandbox.
    """

    def __init__(
        self,
        folder: Path,
        pair: Pair,
        names: Sequence[str],
        limits: Limits | None = None,
        *,
        trust: bool = False,
    ) -> None:
        self.folder, self.pair, self.names = folder, pair, tuple(names)
        self.limits, self.trust = limits, trust
        self.name, self.backward_name = pair.forward, pair.backward or pair.forward
        self.needs, self.every, self.is_rough = pair.needs, list(pair.needs), False
        self.backward = None if pair.backward is None else self._not_here

    def _not_here(self) -> None:
        raise AssertionError("the function is in the sandbox")

    def run(self, case: Inputs) -> tuple[Array, Any]:
        """The output; in place of the cache, whether there is one."""
        (answer,) = self._asked("", {"out": "out", "has_cache": "has_cache"}, [case])
        _write_changes(answer, case)
        kind = answer.kinds.get("out")
        self.is_rough = kind is not None and kind.type in ("float16", "float32")
        has_cache = bool(answer.values["has_cache"])
        if has_cache and self.backward is None:
            return _numbers(answer, self.name), self.gradients(case, True, np.ones(()))
        return _numbers(answer, self.name), has_cache or None

    def outputs(self, cases: Sequence[Inputs]) -> list[Array]:
        """The outputs of many cases, in one go."""
        return [_numbers(a, self.name) for a in self._asked("", {"out": "out"}, cases)]

    def gradients(self, case: Inputs, cache: Any, g: Array) -> Any:
        """What the backward function returns: a tuple, or a dictionary if it has names."""
        call = f"grads = {self._gradient_call(case, cache)}"
        (answer,) = self._asked(call, _gradients("grads"), [{**case, "_g": g}])
        _write_changes(answer, case, g)
        return _gathered(answer)

    def in_turn(self, case: Inputs, other: Inputs, g: Array) -> tuple[Any, Any]:
        """The gradients after another forward pass, and once more with the same cache."""
        given = {**case, **{f"_{name}": value for name, value in other.items()}}
        again = self._gradient_call(case, self._has_cache(case))
        call = (
            f"{self._function(self.name)}({', '.join(f'{name}=_{name}' for name in case)})\n"
            f"import copy\ngrads = copy.deepcopy({again})\nagain = {again}"
        )
        found = []
        for name in ("grads", "again"):
            (answer,) = self._asked(call, _gradients(name), [{**given, "_g": g}])
            found.append(_gathered(answer))
        return found[0], found[1]

    def _has_cache(self, case: Inputs) -> bool:
        (answer,) = self._asked("", {"has_cache": "has_cache"}, [case])
        return bool(answer.values["has_cache"])

    def _function(self, name: str) -> str:
        return f"{self.pair.module}.{name}"

    def _gradient_call(self, case: Inputs, cache: Any) -> str:
        if self.backward is None:
            return "cache"
        given = {
            CACHE: ["_g", "cache"],
            STATE: ["_g"],
            INPUTS: self.taken(case, 0),
            WITH_INPUTS: ["_g", *self.taken(case, 1)],
        }[self.form(case, cache or None)]
        return f"{self._function(self.backward_name)}({', '.join(given)})"

    def _arguments(self, case: Inputs) -> list[str]:
        """The names that the function is called with."""
        given = [name for name in case if name[0] != "_"]
        return given if set(self.pair.parameters) <= set(given) else list(self.pair.parameters)

    def require_loaded(self) -> None:
        """Raise what is wrong with the file itself, which no inputs would mend."""
        calls = Calls(
            (self.pair.module,), "", "there = 1.0", {"there": "there"}, load="definitions"
        )
        probe = Probe("load", "the file alone", ({},))
        (answer,) = ask(self.folder, calls, [probe], self.limits, trust=self.trust)["load"]
        if answer.trouble is not None:
            raise _failed(answer, self.folder / f"{self.pair.module}.py")

    def _asked(
        self, call: str, returns: Mapping[str, str], cases: Sequence[Inputs]
    ) -> Sequence[Returned]:
        names = ", ".join(f"{name}={name}" for name in self._arguments(cases[0]))
        forward = (
            "np.random.seed(0)\n"
            f"out, cache, has_cache = read({self._function(self.name)}({names}))"
        )
        calls = Calls(
            (self.pair.module,), READING, f"{forward}\n{call}", returns, load="definitions"
        )
        probe = Probe("own", "a function of one's own", tuple(cases))
        answers = ask(self.folder, calls, [probe], self.limits, trust=self.trust)["own"]
        for answer in answers:
            if answer.trouble is not None and not answer.values:
                raise _failed(answer, self.folder / f"{self.pair.module}.py")
        return answers


def _gradients(name: str) -> dict[str, str]:
    """The expressions of what a backward function returned."""
    arrays = {f"g{k}": f"values({name})[{k}]" for k in range(MOST_GRADIENTS)}
    return {"keys": f"keys({name})", **arrays}


def _gathered(answer: Returned) -> Any:
    arrays = [answer.values.get(f"g{k}") for k in range(MOST_GRADIENTS)]
    keys = str(answer.values.get("keys", ""))
    if keys:
        return dict(zip(keys.split(","), arrays, strict=False))
    while arrays and arrays[-1] is None:
        arrays.pop()
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


def _numbers(answer: Returned, name: str) -> Array:
    if "out" not in answer.values:
        kind = answer.kinds.get("out")
        raise ConfigError(
            f"{name} returns {kind.name if kind else 'nothing'} where an array or (array, cache) "
            "of real numbers is expected"
        )
    return np.asarray(answer.values["out"], float)


def _write_changes(answer: Returned, case: Inputs, g: Array | None = None) -> None:
    """Write into the inputs that the call wrote into, so that it is seen as it would be here."""
    for name in answer.changed:
        changed = g if name == "_g" else case.get(name)
        if isinstance(changed, np.ndarray):
            changed += 1


def _failed(answer: Returned, file: Path) -> ConfigError:
    assert answer.trouble is not None
    file = file.parent / (answer.trouble.file or file.name)
    return ConfigError(Problem(answer.trouble.text or "it ended", file, answer.trouble.line))


# What a file is asked for


@contextmanager
def importable(file: Path) -> Iterator[Path]:
    """A file that Python can import: a notebook as its code, ``2-layers.py`` as ``_2_layers.py``.

    Args:
        file: a file or a folder.

    Yields:
        The path itself, or that of a copy that is there within, with the files beside it.

    Raises:
        ConfigError: a notebook that cannot be read.
    """
    is_notebook = file.suffix.lower() == ".ipynb"
    if not file.is_file() or not (is_notebook or file.suffix.lower() == ".py"):
        yield file
        return
    name = re.sub(r"\W|^(?=\d)", "_", file.stem)
    if name == file.stem and not iskeyword(name) and not is_notebook:
        yield file
        return
    with TemporaryDirectory() as place:
        for beside in islice(sorted(file.parent.glob("*.py")), MOST_FILES):
            _copy(beside, Path(place) / beside.name)
        copy = Path(place) / f"{name}_.py" if iskeyword(name) else Path(place) / f"{name}.py"
        try:
            content = notebook_code(file).encode() if is_notebook else file.read_bytes()
        except (Refused, OSError) as error:
            raise ConfigError(Problem(str(error), file)) from error
        copy.write_bytes(content)
        yield copy


@dataclass(frozen=True)
class Checked:
    """What was found about one thing in a file.

    Attributes:
        name: of the function or the part.
        verdict: ``right``, ``WRONG``, or why it was not judged, such as ``not run``.
        lines: what its author is told.
        shown: a small input that shows what is wrong, if there is one.
    """

    name: str
    verdict: str
    lines: tuple[str, ...]
    shown: Demonstration | None = None


def inputs_from(words: str) -> dict[str, Any]:
    """The inputs that a text names: shapes, labels of classes, numbers.

    Args:
        words: ``NAME=SHAPE``, ``NAME=labels:CLASSES`` or ``NAME=NUMBER``, with spaces between.

    Raises:
        ConfigError: a word that is none of these.

    Example:
        >>> inputs_from("x=5x3 b=4 reg=0.1")
        {'x': (5, 3), 'b': (4,), 'reg': 0.1}
    """
    return dict(_input(word) for word in words.replace(",", " ").split())


def _input(word: str) -> tuple[str, Any]:
    name, _, value = word.partition("=")
    if name.isidentifier():
        if re.fullmatch(r"labels:\d+(:\d+)?", value):
            classes, *cases = map(int, value.split(":")[1:])
            return name, np.arange(cases[0] if cases else 5) % classes
        if _SIZES.fullmatch(value):
            return name, tuple(map(int, value.split("x")))
        try:
            return name, float(value)
        except ValueError:
            pass
    raise ConfigError(
        "an input is written x=5x3 (a shape), b=4 (a vector), y=labels:3 (classes of 5 cases), "
        f"y=labels:3:8 (of 8 cases) or reg=0.1 (a number); found {word!r}"
    )


def check_pair(
    folder: Path, pair: Pair, inputs: Inputs | None = None, *, trust: bool = False
) -> Checked:
    """Check two functions of a file by differences.

    Args:
        folder: where the file is.
        pair: which.
        inputs: see `chainrule.check_function`; None to try some by the parameters' names.
        trust: whether to run them where the machine has no safe sandbox.

    Raises:
        ConfigError: they cannot be called, or run with none of the inputs that were tried.
    """
    plain = FunctionThere(folder, pair, (), trust=trust)
    plain.require_loaded()
    given = inputs or guessed_inputs(pair.parameters, lambda case: plain.run(case)[0])
    if given is None:
        raise ConfigError(
            Problem(
                f"{pair.forward}({', '.join(pair.parameters)}) ran with none of the inputs that "
                'were tried; say what they are, as in --inputs "x=5x3 w=3x4 b=4"',
                folder / f"{pair.module}.py",
            )
        )

    def checked(its: Inputs) -> FunctionReport:
        return examined(lambda names: FunctionThere(folder, pair, names, trust=trust), its)

    report = checked(given)
    if not report.right and inputs is None:
        return _with_other_shapes(pair, report, checked)
    return Checked(pair.forward, _word(report.right), tuple(str(report).splitlines()))


def _with_other_shapes(
    pair: Pair, report: FunctionReport, checked: Callable[[Inputs], FunctionReport]
) -> Checked:
    """A function that is wrong for the inputs that were guessed: it may be meant for vectors."""
    try:
        other = checked(dict.fromkeys(pair.parameters, (5,)))
    except ChainruleError:
        other = report
    if not other.right:
        return Checked(pair.forward, "WRONG", tuple(str(report).splitlines()))
    said = (
        f"{other}, where all inputs are vectors of 5 numbers",
        f"With matrices it is not: {report}. If it is meant for them, say so with --inputs",
    )
    return Checked(pair.forward, "right", said)


def _word(is_right: bool) -> str:
    return "right" if is_right else "WRONG"


def check_file(
    found: Recognised, inputs: Inputs | None = None, *, trust: bool = False
) -> Iterator[Checked]:
    """Check everything that was found in a student's file or folder.

    Args:
        found: what is in it.
        inputs: for functions that no table knows; see `check_pair`.
        trust: whether to run it where the machine has no safe sandbox.
    """
    if found.assignment:
        yield from _course(found, trust=trust)
    elif found.parts:
        for part, checked in _parts(mark_parts(found.parts, found.root, trust=trust)):
            other = partial(check_pair, found.root, trust=trust)
            name = checked.name
            if [one.title for one in found.parts].count(name) > 1:
                checked = replace(checked, name=f"{name} ({part.name.replace(' + ', ', ')})")
            yield _by_itself(part, checked, found.pairs.get(part.name), other)
    for pair in found.unknown:
        yield _tried(pair.forward, partial(check_pair, found.root, pair, inputs, trust=trust))
    for check in found.checks:
        yield _tried(check.name, partial(_judged, found.root, check, trust=trust))


def _course(found: Recognised, *, trust: bool) -> Iterator[Checked]:
    """The parts of a course whose files are there, whatever their author calls them."""
    assignment = assignment_at(Path(found.assignment))
    with TemporaryDirectory() as place:
        folder = Path(place)
        for file in islice(sorted(found.root.rglob("*.py")), MOST_FILES):
            _copy(file, folder / file.relative_to(found.root))
        for name, file in found.files.items():
            _copy(file, folder / name)
        parts = [p for p in assignment.parts if all((folder / name).exists() for name in p.files)]
        imports = assignment.imports
        marked = mark_parts(parts, folder, imports=imports, trust=trust)
        yield from (checked for _, checked in _parts(marked))


def _copy(file: Path, to: Path) -> None:
    if file.is_file():
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, to)


def _parts(marked: Marked) -> Iterator[tuple[PartResult, Checked]]:
    words = {"right": "right", "wrong": "WRONG", "charged before": "wrong before"}
    for part in marked.parts:
        word = words.get(part.status, part.status)
        yield part, Checked(part.title, word, part.lines, part.demonstration)


def _by_itself(
    part: PartResult, checked: Checked, pair: Pair | None, check: Callable[[Pair], Checked]
) -> Checked:
    """A part that does not run or that nothing explains: as what it is, whatever its name says."""
    is_explained = checked.verdict == "WRONG" and not any("unexplained" in b for b in part.bugs)
    if checked.verdict == "right" or pair is None or is_explained:
        return checked
    other = _tried(pair.forward, partial(check, pair))
    if checked.verdict == "not run" and other.verdict == "WRONG":
        return other
    if other.verdict != "right":
        return checked
    note = f"It is not what {pair.forward} usually stands for ({part.title}), but gradient and"
    return Checked(pair.forward, "right", (*other.lines, f"{note} function belong together."))


def _tried(name: str, check: Callable[[], Checked]) -> Checked:
    """What a check finds; where it cannot be made, why."""
    try:
        return check()
    except ConfigError as error:
        return Checked(name, "not run", tuple(str(problem) for problem in error.problems))
    except ChainruleError as error:
        return Checked(name, "not run", (str(error),))


def _judged(folder: Path, check: Check, *, trust: bool) -> Checked:
    """A gradient check of the student's own, or a numeric gradient."""
    judge = judge_numeric if len(check.parameters) == 2 else judge_check
    report = judge(folder, check.module, check.name, check.parameters, trust=trust)
    return Checked(check.name, _word(report.right), tuple(str(report).splitlines()))
