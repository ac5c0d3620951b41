"""The marker: whether it names the bugs of submissions that were written without knowing it.

``proof/submitted.py`` says what they are. A bug's ``kinds`` are the names that a fair teacher
would accept for it, as patterns of `fnmatch`, found by a reader of its sentence and of the
marker's sentence for that name, never by what would raise a figure:

* a name says the right array or layer **and** the right mistake: ``no_mean@dW1`` is not accepted
  for a 1/N that is missing in every array, nor ``wrong_sign`` for a factor;
* another wording of the same mistake is accepted (divided by N twice, a mean where a sum belongs),
  and so is another mistake that gives the same numbers in every call that can be made;
* the names of mutations are general (``left_out@db1``). They are accepted with the words of a
  title after a colon, ``left_out@db1: *slope*``, where these say what the student did;
* what is only half right (the right array, another reason) is a miss, and so are ``unexplained``,
  an error without its cause, and a name that stands behind three others;
* what costs nothing but is told (advice, a convention) counts as named, behind what costs.

    python -m proof.marking                 every submission, and the figures
    python -m proof.marking right HLCV      those of a set and a course
    python -m proof.marking missed          only what was missed or accused wrongly
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from proof.line import Line, store, stored_text
from proof.submitted import FOLDER, SETS, Submission, submissions

if TYPE_CHECKING:
    from chainrule.marking.own.recognising import Pair

FIRST, AMONG_THREE, OF_PAIRS = 0.90, 0.97, 0.95
STORED = ("marking-first", "marking-three", "marking-pairs", "marking-right", "marking-checks")
"""The names of the stored results, in the order of `figures`."""

EVERY = 7
"""The short form marks one submission in so many."""


@dataclass(frozen=True)
class Named:
    """A fault that the marker named.

    Attributes:
        name: such as ``no_mean@dW1``.
        title: in words; empty where it has none.
    """

    name: str
    title: str = ""

    def fits(self, pattern: str) -> bool:
        """Whether a pattern of a name, or of a name and the words of its title, fits."""
        name, _, words = pattern.partition(": ")
        return fnmatchcase(self.name, name) and fnmatchcase(self.title, words or "*")


@dataclass(frozen=True)
class Outcome:
    """What the marker made of a submission.

    Attributes:
        submission: which.
        named: what it named: faults in the order of the parts, the likeliest first, then what
            costs nothing.
        costs: whether it costs points.
        said: the paragraphs that its student reads about what is wrong.
        seconds: the time that it took.
    """

    submission: Submission
    named: tuple[Named, ...]
    costs: bool
    said: tuple[str, ...]
    seconds: float

    def is_named(self, most: int) -> bool:
        """Whether one of its bugs is among the first names."""
        patterns = [pattern for bug in self.submission.kinds for pattern in bug]
        return any(one.fits(pattern) for one in self.named[:most] for pattern in patterns)

    @property
    def is_good(self) -> bool:
        """Whether a right one costs nothing, and a wrong one has its bug named first.

        The causes of what is wrong with a gradient check are told together, in any order.
        """
        if not self.submission.kinds:
            return not self.costs
        return self.is_named(len(self.named) if self.submission.set == "checks" else 1)


def marked(submission: Submission) -> Outcome:
    """Mark a submission as `chainrule mark` and `chainrule check-code` do."""
    with TemporaryDirectory(prefix="marking-") as kept:
        folder = Path(kept) / "submission"
        submission.write(folder)
        start = time.perf_counter()
        if submission.course == "CHECKS":
            return _judged(submission, folder, start)
        named, costs, said = _found(submission, folder)
        return Outcome(submission, named, costs, said, time.perf_counter() - start)


Found = tuple[tuple[Named, ...], bool, tuple[str, ...]]


def _found(submission: Submission, folder: Path) -> Found:
    """What is named, whether it costs points, and what is said.

    A part whose files are not there is left out: many submissions answer one question of several.
    """
    from chainrule.marking.assignments.assignment import assignment_at
    from chainrule.marking.marking import mark_parts
    from chainrule.marking.own.recognising import recognise

    if submission.course == "FUNCTIONS":
        known = recognise(folder)
        own = [_by_differences(known.root, pair) for pair in known.unknown]
        parts = mark_parts(known.parts, known.root).parts
    else:
        own = []
        assignment = assignment_at(Path(submission.course))
        there = {path.name for path in folder.rglob("*.py")}
        asked = [one for one in assignment.parts if {Path(f).name for f in one.files} <= there]
        parts = mark_parts(asked, folder, imports=assignment.imports).parts
    wrong = [part for part in parts if part.earned < part.credit]
    names = [name for part in wrong for bug in part.bugs for name in bug.split(" + ")]
    names += [name for part in parts for name in (*part.advice, *part.conventions)]
    titles = {name: title for part in parts for name, title in part.titles}
    named = [named for found, _, _ in own for named in found]
    named += [Named(name, titles.get(name, "")) for name in dict.fromkeys(names)]
    said = [line for _, _, lines in own for line in lines]
    said += [line for part in wrong for line in part.lines]
    return tuple(named), bool(wrong) or any(costs for _, costs, _ in own), tuple(said)


def _by_differences(folder: Path, pair: Pair) -> Found:
    """What differences say of two functions that no table knows."""
    from chainrule.core.errors import ConfigError
    from chainrule.marking.own.files import check_pair

    try:
        checked = check_pair(folder, pair)
    except ConfigError:
        return (), False, ()
    if checked.verdict == "right":
        return (), False, ()
    return (Named(f"wrong@{pair.forward}", checked.lines[0]),), True, checked.lines


def _judged(submission: Submission, folder: Path, start: float) -> Outcome:
    from chainrule.marking.own.gradient_checks import judge_check

    report = judge_check(folder, "check", "check_gradient", ("f", "x", "g"))
    named = tuple(Named(cause) for cause in report.causes)
    said = (*report.causes, *report.passed, *report.refused)
    return Outcome(submission, named, not report.right, said, time.perf_counter() - start)


def outcomes(chosen: Sequence[Submission]) -> Iterator[Outcome]:
    """Mark submissions on two processes, in order."""
    with ProcessPoolExecutor(2) as pool:
        yield from pool.map(marked, chosen)


def lines(full: bool) -> Iterator[Line]:
    """The lines of this part: all submissions, or in short every seventh."""
    start = time.perf_counter()
    chosen = submissions() if full else submissions()[::EVERY]
    found = list(outcomes(chosen))
    seconds = time.perf_counter() - start
    for name, line in zip(STORED, figures(found), strict=True):
        if full:
            command = "python -m proof marking --full"
            store(name, line.measured, holds=line.holds is True, command=command, seconds=seconds)
        yield Line(line.claim, line.asked, line.measured, line.holds, stored_text(name))


def figures(found: Sequence[Outcome]) -> Iterator[Line]:
    """The figures of what was found, of all courses together and of each."""
    of = {kind: [one for one in found if one.submission.set == kind] for kind in SETS}
    yield _share("the right bug named first", of["single"], 1, FIRST)
    yield _share("the right bug among the first three", of["single"], 3, AMONG_THREE)
    yield _share("one of a pair among the first three", of["pairs"], 3, OF_PAIRS)
    accused = [one for one in of["right"] if one.costs]
    measured = f"{len(accused)} of {len(of['right'])}{_paths(accused)}"
    yield Line("right but unusual, accused", "none", measured, not accused)
    wrong = [one for one in of["checks"] if not one.is_good]
    measured = f"{len(of['checks']) - len(wrong)} of {len(of['checks'])}{_paths(wrong)}"
    yield Line("gradient checks of one's own, judged rightly", "all", measured, not wrong)


def _share(claim: str, found: Sequence[Outcome], most: int, asked: float) -> Line:
    missed = [one for one in found if not one.is_named(most)]
    share = 1 - len(missed) / max(1, len(found))
    measured = f"{share:.1%} of {len(found)}{_by_course(found, most)}{_paths(missed)}"
    return Line(claim, f"at least {asked:.0%}", measured, share >= asked)


def _by_course(found: Sequence[Outcome], most: int) -> str:
    courses = dict.fromkeys(one.submission.course for one in found)
    counts = []
    for course in courses:
        own = [one for one in found if one.submission.course == course]
        counts.append(f"{course} {sum(one.is_named(most) for one in own)}/{len(own)}")
    return f" ({', '.join(counts)})" if counts else ""


def _paths(found: Iterable[Outcome]) -> str:
    named = ", ".join(one.submission.path for one in found)
    return f"; not {named}" if named else ""


def main(words: Sequence[str]) -> int:
    """Print what the marker made of each submission whose path has all the words."""
    is_folder = bool(words) and Path(words[0]).is_dir()
    folder = Path(words[0]) if is_folder else FOLDER
    asked = [word for word in words[is_folder:] if word != "missed"]
    chosen = [one for one in submissions(folder) if all(word in one.path for word in asked)]
    found = []
    for one in outcomes(chosen):
        found.append(one)
        if "missed" not in words or not one.is_good:
            print(theirs(one), flush=True)
    for line in figures(found):
        print(f"{line.claim}: {line.measured}")
    return 0


def theirs(one: Outcome) -> str:
    """What a submission has, and what the marker said of it."""
    named = "; ".join(f"{each.name} ({each.title})" for each in one.named[:3])
    return (
        f"{'ok' if one.is_good else '!!'} {one.submission.path}  ({one.seconds:.1f} s)\n"
        f"     is: {'; '.join(one.submission.bugs)}\n"
        f"     named: {named or '-'}\n"
        f"     said: {' '.join(one.said)[:300] or '-'}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
