"""Reads an explanation's text as a reader with a calculator does: each line is computed again."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

UPPER = {sign: str(k) for k, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")} | {"⁻": "-"}

FUNCTIONS = {
    "exp": lambda x: math.exp(x) if x < 709 else math.inf,
    "ln": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "cosh": math.cosh,
    "abs": abs,
    "max": max,
    "min": min,
    "σ": lambda z: 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z)),
    "Φ": lambda z: 0.5 * math.erfc(-z / math.sqrt(2)),
    "sign": lambda w: (w > 0) - (w < 0),
    "π": math.pi,
}


@dataclass
class Printed:
    """A step as it is printed.

    Attributes:
        name: the symbol on the left.
        sides: what stands behind each equals sign, the result last.
        signs: those signs.
    """

    name: str
    sides: list[str] = field(default_factory=list)
    signs: list[str] = field(default_factory=list)


def steps_of(text: str) -> list[Printed]:
    """The steps of an explanation's text, their broken lines joined."""
    found: list[Printed] = []
    is_within = False
    for line in text.splitlines():
        start = re.match(r" {4}(\S.*?) ([=←]) (.*)", line)
        goes_on = re.match(r" {5,}([=≈]) (.*)", line)
        if start and not is_within:
            found.append(Printed(start[1], [start[3]], [start[2]]))
            is_within = True
        elif goes_on and is_within:
            found[-1].sides.append(goes_on[2])
            found[-1].signs.append(goes_on[1])
        elif line.strip() and is_within:
            found[-1].sides[-1] += " " + line.strip()
        else:
            is_within = False
    return found


def as_python(side: str) -> str:
    """A printed formula as Python writes it."""
    side = re.sub(r" ?\(the other [^)]*\)", "", side)
    side = re.sub(r"(?<![\d·.])10([⁻][⁰¹²³⁴-⁹]+)", lambda m: "1·10" + m[1], side)
    side = re.sub(r"·10([⁻⁰¹²³⁴-⁹]+)", lambda m: "e" + "".join(UPPER[c] for c in m[1]), side)
    side = re.sub(r"([⁰¹²³⁴-⁹]+)", lambda m: "**" + "".join(UPPER[c] for c in m[1]), side)
    side = re.sub(r"\|([^|]*)\|", r"abs(\1)", side)
    for sign, word in (("e^(", "exp("), ("√(", "sqrt("), ("·", "*"), ("−", "-")):
        side = side.replace(sign, word)
    return side


def computed(side: str) -> float | None:
    """What a printed formula comes to; None if it has names, as a rule does."""
    try:
        return float(eval(as_python(side), {"__builtins__": {}}, FUNCTIONS))
    except (SyntaxError, NameError, TypeError):
        return None
    except (OverflowError, ZeroDivisionError):
        return math.inf


def digits_of(result: str) -> int:
    """How many significant digits a printed result may have: those that it shows."""
    mantissa = result.partition("·")[0].strip("−").replace(".", "").lstrip("0")
    return max(1, len(mantissa))


def wrong_steps(text: str, digits: int = 9) -> list[str]:
    """The steps whose printed numbers do not give the printed result, to the digits shown."""
    return [found for step in steps_of(text) if (found := _fault(step, digits))]


def _fault(step: Printed, digits: int) -> str:
    result = computed(step.sides[-1])
    if result is None:
        return f"{step.name}: the result {step.sides[-1]!r} is no number"
    numeric = [side for side in step.sides[:-1] if computed(side) is not None]
    if len(step.sides) > 2 and computed(step.sides[-2]) is None:
        return f"{step.name}: no numbers are put into {step.sides[-2]!r}"
    for side in numeric:
        found = computed(side)
        if not any(
            f"{found + 0.0:.{n}g}" == f"{result + 0.0:.{n}g}"
            for n in range(digits_of(step.sides[-1]), digits + 1)
        ):
            return f"{step.name} = {side} is {found!r}, and {step.sides[-1]} is printed"
    return ""
