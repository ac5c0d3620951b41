"""What was decided, in words: for the student at the part's level of hint, and for the teacher.

Nothing of a hidden part's inputs, numbers or texts is said: only the kind of the fault, and a
demonstration on an input of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.core.notation import counted
from chainrule.marking.assignments.assignment import Part
from chainrule.marking.assignments.reference import CASE
from chainrule.marking.deciding.contract import Finding
from chainrule.marking.deciding.decide import Place, Telling, Verdict
from chainrule.marking.deciding.evaluating import Bench, array_of, names_in, quiet
from chainrule.marking.deciding.inputs import as_rows, given, is_different, smallest
from chainrule.marking.deciding.search import Chosen
from chainrule.marking.program import Case, Probe, Program, Variation, differing
from chainrule.marking.result import Demonstration, Shown


def said(
    part: Part, verdict: Verdict, status: str, told: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """What the student reads, paragraph by paragraph.

    Args:
        part: its level of hint says how much.
        verdict: what was decided.
        status: as in `PartResult.status`.
        told: the titles of earlier parts, by the names of the faults that were told there.
    """
    told = told or {}
    if status == "right":
        return tuple(_said_of_right(part, verdict))
    if part.hint == "none":
        return ("Something is wrong in this part.",) if status != "charged before" else (BEFORE,)
    again = [finding for finding in verdict.contract if finding.name in told]
    lines = [_again(finding.title, told[finding.name]) for finding in again]
    fresh = [finding for finding in verdict.contract if finding.name not in told]
    lines += _said_of_contract(part, fresh)
    if status == "charged before":
        lines.append(BEFORE)
    if part.hint == "place":
        return (*lines, *_placed(part.program, verdict))
    explained = _explained(part, verdict, told)
    return (*lines, *explained, *_conventions(part, verdict), *_advice(verdict))


SEVERAL = 3
"""So many faults that would give the same numbers are said; more only confuse."""

BEFORE = (
    "What is wrong here follows from a fault of an earlier part, which was counted there; this "
    "part loses nothing for it."
)


def _said_of_right(part: Part, verdict: Verdict) -> Iterator[str]:
    yield "Right: every number agrees."
    yield from _conventions(part, verdict)
    for finding in verdict.contract:
        yield _noted(finding)
    yield from _advice(verdict)


def _noted(finding: Finding) -> str:
    """What costs nothing; the words of what shows for extreme inputs alone say so."""
    if finding.when:
        whole = replace(finding, title=f"{finding.title}, {finding.when}")
        return f"Advice, which costs nothing: {_title_and_sentence(whole)}"
    return f"A note: {_title_and_sentence(finding)}"


FRAGILE = ("no_shift", "shift_o", "log_of_", "zero_times_log")
"""Conventions, by their names, that overflow or give nan where inputs are extreme."""


def _conventions(part: Part, verdict: Verdict) -> Iterator[str]:
    for convention in verdict.best:
        if convention.is_convention and not is_fault(part, convention):
            is_fragile = convention.name.startswith(FRAGILE)
            word = (
                "Right for usual inputs alone"
                if is_fragile
                else "A choice of yours that is as good"
            )
            yield f"{word}: {_title_and_sentence(convention)}"


def _advice(verdict: Verdict) -> Iterator[str]:
    for bug in verdict.advice:
        yield f"Advice, which costs nothing: {_title_and_sentence(bug)}"
    if verdict.extreme and not verdict.advice:
        yield (
            "Advice, which costs nothing: with extreme inputs, such as logits of 1000, the result "
            "is not what it should be. Where is e^z or a logarithm taken of a number that is too "
            "large or too small?"
        )


def _said_of_contract(part: Part, findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        yield _said_of_finding(part, finding)


def _said_of_finding(part: Part, finding: Finding) -> str:
    if not finding.is_charged:
        return _noted(finding)
    pieces = [_sentence(finding.title)]
    if not part.is_hidden:
        if finding.when:
            pieces = [_sentence(f"{finding.title}, {finding.when}")]
        if finding.shown:
            pieces.append(finding.shown)
        if finding.own:
            pieces.append(f"Python says: {finding.own.rstrip('.')}.")
        if finding.file and finding.line:
            pieces.append(f"It is line {finding.line} of {finding.file}.")
    if part.hint == "full":
        pieces.append(finding.sentence)
    return " ".join([*pieces, finding.hint]).strip()


def _placed(program: Program, verdict: Verdict) -> Iterator[str]:
    for place in _places(verdict):
        yield f"The first array that is wrong is {program.line(place.line).says}."
        break
    for bug in _bugs(verdict.best):
        yield f"A hint: {bug.hint}"


def _places(verdict: Verdict) -> Sequence[Place]:
    return (verdict.place,) if verdict.place is not None else verdict.unexplained


def _again(title: str, part: str) -> str:
    return f"The same fault as in “{part}”: {title}."


def _explained(part: Part, verdict: Verdict, told: Mapping[str, str]) -> Iterator[str]:
    bugs = [v for v in verdict.best if is_fault(part, v)]
    if len(verdict.explanations) > 1 and bugs:
        yield from _several(verdict)
    else:
        for bug in bugs:
            if bug.name in told:
                yield _again(bug.title, told[bug.name])
                continue
            yield _upper(_title_and_sentence(bug))
            if bug.hint:
                yield f"To see it: {bug.hint}"
    yield from _unexplained(part, verdict.unexplained)
    yield from _own(part.program, verdict)


def _unexplained(part: Part, places: Sequence[Place]) -> Iterator[str]:
    """The first wrong array in full; of those that follow from it only that they are wrong."""
    for place in places[:1]:
        yield _unknown(part, place)
    if len(places) > 1:
        others = ", ".join(part.program.line(place.line).says for place in places[1:])
        yield (
            f"Wrong besides, maybe for the same reason: {others}. Begin with the first one"
            f"{'' if part.program.is_tabled else ': what comes after it uses it'}."
        )


def _own(program: Program, verdict: Verdict) -> Iterator[str]:
    """Which gradients belong to the submission's own loss."""
    right = [program.line(line).says for line, is_own in verdict.own.items() if is_own]
    if right:
        yield f"Right for the loss that your code computes: {', '.join(right)}."


