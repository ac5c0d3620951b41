"""The keys of an ``assignment.toml``: what each of them is, and what it may be."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chainrule.core.arguments import is_finite
from chainrule.core.schema import (
    AboveZero,
    Amount,
    Count,
    FileName,
    Flag,
    Metadata,
    Section,
    Text,
    Word,
    described_as,
    expected,
)

HINTS = ("full", "place", "none")
"""How much a student is told of a bug: all of it; the array and a hint; that there is one."""

LOADS = ("all", "definitions")
"""How a student's file is loaded: as it is, or without what a script does at its top level."""

Texts = Annotated[list[Text], described_as("a list of texts, such as ['a', 'b']")]
Files = Annotated[
    list[FileName], Field(min_length=1), described_as("a list of names of files, at least one")
]
Code = Annotated[
    dict[str, Text], described_as("a table of expressions in Python, such as { loss = 'loss' }")
]
Options = Annotated[dict[str, Any], described_as("a table of options, such as { hidden = 2 }")]


class Bounds(Metadata):
    """Two numbers between which a returned number must lie."""

    def check(self, value: Any) -> tuple[float, float]:
        """The lower and the upper bound; either may be infinite."""
        if not isinstance(value, list) or len(value) != 2:
            raise expected("a lower and an upper bound, such as [0.9, 1.0]")
        if not all(is_finite(v) or v in (float("inf"), -float("inf")) for v in value):
            raise expected("a lower and an upper bound, such as [0.9, 1.0] or [0.9, inf]")
        low, high = map(float, value)
        if low > high:
            raise expected("a lower and an upper bound, the lower first")
        return low, high

    def json_schema(self) -> dict[str, Any]:
        """Two numbers."""
        return {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}


Between = Annotated[tuple[float, float], Bounds()]


class Head(Section):
    """The table ``[assignment]``."""

    name: Text = Field(description="a word, such as HLCV")
    title: Text | None = Field(None, description="as the course names it")
    files: Files = Field(description="the files that a student hands in")
    imports: Texts = Field(
        default_factory=lambda: ["numpy"],
        description="the modules that they may import besides their own",
    )
    solution: FileName = Field("solution", description="the folder of your solution")
    setup: str = Field("", description="Python that runs before the setup of every part")
    load: Annotated[str, Word("way of loading", LOADS)] = Field(
        "all", description="all, or definitions: without what a script does at its top level"
    )


class Limiting(Section):
    """The table ``[limits]``: what the code of one part may use."""

    seconds: AboveZero = Field(10.0, description="of time")
    memory_mb: Count = Field(1024, description="of memory, in MB")


class Gradient(Section):
    """Of which value a returned array is the gradient."""

    of: Text = Field(description="the name of the returned value that is differentiated")
    by: Text = Field(description="the input by which it is differentiated")
    upstream: Text | None = Field(
        None, description="the input that holds the gradient of what comes after; none of a loss"
    )


class Probing(Section):
    """The table ``[[part.probe]]``: the inputs of a call, or of several on the same object."""

    name: Text = Field(description="a few words")
    why: Text | None = Field(None, description="what it tells apart")
    inputs: Code = Field(
        description="for each input an expression of NumPy; rng draws, earlier inputs are known"
    )
    calls: Count = Field(1, description="how many calls are made on the same object")


class BugTable(Section):
    """The table ``[[part.bug]]``: a bug that you know of, as a solution that has it."""

    name: Text = Field(description="a word, such as no_gate_slope")
    title: Text = Field(description="what is wrong, in a few words, with the place")
    sentence: Text | None = Field(None, description="why it is wrong, and what would be right")
    hint: Text | None = Field(None, description="where to look, without giving it away")
    solution: FileName = Field(description="a folder with a solution that has the bug")
    values: Texts | None = Field(
        None, description="the returned values that it makes wrong, by default those judged"
    )


class PartTable(Section):
    """The table ``[[part]]``."""

    name: Text = Field(description="a word, such as gradients")
    title: Text | None = Field(None, description="as the exercise's text names it")
    credit: Amount = Field(description="the points that it is worth")
    files: Files | None = Field(None, description="the files it needs, by default all")
    program: Text | None = Field(None, description="what it must compute, by a program's name")
    options: Options | None = Field(None, description="the program's options")
    reference: Flag = Field(False, description="whether right is what your solution returns")
    setup: str = Field("", description="Python that runs before the first call")
    call: Text | None = Field(None, description="Python that makes the call")
    run: FileName | None = Field(
        None, description="the file of a program that is run with arguments, in place of call"
    )
    returns: Code = Field(description="for each value its expression after the call")
    judged: Texts | None = Field(None, description="the values that cost points, by default all")
    charged: Texts | None = Field(None, description="conventions that cost points")
    bounds: dict[str, Between] | None = Field(None, description="numbers that must lie between")
    measure: Code | None = Field(
        None, description="what bounds judge: expressions in inputs and returned values"
    )
    gradients: dict[str, Gradient] | None = Field(None, description="what is a gradient of what")
    probe: list[Probing] | None = Field(None, description="inputs")
    bug: list[BugTable] | None = Field(None, description="bugs that you know of")
    tolerance: AboveZero = Field(1e-7, description="the relative error that a number may have")
    hidden: Flag = Field(False, description="whether inputs and numbers are kept from students")
    hint: Annotated[str, Word("level of hint", HINTS)] = Field(
        "full", description="what a student is told of a bug: full, place or none"
    )
    share: Flag = Field(False, description="whether each right array has its share of the credit")
    needs: Texts | None = Field(None, description="parts that must be right before it is marked")
    seconds: AboveZero | None = Field(None, description="of time, where not those of [limits]")
    memory_mb: Count | None = Field(None, description="of memory, likewise")


class AssignmentFile(Section):
    """A whole ``assignment.toml``."""

    assignment: Head = Field(description="the table [assignment]")
    limits: Limiting | None = Field(None, description="the table [limits]")
    part: list[PartTable] = Field(min_length=1, description="a table [[part]] for each part")
