"""What marking a submission found, in a form that is kept, counted and shown to its student."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """An array as it is shown.

    Attributes:
        name: such as ``W1``.
        says: what it is, as in a sentence; empty for inputs.
        rows: of a matrix; a vector and a number have one row, of an array with more axes the
            leading ones are put together.
    """

    name: str
    says: str
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Demonstration:
    """A small input that shows a bug, computed with inputs of its own.

    Attributes:
        title: in one line.
        given: the inputs.
        found: what code with the bug gives.
        expected: what is right.
    """

    title: str
    given: tuple[Shown, ...]
    found: Shown
    expected: Shown


@dataclass(frozen=True)
class PartResult:
    """What was found about one part of a submission.

    Attributes:
        name: of the part.
        title: of the part.
        credit: the points it is worth.
        earned: the points that the submission has of them.
        status: ``right``, ``wrong``, ``charged before`` (wrong only by a fault of an earlier part,
            for which it loses nothing), ``not run`` (an error, a limit, a missing file).
        bugs: the names of the bugs that explain it, the likeliest explanation first; those of one
            explanation joined by `` + ``. An array that is wrong and that nothing explains is
            ``unexplained@`` and its line. Empty where the part is right.
        conventions: the names of the conventions that the submission follows.
        lines: what the student is told, paragraph by paragraph, with the part's level of hint.
        teacher: what the teacher is told besides.
        demonstration: a small input that shows the likeliest bug, where there is one.
        file: of the submission, where an error was raised in it.
        line: of that file.
        titles: of the bugs and conventions, by their names, for whoever counts them.
        seconds: how long it took.
        advice: the names of what is told besides and costs nothing: bugs that show for extreme
            inputs alone, and a contract that is broken where it does no harm.
    """

    name: str
    title: str
    credit: float
    earned: float
    status: str
    bugs: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    teacher: tuple[str, ...] = ()
    demonstration: Demonstration | None = None
    file: str | None = None
    line: int | None = None
    titles: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    advice: tuple[str, ...] = ()


@dataclass(frozen=True)
class Marked:
    """What was found about a submission.

    Attributes:
        student: the name of its folder or file.
        parts: in the order of the assignment.
        tier: the sandbox it ran in.
        seconds: how long it took.
    """

    student: str
    parts: tuple[PartResult, ...]
    tier: str
    seconds: float

    @property
    def earned(self) -> float:
        """All points."""
        return sum(part.earned for part in self.parts)

    @property
    def credit(self) -> float:
        """The points that could be earned."""
        return sum(part.credit for part in self.parts)