def _several(verdict: Verdict) -> Iterator[str]:
    yield "More than one fault would give exactly these numbers:"
    for k, one in enumerate(verdict.explanations[:SEVERAL], start=1):
        text = "; and ".join(map(_title_and_sentence, _bugs(one)))
        yield f"{k}. {_upper(text)}"
    left = len(verdict.explanations) - SEVERAL
    if left > 0:
        yield f"So would {counted(left, 'other fault')}, which are less likely."


def _unknown(part: Part, place: Place) -> str:
    says = part.program.line(place.line).says
    text = f"{_upper(says)} is wrong, in a way that is none of the known ones."
    if part.is_hidden or place.found is None:
        return text
    when = f" It is wrong {place.when} and right in the other calls." if place.when else ""
    return f"{text}{when} {_compared(place)}".strip()


def _compared(place: Place) -> str:
    found, expected = np.asarray(place.found, float), array_of(place.expected)
    if expected is None:
        return ""
    if found.shape != expected.shape:
        return f"It has shape {found.shape} where {expected.shape} is right."
    if np.isnan(found).any() and np.isfinite(expected).all():
        return "It holds nan where every number should be finite."
    wrong = list(differing(found, expected))
    if not wrong:
        return ""
    at = wrong[0]
    where = f" at {list(at)}" if at else ""
    return (
        f"In the call “{place.probe}”, {len(wrong):,} of {counted(expected.size, 'number')} "
        f"{'differs' if len(wrong) == 1 else 'differ'}; the first{where} is {found[at]:.6g} where "
        f"{expected[at]:.6g} is right."
    )


def taught(part: Part, verdict: Verdict) -> tuple[str, ...]:
    """What the teacher is told besides.

    Args:
        part: which was judged.
        verdict: what was decided.
    """
    return tuple(_taught(part, verdict))


def _taught(part: Part, verdict: Verdict) -> Iterator[str]:
    for k, one in enumerate(verdict.explanations[:4]):
        if one:
            yield f"explanation {k + 1}: {' + '.join(f'{v.name} ({v.title})' for v in one)}"
        for other in verdict.same[k] if k < len(verdict.same) else ():
            yield f"the same numbers: {' + '.join(v.title for v in other)}"
    if verdict.place is not None:
        place = verdict.place
        where = f"first wrong: {place.line}, probe “{place.probe}”."
        yield f"{where} {_compared_safely(place)}".strip()
    for finding in verdict.contract:
        yield f"{finding.name}: {finding.own}" if finding.own else finding.name


def _compared_safely(place: Place) -> str:
    return _compared(place) if place.found is not None else "The submission stopped there."


def demonstrated(
    part: Part, verdict: Verdict, told: Mapping[str, str] | None = None
) -> Demonstration | None:
    """A small input that shows the likeliest bug, computed with inputs of its own.

    Args:
        part: whose lines are shown.
        verdict: what was decided.
        told: the faults that an earlier part told of, by name; they are on both sides here.
    """
    if part.hint != "full" or not _bugs(verdict.best) or part.program.is_run:
        return None
    program = part.program
    conventions = tuple(v for v in verdict.best if v.is_convention or v.name in (told or {}))
    with quiet():
        if program.is_tabled:
            found = None if part.is_hidden else _of_own_probe(program, verdict, conventions)
        else:
            found = smallest(program, verdict.best, conventions, verdict.judged)
    if found is None:
        return None
    probe, call, line = found
    bench = Bench(program, (probe,))
    values = [
        bench.under(c, None).value(probe.name, call, line) for c in (verdict.best, conventions)
    ]
    says = program.line(line).says
    case = _needed(program, line, verdict.best, probe.calls[call])
    inputs = given(case)
    others = _settings({name: value for name, value in case.items() if name not in inputs})
    which = f"The call “{probe.name}”" if program.is_tabled else "A small input that"
    return Demonstration(
        f"{which} shows it: {says}{others}",
        tuple(Shown(name, "", as_rows(value)) for name, value in inputs.items()),
        Shown(line, says, as_rows(values[0])),
        Shown(line, says, as_rows(values[1])),
    )


