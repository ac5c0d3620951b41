"""The table of planted bugs, for people: docs/planted-bugs.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proof.bugs import Bug


@dataclass(frozen=True)
class Verdict:
    """What became of one bug.

    Attributes:
        bug: the bug.
        killers: by activation, the test that noticed it; None where none did.
        same_bits: activations with which training gave the bits of the right code.
        accuracy: of the network trained with it all the same; a word where that failed, or where
            that training does not use the changed code.
        passes: whether one batch passes PyTorch's tolerances, and the course rule of 1e-4.
    """

    bug: Bug
    killers: dict[str, str | None]
    same_bits: frozenset[str]
    accuracy: float | str
    passes: dict[str, bool] | str

    @property
    def survivors(self) -> list[str]:
        """Activations with which it does harm and no test noticed."""
        return [
            n for n, test in self.killers.items() if test is None and n not in self.bug.harmless
        ]

    @property
    def wrongly_excused(self) -> list[str]:
        """Activations for which it is said to be harmless, and changes bits."""
        return [n for n in self.killers if n in self.bug.harmless and n not in self.same_bits]


PAGE = Path(__file__).parents[1] / "docs" / "planted-bugs.md"
TRAINED = 0.9

HEAD = """\
# Planted bugs

Each bug is planted in a copy of the package, and tests of the suite are run on the copy, for
every activation. Beside the test that notices it stands what else one might have believed: a
network of 2-8-8-3 units trained with the bug on three clouds of points; one batch within the
tolerances of PyTorch's `gradcheck` (|a − n| ≤ 1e-5 + 1e-3 |n|); one batch with a relative error of
at most 1e-4, a usual rule of courses. A dash: that training does not use the changed code.

`python -m proof kills --full` makes this page.

"""


def write_table(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """Write the page; the counts that stand in it."""
    trained = [v for v in verdicts if isinstance(v.accuracy, float) and v.accuracy > TRAINED]
    lax = {
        rule: sum(isinstance(v.passes, dict) and v.passes[rule] for v in verdicts)
        for rule in ("gradcheck", "course")
    }
    rows = [
        "| bug | killed by | changes nothing for | trains to | gradcheck | 1e-4 |",
        "| --- | --- | --- | ---: | --- | --- |",
        *(_row(v) for v in verdicts),
    ]
    used = [v for v in verdicts if v.accuracy != "not used"]
    counts = (
        f"Of {len(used)} bugs in what it uses, {len(trained)} trained to over 90 % all the same, "
        f"{lax['gradcheck']} passed on one batch at PyTorch's tolerances and {lax['course']} at "
        f"1e-4. Of all {len(verdicts)} the tests killed {_killed(verdicts)}.\n\n"
    )
    PAGE.write_text(HEAD + counts + "\n".join(rows) + "\n", encoding="utf-8")
    return {"bugs": len(verdicts), "used": len(used), "trained": len(trained), **lax}


def _killed(verdicts: Sequence[Verdict]) -> str:
    alive = sum(bool(v.survivors) for v in verdicts)
    return f"all but {alive}" if alive else "every one"


def _row(v: Verdict) -> str:
    killers = sorted({test.partition("[")[0] for test in v.killers.values() if test})
    by = "<br>".join(f"`{test.replace('::', ' ')}`" for test in killers)
    if v.survivors:
        by += f" **survives with {', '.join(v.survivors)}**"
    reasons: dict[str, list[str]] = {}
    for name, reason in v.bug.harmless.items():
        reasons.setdefault(reason, []).append(name)
    harmless = "; ".join(
        f"{reason}" if len(names) > 3 else f"{', '.join(names)}: {reason}"
        for reason, names in reasons.items()
    )
    accuracy = f"{v.accuracy:.0%}" if isinstance(v.accuracy, float) else v.accuracy
    if v.accuracy == "not used":
        return f"| {v.bug.name} | {by} | {harmless} | – | – | – |"
    passes = v.passes if isinstance(v.passes, dict) else {}
    marks = ["passes" if passes.get(rule) else "fails" for rule in ("gradcheck", "course")]
    return f"| {v.bug.name} | {by} | {harmless} | {accuracy} | {marks[0]} | {marks[1]} |"
