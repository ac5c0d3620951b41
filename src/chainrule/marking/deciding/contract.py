"""What a submission hands back, before its values are judged: names, shapes, types, inputs.

Each fault of this kind is a finding of its own. Where an array has another shape that can still be
read, such as (1, 4) for (4,), its values are judged all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.notation import counted
from chainrule.marking.deciding.evaluating import array_of
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
    "UnboundError": "a variable is read before it is set",
    "ModuleNotFoundError": "a module that is not there when the work is marked",
    "ImportError": "a module or name that is not there when the work is marked",
    "RecursionError": "a function that calls itself without an end",
    "SyntaxError": "Python cannot read the file: a bracket, a colon or an indent",
    "IndentationError": "the indents of this line and its neighbours do not go together",
}
"""What an error usually means, by the name of its class."""


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


def read(
    program: Program, probes: Sequence[Probe], answers: Answers
) -> tuple[list[Entry], list[Finding]]:
    """The arrays to be judged, in shapes that can be compared, and the faults of the contract.

    Args:
        program: what they should be.
        probes: the calls.
        answers: what came back.
    """
    findings = [*_changed(program, answers), *_troubles(probes, answers)]
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
                    findings.append(_no_number(program, line))
                    continue
                findings += _type(program, line, np.asarray(value))
                shaped = _shaped(found, expected.shape)
                if shaped is not found:
                    findings += _shape(program, line, found, expected)
                entries.append(Entry(line, probe, k, found if shaped is None else shaped))
    entries += _failed(program, answers)
    return sorted(entries, key=lambda e: program.order[e.line]), _once(findings)


def _failed(program: Program, answers: Answers) -> Iterator[Entry]:
    """The lines that were not returned because the submission stopped with an error."""
    returned = {line for calls in answers.values() for one in calls for line in one.values}
    for probe, calls in answers.items():
        for k, one in enumerate(calls):
            if one.trouble is not None and one.trouble.kind == "error":
                for line in sorted(returned & set(program.order) - set(one.values)):
                    yield Entry(line, probe, k, None)


def _once(findings: Sequence[Finding]) -> list[Finding]:
    kept: dict[str, Finding] = {}
    for finding in findings:
        kept.setdefault(finding.name, finding)
    return list(kept.values())


def _shaped(found: Array, shape: tuple[int, ...]) -> Array | None:
    """The array in a shape with the same entries in the same order; None where it has another."""
    if found.shape == shape:
        return found
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
        f"{says} has shape {found.shape} where {expected.shape} is asked for",
        f"{says} has the right number of entries but the shape {found.shape}, where "
        f"{expected.shape} is asked for. NumPy broadcasts it without a word as long as it can, so "
        "an update may silently take another shape, or fail far from here.",
        "Look at axis and keepdims of the sum, and at any reshape: the gradient of an array has "
        "the shape of the array.",
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
            if one.trouble is not None:
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
    when = "" if len(where) == calls else _when(probes, where)
    title, sentence, hint = _words(trouble)
    kind = {"error": "fails", "missing": "missing", "time": "too_slow", "no number": "no_number"}
    name = kind.get(trouble.kind, trouble.kind)
    error = trouble.text.split(":")[0].strip()
    place = error if trouble.kind == "error" and error.isidentifier() else ""
    at = f" (line {trouble.line} of {trouble.file})" if trouble.line and trouble.file else ""
    return Finding(
        f"{name}@{place}" if place else name,
        f"{title}{when}",
        f"{sentence}{at}",
        hint,
        file=trouble.file,
        line=trouble.line,
        own=trouble.text,
    )


def _when(probes: Sequence[Probe], where: Sequence[tuple[str, int, Returned]]) -> str:
    """In which of the calls it happened, in words."""
    names = list(dict.fromkeys(name for name, _, _ in where))
    if all(k > 0 for _, k, _ in where):
        return ", in a second call on the same object"
    whole = ", ".join(names[:3])
    more = f" and {counted(len(names) - 3, 'other call')}" if len(names) > 3 else ""
    return f", in some calls only: {whole}{more}"


def _words(trouble: Trouble) -> tuple[str, str, str]:
    if trouble.kind == "error":
        error = trouble.text.split(":")[0].strip()
        means = MEANS.get(error, "the code stopped before it returned")
        known = error if error.isidentifier() else "an error"
        return (
            f"the call stops with {known}",
            f"It usually means: {means}.",
            ("Read the last line of the error and the line it names; print the shapes before it."),
        )
    if trouble.kind == "missing":
        return (
            "something that is asked for is not there",
            f"Not found: {trouble.text}." if trouble.text else "A name that is asked for is gone.",
            "Compare the names with those of the exercise, letter by letter.",
        )
    if trouble.kind == "time":
        return (
            "the call does not end within its time",
            "A loop that never ends, or far more steps than the work needs.",
            "Does every while loop come nearer to its end in each turn?",
        )
    if trouble.kind == "memory":
        return (
            "the call takes more memory than it may",
            "Some array is far larger than the inputs make necessary.",
            "A missing axis or keepdims can broadcast two vectors to a huge matrix.",
        )
    if trouble.kind == "ended":
        return (
            "the program ended before it gave a result",
            "Something ends the program, such as exit() or sys.exit(), or it was stopped.",
            "A file that is imported should only define things.",
        )
    return (
        "what comes back is no array of numbers",
        "A value came back as something else, such as None or a list of rows of different "
        "lengths.",
        "Is there a path on which the function returns nothing?",
    )
