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
    mantissa = re.split("[·e]", result)[0].strip("−-").replace(".", "").lstrip("0")
    return max(1, len(mantissa))


def wrong_steps(text: str | list[Printed], digits: int = 9) -> list[str]:
    """The steps whose printed numbers do not give the printed result, to the digits shown."""
    steps = steps_of(text) if isinstance(text, str) else text
    return [found for step in steps if (found := _fault(step, digits))]


def latex_steps_of(markdown: str) -> list[Printed]:
    """The steps of an explanation's Markdown, their LaTeX written as the text form has it."""
    found = []
    for block in re.findall(r"```math\n\\begin\{aligned\}\n(.*?)\n\\end", markdown, re.DOTALL):
        sides: list[str] = []
        name, signs = "", []
        for row in block.split(" \\\\\n"):
            start = re.match(r"(.*?) ?&(=|\\leftarrow|\\approx|\\quad \{\}) (.*)", row, re.DOTALL)
            assert start, f"a row of an aligned formula, found {row!r}"
            if start[2].startswith("\\quad"):
                sides[-1] += " " + start[3]
                continue
            name = start[1] or name
            signs.append({"\\leftarrow": "←", "\\approx": "≈"}.get(start[2], "="))
            sides.append(start[3])
        found.append(Printed(name, [_plain(side) for side in sides], signs))
    return found


def _plain(latex: str) -> str:
    """LaTeX of numbers as the text form writes it; names stay LaTeX."""
    latex = re.sub(r"\\ \\text\{(\(the other [^}]*\))\}", r" \1", latex)
    latex = re.sub(r"(?<![\d.] \\cdot )(?<![\d.])10\^\{(-?\d+)\}", r"1e\1", latex)
    latex = re.sub(r"(?<=[\d.]) \\cdot 10\^\{(-?\d+)\}", r"e\1", latex)
    latex = re.sub(r"(?:^|(?<=[\s({]))\{(-[\d.]+(?:e-?\d+)?)\}", r"\1", latex)  # below 0
    for word, before, between in (("frac", "(", ")/("), ("sqrt", "sqrt(", ""), ("sign", "", "")):
        latex = _unbraced(latex, word, before, between)
    latex = _unbraced(latex.replace("e^{", "\\exp{"), "exp", "exp(", "")
    latex = re.sub(r"\^\{(\d)\}", lambda m: "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(m[1])], latex)
    latex = latex.replace(r"\operatorname{sign}", "sign").replace(r"\cdot", "·")
    latex = latex.replace(r"\lvert ", "|").replace(r" \rvert", "|")
    for word, sign in (("sigma", "σ"), ("Phi", "Φ"), ("pi", "π")):
        latex = latex.replace("\\" + word, sign)
    latex = re.sub(r"\\(ln|tanh|cosh|max|min)\b", r"\1", latex)
    return latex.replace("{", "(").replace("}", ")") if "\\" not in latex else latex


def _unbraced(latex: str, word: str, before: str, between: str) -> str:
    """The arguments in braces of a command, in parentheses."""
    while (start := latex.find(f"\\{word}{{")) >= 0:
        end = _closing(latex, start + len(word) + 1)
        inner = latex[start + len(word) + 2 : end]
        written = f"{before}{inner})"
        if between:
            last = _closing(latex, end + 1)
            written = f"({before}{inner}{between}{latex[end + 2 : last]}))"
            end = last
        latex = latex[:start] + written + latex[end + 1 :]
    return latex


def _closing(latex: str, start: int) -> int:
    """The index of the brace that closes the one at ``start``."""
    depth = 0
    for k in range(start, len(latex)):
        depth += (latex[k] == "{") - (latex[k] == "}")
        if not depth:
            return k
    raise AssertionError(f"a brace is not closed in {latex!r}")


def equal_as_shown(value: float, shown: str, digits: int = 9) -> bool:
    """Whether the value, rounded to the digits of what is shown, is what is shown."""
    printed = computed(shown)
    return any(
        f"{value + 0.0:.{n}g}" == f"{printed + 0.0:.{n}g}"
        for n in range(digits_of(shown), digits + 1)
    )


def _fault(step: Printed, digits: int) -> str:
    result = computed(step.sides[-1])
    if result is None:
        return f"{step.name}: the result {step.sides[-1]!r} is no number"
    numeric = [side for side in step.sides[:-1] if computed(side) is not None]
    if len(step.sides) > 2 and computed(step.sides[-2]) is None:
        return f"{step.name}: no numbers are put into {step.sides[-2]!r}"
    for side in numeric:
        found = computed(side)
        if not equal_as_shown(found, step.sides[-1], digits):
            return f"{step.name} = {side} is {found!r}, and {step.sides[-1]} is printed"
    return ""
