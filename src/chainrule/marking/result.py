"""What marking a submission found, in a form that is kept, counted and shown to its student."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PartResult:
    """What was found about one part of a submission.

    Attributes:
        name: of the part.
        title: of the part.
        credit: the points it is worth.
        earned: the points that the submission has of them.
        status: ``right``, ``wrong``, ``charged before`` (wrong only by a fault of an earlier
        part, for
            which it loses nothing), ``not run`` (an error, a limit, a missing file).
        bugs: the names of the bugs that explain it, the likeliest first; those of a pair joined
        by
            `` + ``. Empty where it is right or nothing fits.
        conventions: the names of the conventions that the submission follows.
        lines: what the student is told, line by line, with the part's level of hint.
        teacher: what the teacher is told besides.
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
