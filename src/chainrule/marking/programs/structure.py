"""What a submission has: files, classes and functions under the names that the course gives."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.marking.program import Line, Probe, Program
from chainrule.marking.programs.variations import bug


def structure(things: Sequence[str]) -> Program:
    """One line for each thing that has to be there: 1 where it is, 0 where it is missing.

    The line of ``layers/full.py: FullLayer`` is called ``full``: the name of the file without its
    ending. The only input is ``version``, which is 1.

    Args:
        things: each as ``file: names in it``.
    """
    names = [_name(thing) for thing in things]
    return Program(
        "structure",
        tuple(
            Line(name, "float(version)", f"whether there is {thing}", "forward")
            for name, thing in zip(names, things, strict=True)
        ),
        tuple(
            bug(
                f"missing@{name}",
                f"{thing.split(': ')[0]} does not give {thing.split(': ')[-1]}",
                "The file or a name in it is missing, is spelled otherwise, or cannot be "
                "imported. Those who use your code, and the tests, find it by the names of the "
                "course's text.",
                "Start Python in the folder that you hand in and import it.",
                **{name: "0.0"},
            )
            for name, thing in zip(names, things, strict=True)
        ),
        (Probe("names", "every name that the text gives", ({"version": 1},)),),
    )


def _name(thing: str) -> str:
    return thing.split(":")[0].rsplit("/", 1)[-1].split(".")[0]
