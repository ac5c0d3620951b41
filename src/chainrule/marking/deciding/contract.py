"""What a submission hands back, before its values are judged: names, shapes, types, inputs.

Each fault of this kind is a finding of its own. Where an array has another shape that can still be
read, such as (1, 4) for (4,), its values are judged all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.notation import counted
from chainrule.marking.deciding.evaluating import array_of
from chainrule.marking.deciding.in_common import in_common
from chainrule.marking.deciding.search import Entry, bench_of
from chainrule.marking.program import Probe, Program
from chainrule.marking.sandbox.running import Answers, Returned, Trouble

MEANS = {
    "NameError": "a name is used that was never given a value on this path",
    "UnboundLocalError": "a variable is read that this path through the function never set",
    "KeyError": "a dictionary is asked for a key that nobody put in",
    "AttributeError": "the object has no such attribute: often a spelling, or a value that a "
    "method forgot to keep in self",
    "TypeError": "a value of another type than the operation takes, or a call with other "
    "arguments; sizes made by / are floats, // keeps them whole",
    "IndexError": "an index past the end: counting from 1 where Python counts from 0, or one axis "
    "less than you think",
    "ValueError": "mostly two shapes that do not go together: print both just before this line",
    "ZeroDivisionError": "a division by a count that is 0",
    "ModuleNotFoundError": "a module that is not there when the work is marked",
    "OverflowError": "a number that is too large for Python, such as math.exp of more than 709; "
    "softmax stays the same if the largest logit is subtracted from all of them first",
    "ImportError": "a module or name that is not there when the work is marked",
    "RecursionError": "a function that calls itself without an end",
    "SyntaxError": "Python cannot read the file: a bracket, a colon or an indent",
    "IndentationError": "the indents of this line and its neighbours do not go together",
}
"""What an error usually means, by the name of its class."""


_PRECISIONS = {"float32": 2e-5, "float16": 2e-2}
"""The relative error that is allowed in what comes back in few digits, by its type."""


@dataclass(frozen=True)
class Finding:
    """A fault that is no matter of values.

    Attributes:
        name: the kind and its place, such as ``shape@db1``.
        title: in one line.
        sentence: what it is and why it matters.
        hint: where to look.
        is_charged: whether the part loses its points for it.
        lines: the lines of the program that could not be judged because of it.
        file: of the submission, where it is known.
        line: of that file.
        own: words of the submission's own, such as an error's message; not shown of hidden parts.
        when: in which calls, where not in all; not shown of hidden parts.
        shown: a sentence with what was found; not shown of hidden parts.
    """

    name: str
    title: str
    sentence: str
    hint: str = ""
    is_charged: bool = True
    lines: tuple[str, ...] = ()
    file: str | None = None
    line: int | None = None
    own: str = ""
    when: str = ""
    shown: str = ""


def read(
    program: Program, probes: Sequence[Probe], answers: Answers
) -> tuple[list[Entry], list[Finding]]:
    """The arrays to be judged, in shapes that can be compared, and the faults of the contract.

    Args:
        program: what they should be.
        probes: the calls.
        answers: what came back.
    """
    extreme = {probe.name for probe in probes if probe.is_extreme}
    usual = {name: calls for name, calls in answers.items() if name not in extreme}
    findings = [*_of_calls(program, probes, usual)]
    charged = {finding.name for finding in findings}
    findings += [
        _as_advice(finding)
        for finding in _of_calls(program, probes, answers)
        if finding.name not in charged
    ]
    right = bench_of(program, probes).under((), None)
    entries: list[Entry] = []
    for probe, calls in answers.items():
        for k, returned in enumerate(calls):
            for line, value in returned.values.items():
                expected = array_of(right.value(probe, k, line)) if line in program.order else None
                found = None if isinstance(value, str) else array_of(value)
                if expected is None:
                    continue
                if found is None:
                    nothing = _no_number(program, line)
                    findings.append(_as_advice(nothing) if probe in extreme else nothing)
                    continue
                findings += _type(program, line, np.asarray(value))
                shaped = _shaped(found, expected.shape)
                if shaped is not found:
                    of_shape = list(_shape(program, line, found, expected))
                    findings += map(_as_advice, of_shape) if probe in extreme else of_shape
                precision = _PRECISIONS.get(str(np.asarray(value).dtype), 0.0)
                array = found if shaped is None else shaped
                entries.append(Entry(line, probe, k, array, precision))
    entries += _failed(program, answers)
    return sorted(entries, key=lambda e: program.order[e.line]), _once(findings)


def _of_calls(program: Program, probes: Sequence[Probe], answers: Answers) -> Iterator[Finding]:
    """The faults of calls, whatever the values that they gave."""
    yield from _changed(program, answers)
    yield from _troubles(probes, answers)
    yield from _unread(program, answers)


def _as_advice(finding: Finding) -> Finding:
    """What is found for extreme inputs alone: it is told, and costs nothing."""
    when = "for extreme inputs alone, such as logits of 1000"
    return replace(finding, is_charged=False, when=when)


def _failed(program: Program, answers: Answers) -> Iterator[Entry]:
    """The lines that were not returned because the submission stopped with an error."""
    returned = {line for calls in answers.values() for one in calls for line in one.values}
    for probe, calls in answers.items():
        for k, one in enumerate(calls):
            if one.trouble is not None and one.trouble.kind == "error" and not one.unread:
                for line in sorted(returned & set(program.order) - set(one.values)):
                    yield Entry(line, probe, k, None)


def _once(findings: Sequence[Finding]) -> list[Finding]:
    kept: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda one: not one.is_charged):
        kept.setdefault(finding.name, finding)
    return list(kept.values())


def _shaped(found: Array, shape: tuple[int, ...]) -> Array | None:
    """The array in a shape with the same entries in the same order; None where it has another."""
    if found.shape == shape:
        return found
    if not found.size and found.shape[:1] == shape[:1] and 0 in shape:
        return found.reshape(shape)  # of no rows at all, the width cannot be told
    squeezed = tuple(n for n in found.shape if n != 1)
    if squeezed == tuple(n for n in shape if n != 1):
        return found.reshape(shape)
    if found.ndim == 2 and found.shape[::-1] == shape:
        return found
    return None


def _shape(program: Program, line: str, found: Array, expected: Array) -> Iterator[Finding]:
    """A finding about a shape whose entries can still be read as those of the right one."""
    says = program.line(line).says
    if expected.size == 1 or found.shape == expected.shape or found.size != expected.size:
        return
    if found.ndim == 2 and found.shape[::-1] == expected.shape and min(found.shape) > 1:
        return
    yield Finding(
        f"shape@{line}",
        f"{says} has another shape than it should",
        "It has the right number of entries, but not their arrangement. NumPy broadcasts it "
        "without a word as long as it can, so an update may silently take another shape, or fail "
        "far from here.",
        "Look at axis and keepdims of the sum, and at any reshape: the gradient of an array has "
        "the shape of the array.",
        shown=f"Its shape is {found.shape} where {expected.shape} is asked for.",
    )


def _type(program: Program, line: str, value: Array) -> Iterator[Finding]:
    if value.dtype == np.float32 or value.dtype == np.float16:
        bits = value.dtype.itemsize * 8
        yield Finding(
            f"float{bits}@{line}",
            f"{program.line(line).says} is returned in float{bits}",
            f"{program.line(line).says} comes back in float{bits}, which keeps "
            f"{'7' if bits == 32 else '3'} digits; the inputs were float64, which keeps 16. A "
            "comparison with a numeric gradient needs them.",
            "Look for astype, dtype= or np.float32.",
            is_charged=False,
        )


def _no_number(program: Program, line: str) -> Finding:
    return Finding(
        f"no_number@{line}",
        f"{program.line(line).says} is no array of numbers",
        f"{program.line(line).says} came back as something that is no array of numbers, such as "
        "None, a text or a list of lists of different lengths.",
        "Is there a path on which the function returns nothing?",
        lines=(line,),
    )


def _changed(program: Program, answers: Answers) -> Iterator[Finding]:
    for name in sorted({n for calls in answers.values() for one in calls for n in one.changed}):
        if name in program.may_change:
            continue
        yield Finding(
            f"writes_into@{name}",
            f"the code writes into {name}, which it was handed",
            f"After the call, {name} holds other numbers than before. The array belongs to the "
            "caller, who goes on using it: whatever is computed from it later is wrong, although "
            f"nothing went wrong here.",
            f"Something like {name}[...] = ... or {name} += ... changes the caller's array; work "
            f"on a copy, or make a new array.",
        )


def _troubles(probes: Sequence[Probe], answers: Answers) -> Iterator[Finding]:
    """One finding for each kind of trouble; what the probes have in common is said."""
    met: dict[tuple[str, str | None, int | None], list[tuple[str, int, Returned]]] = {}
    for probe in probes:
        for k, one in enumerate(answers.get(probe.name, ())):
            if one.trouble is not None and not one.unread:
                key = (one.trouble.kind, one.trouble.file, one.trouble.line)
                met.setdefault(key, []).append((probe.name, k, one))
    for where in met.values():
        yield _trouble(probes, answers, where)


def _trouble(
    probes: Sequence[Probe], answers: Answers, where: Sequence[tuple[str, int, Returned]]
) -> Finding:
    trouble = where[0][2].trouble
    assert trouble is not None
    calls = sum(len(found) for found in answers.values())
    when = "" if len(where) == calls else _when(probes, answers, where)
    title, sentence, hint = _words(trouble)
    return Finding(
        named(trouble)[0],
        title,
        sentence,
        hint,
        file=trouble.file,
        line=trouble.line,
        own=trouble.text,
        when=when,
    )


def named(trouble: Trouble) -> tuple[str, str]:
    """The name of the fault that a trouble is, and its title."""
    kind = {"error": "fails", "time": "too_slow", "no number": "no_number"}
    name, error = kind.get(trouble.kind, trouble.kind), _error(trouble)
    return f"{name}@{error}" if error else name, _words(trouble)[0]


def _error(trouble: Trouble) -> str:
    """The class of the error, such as ``ValueError``; empty where there is none."""
    error = trouble.text.split(":")[0].strip()
    return error if trouble.kind == "error" and error in MEANS else ""


def _unread(program: Program, answers: Answers) -> Iterator[Finding]:
    """A finding for each line that was asked for and could not be read, though the call ended."""
    met: dict[str, Trouble] = {}
    for calls in answers.values():
        for one in calls:
            for line, trouble in one.unread.items():
                met.setdefault(line, trouble)
    for line, trouble in met.items():
        says = program.line(line).says if line in program.order else line
        if trouble.kind == "missing":
            yield Finding(
                f"missing@{line}",
                f"{says} is not returned under the name that is asked for",
                "Whatever the code computed, nobody who calls it can find it there.",
                "Compare the names with those of the exercise, letter by letter.",
                lines=(line,),
                own=trouble.text,
            )
        elif trouble.kind == "no number" and line in program.order:
            yield replace(_no_number(program, line), own=trouble.text)
        else:
            yield replace(
                _trouble_in_words(trouble), name=f"fails@{line}", lines=(line,), own=trouble.text
            )


def _trouble_in_words(trouble: Trouble) -> Finding:
    title, sentence, hint = _words(trouble)
    return Finding("fails", title, sentence, hint, file=trouble.file, line=trouble.line)


def _when(
    probes: Sequence[Probe], answers: Answers, where: Sequence[tuple[str, int, Returned]]
) -> str:
    """In which of the calls it happened, in words."""
    wrong = {(name, k) for name, k, _ in where}
    others = {(name, k) for name, calls in answers.items() for k, _ in enumerate(calls)} - wrong
    usual = [probe for probe in probes if probe.name in answers]
    if common := in_common(usual, wrong, others):
        return common
    names = list(dict.fromkeys(name for name, _, _ in where))
    whole = ", ".join(f"“{name}”" for name in names[:3])
    more = f" and {counted(len(names) - 3, 'other')}" if len(names) > 3 else ""
    return f"in some calls only: {whole}{more}"


def _words(trouble: Trouble) -> tuple[str, str, str]:
    """The title, the sentence and the hint of a trouble."""
    error = _error(trouble)
    if trouble.kind == "error":
        means = MEANS.get(error, "something in the call is not as the code expects it")
        title = f"the call stops with {error or 'an error'}"
        hint = "Read the error's last line and the line it names; print the shapes before it."
        return title, f"It usually means: {means}.", hint
    return _WORDS.get(trouble.kind, _WORDS["no number"])


_WORDS = {
    "missing": (
        "something that is asked for is not there",
        "A file, class, function or key has another name than the exercise gives it.",
        "Compare the names with those of the exercise, letter by letter.",
    ),
    "time": (
        "the call does not end within its time",
        "It is a loop that never ends, or one that takes far more steps than the work needs.",
        "Does every while loop come nearer to its end in each turn?",
    ),
    "memory": (
        "the call takes more memory than it may",
        "Some array is far larger than the inputs make necessary.",
        "A missing axis or keepdims can broadcast two vectors to a huge matrix.",
    ),
    "ended": (
        "the program ended before it gave a result",
        "Something ends the whole program, such as exit(), or it was stopped.",
        "A file that is imported should only define things.",
    ),
    "import": (
        "a module is imported that this exercise does not allow",
        "The work is marked without it, so the file cannot be run.",
        "Which of its functions do you use? NumPy probably has it.",
    ),
    "syntax": (
        "Python cannot read the file",
        "Mostly a bracket, a colon or a quote is missing, or an indent is wrong, in the line that "
        "is named or just above it.",
        "Open the file in an editor that marks such places, or run python FILE.",
    ),
    "files": (
        "the files of the submission cannot be read",
        "They are too large, or no text.",
        "Hand in the Python files alone.",
    ),
    "no number": (
        "what comes back is no array of numbers",
        "A value came back as something else, such as None or a list of rows of different "
        "lengths.",
        "Is there a path on which the function returns nothing?",
    ),
}