def _needed(program: Program, line: str, chosen: Chosen, case: Case) -> Case:
    """The inputs of a call that a line depends on, with variations and without."""
    if program.is_tabled:
        return {name: value for name, value in case.items() if name != CASE}
    rules = [{one.name: one.rule for one in program.lines}, program.rules(chosen)]
    needed, left = set[str](), [line]
    while left:
        name = left.pop()
        read = {n for table in rules if name in table for n in names_in(table[name])[0]}
        left += read - needed
        needed |= read
    return {name: value for name, value in case.items() if name in needed}


def _settings(others: Case) -> str:
    """The inputs that are no numbers, such as the activations, for the end of a sentence."""
    texts = [f"{name} = {value!r}" for name, value in others.items() if value is not None]
    return f", with {', '.join(texts)}" if texts else ""


def _of_own_probe(
    program: Program, verdict: Verdict, conventions: Chosen
) -> tuple[Probe, int, str] | None:
    """The probe with the fewest numbers whose first call shows the bug."""
    firsts = [Probe(probe.name, probe.why, probe.calls[:1]) for probe in program.probes]
    firsts.sort(key=lambda probe: sum(np.size(value) for value in probe.calls[0].values()))
    return is_different(program, verdict.best, conventions, verdict.judged, firsts)


def script(part: Part, telling: Telling) -> str:
    """Python that makes the call which tells explanations apart, to be run beside the submission.

    Args:
        part: how the call is made.
        telling: the input and what each explanation gives there.
    """
    lines = ["import numpy as np", *(f"import {name}" for name in part.calls.modules), ""]
    for name, value in telling.probe.calls[telling.call].items():
        lines.append(f"{name} = {literal(value)}")
    pieces = [part.calls.setup.strip(), part.calls.call.strip()]
    lines += ["seen = {}"] if any("seen" in piece for piece in pieces) else []
    lines += pieces
    lines.append(f"print({part.calls.returns.get(telling.line, telling.line)})")
    for k, value in enumerate(telling.values[:SEVERAL], start=1):
        lines.append(f"# {k}. gives {literal(value)}")
    return "\n".join(line for line in lines if line.strip() or line == "")


def literal(value: Any) -> str:
    """A value as Python text.

    Example:
        >>> literal(np.array([[1.0, 2.0]]))
        'np.array([[1., 2.]])'
    """
    if isinstance(value, np.ndarray):
        text = np.array2string(value, separator=", ", threshold=10_000, max_line_width=10_000)
        return f"np.array({' '.join(text.split())})"
    return repr(value.item() if isinstance(value, np.generic) else value)


def is_fault(part: Part, variation: Variation) -> bool:
    """Whether a variation is a bug, or a convention that costs points in this part.

    Args:
        part: names what it charges.
        variation: of its program.
    """
    is_charged = variation.name in part.charged or variation.group in part.charged
    return not variation.is_convention or is_charged


def _bugs(chosen: Chosen) -> tuple[Variation, ...]:
    return tuple(v for v in chosen if not v.is_convention)


def _title_and_sentence(fault: Variation | Finding) -> str:
    return f"{fault.title}. {_upper(fault.sentence)}"


def _sentence(title: str) -> str:
    return f"{_upper(title)}."


_WORDS = (
    "relu elu gelu silu tanh softplus softsign exp log argmax argmin max randn "
    "dx dw db dout out lr predict fit train forward backward"
)
_NAMES = frozenset(_WORDS.split())
"""Names of functions and arrays, which are written small at the beginning of a sentence too."""


def _upper(text: str) -> str:
    """A sentence with a large first letter, unless it begins with a symbol such as δ, x or relu.

    Example:
        >>> _upper("a leaky relu is computed"), _upper("relu is computed"), _upper("x is divided")
        ('A leaky relu is computed', 'relu is computed', 'x is divided')
    """
    first, _, rest = text.partition(" ")
    is_article = first == "a" and rest[:1].isalpha()
    is_word = first.isascii() and first.isalpha() and first.islower() and len(first) > 1
    is_name = first in _NAMES
    return text[0].upper() + text[1:] if is_article or (is_word and not is_name) else text
