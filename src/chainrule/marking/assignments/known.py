"""What the programs that an assignment may name are: their inputs, lines, conventions and bugs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from chainrule.core.errors import ConfigError, unknown
from chainrule.marking.program import Program
from chainrule.marking.programs import PROGRAMS


@dataclass(frozen=True)
class Known:
    """A program that a part of an assignment may name.

    Attributes:
        name: by which it is named.
        says: what it computes, in a line.
        options: with their defaults, as an assignment writes them.
        program: with all options left out; None where one of them must be given.
    """

    name: str
    says: str
    options: tuple[str, ...]
    program: Program | None


def known_programs() -> list[Known]:
    """All programs, in the order of their names."""
    return [known_program(name) for name in PROGRAMS]


def known_program(name: str) -> Known:
    """The program of a name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PROGRAMS:
        raise ConfigError(unknown("program", name, PROGRAMS))
    make = PROGRAMS[name]
    says = " ".join((inspect.getdoc(make) or "").split("\n\n")[0].replace("``", "").split())
    parameters = inspect.signature(make).parameters.values()
    needs = any(one.default is inspect.Parameter.empty for one in parameters)
    return Known(name, says, tuple(map(_option, parameters)), None if needs else _made(make))


def _made(make: Callable[..., Program]) -> Program:
    return make()


def _option(parameter: inspect.Parameter) -> str:
    """An option as TOML has it."""
    if parameter.default is inspect.Parameter.empty:
        return f"{parameter.name} = …"
    value = parameter.default
    text = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
    return f"{parameter.name} = {text}"


def inputs_of(program: Program) -> list[str]:
    """The names of a program's inputs, which a call may use."""
    return sorted({name for probe in program.probes for case in probe.calls for name in case})
