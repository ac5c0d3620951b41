r"""Expressions in LaTeX, with the commands that GitHub and latex2mathml both know."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chainrule.explain.expressions import Expression, Name, Others, Ratio
from chainrule.explain.numbers import shown
from chainrule.explain.writing import Notation, Piece, Pieces, pieces

GREEK = {
    "α": r"\alpha",
    "β": r"\beta",
    "γ": r"\gamma",
    "δ": r"\delta",
    "ε": r"\varepsilon",
    "η": r"\eta",
    "θ": r"\theta",
    "λ": r"\lambda",
    "μ": r"\mu",
    "ρ": r"\rho",
    "σ": r"\sigma",
    "φ": r"\varphi",
    "Φ": r"\Phi",
    "π": r"\pi",
    "ℓ": r"\ell",
    "Δ": r"\Delta",
}
"""Letters that LaTeX writes as commands."""

HATS = {"\u0302": r"\hat", "\u0304": r"\bar", "\u0303": r"\tilde"}
"""Marks above a letter."""

UPPER = {"′": r"\prime", "⁰": "0", "ʰ": "h", **dict(zip("ⁱᶠᵍᵒʳᵘᵐ", "ifgorum", strict=True))}
"""What stands small above right of a letter, such as the gate of an LSTM."""

FRACTION_WIDTH = 30
"""A fraction that is wider is written in one line, so that it can be broken."""


_BRACED = re.compile(r"\{[^{}]*\}")
"""A number below 0, which stands in braces already."""


def letter_latex(letter: str) -> tuple[str, str]:
    r"""A letter, and what stands above right of it.

    Example:
        >>> print(*letter_latex("δ"), *letter_latex("t′"), *letter_latex("m̂"), *letter_latex("bʰ"))
        \delta  t \prime \hat{m}  b h
    """
    upper = UPPER.get(letter[-1:], "")
    base = letter[:-1] if upper else letter
    if base[-1:] in HATS:
        return f"{HATS[base[-1]]}{{{GREEK.get(base[:-1], base[:-1])}}}", upper
    if base.startswith("‖"):
        return rf"\lVert {base.strip('‖')} \rVert", upper
    if len(base) <= 1:
        return GREEK.get(base, base), upper
    if len(base) == 2 and base[0] in GREEK:  # ΔL
        return f"{GREEK[base[0]]} {base[1]}", upper
    return rf"\text{{{base}}}", upper


def name_latex(name: Name | Ratio, *, inline: bool = False) -> str:
    r"""A name in LaTeX; a derivative ``inline`` in one line.

    Example:
        >>> print(name_latex(Name("W", 1, (1, 2))))
        W^{(1)}_{12}
        >>> print(name_latex(Ratio(Name("L"), Name("δ", 2, (1,)))))
        \frac{\partial L}{\partial \delta^{(2)}_{1}}
    """
    if isinstance(name, Ratio):
        above, below = (rf"\partial {name_latex(one)}" for one in (name.of, name.by))
        return f"{above} / {below}" if inline else rf"\frac{{{above}}}{{{below}}}"
    base, upper = letter_latex(name.letter)
    above = upper + ("" if name.layer is None else f"({name.layer})")
    between = "," if name.needs_commas else ""
    below = between.join(map(str, name.at))
    written = base + (f"^{{{above}}}" if above else "") + (f"_{{{below}}}" if below else "")
    if not name.where:
        return written
    where = name.where
    inner = rf"\text{{{where}}}" if isinstance(where, str) else name_latex(where)
    return f"{written}({inner})"


def number_latex(value: float, digits: int) -> str:
    r"""A number in LaTeX.

    Example:
        >>> print(number_latex(-0.25, 9), number_latex(1.5e-7, 9), number_latex(1e-8, 9))
        -0.25 1.5 \cdot 10^{-7} 10^{-8}
    """
    text, _, exponent = shown(value, digits).partition("e")
    if not exponent:
        return text
    power = f"10^{{{int(exponent)}}}"
    return text[:-1] + power if text.strip("-") == "1" else rf"{text} \cdot {power}"


def latex_width(text: str) -> int:
    r"""About how many letters wide LaTeX is when it is set.

    Example:
        >>> latex_width(r"x_{1} \cdot W^{(1)}_{11}")
        8
    """
    text = re.sub(r"\\frac\{(.*)\}\{(.*)\}", r"\1", text)
    text = re.sub(r"\\(text|hat|bar|left|right|operatorname|lvert|rvert)", "", text)
    text = re.sub(r"\\[a-z]+ ?", "x", text)
    text = re.sub(r"[_^]\{([^{}]*)\}", lambda m: "x" * ((3 * len(m[1]) + 1) // 4), text)
    return len(re.sub(r"[{}\\]", "", text))


class Latex(Notation):
    """LaTeX."""

    times = r" \cdot "
    minus = "-"
    widest_fraction = FRACTION_WIDTH

    def name(self, name: Name | Ratio) -> str:
        """See `name_latex`."""
        return name_latex(name)

    def number(self, value: float, digits: int) -> str:
        """See `number_latex`."""
        return number_latex(value, digits)

    def negative(self, number: str) -> str:
        """Such as {-0.5}: in braces, so that no space follows the sign."""
        return f"{{-{number}}}"

    def others(self, one: Others, number: str) -> Sequence[str]:
        """Such as 0.0123 (the other 780 terms)."""
        return (r"\dots" if number == "…" else number), rf"\ \text{{({one.words})}}"

    def power(self, base: str, exponent: int) -> str:
        """Such as x^{2}."""
        return f"{base}^{{{exponent}}}" if not base.endswith("}") else f"{{{base}}}^{{{exponent}}}"

    def applied(self, function: str, arguments: Sequence[Pieces]) -> Pieces:
        """Such as e^{x}, a root, or a function with its argument in parentheses."""
        inner = ", ".join("".join(p.text for p in argument) for argument in arguments)
        written = {
            "exp": f"e^{inner}" if _BRACED.fullmatch(inner) else f"e^{{{inner}}}",
            "sqrt": rf"\sqrt{{{inner}}}",
            "abs": rf"\lvert {inner} \rvert",
            "sign": rf"\operatorname{{sign}}({inner})",
            "σ": rf"\sigma({inner})",
            "Φ": rf"\Phi({inner})",
        }.get(function, rf"\{function}({inner})")
        return [Piece(written, latex_width(written))]

    def fraction(self, above: str, below: str) -> str:
        """One above the other."""
        return rf"\frac{{{above}}}{{{below}}}"

    def width(self, text: str) -> int:
        """See `latex_width`."""
        return latex_width(text)


def formula_latex(one: Expression, digits: int | None = None) -> str:
    r"""A formula by the names of its variables, or with numbers of so many digits.

    Example:
        >>> from chainrule.explain.expressions import Variable
        >>> x = Variable(0.05, Name("x", at=(1,)))
        >>> print(formula_latex(1 / (1 + x**2)))
        \frac{1}{1 + {x_{1}}^{2}}
    """
    return "".join(piece.text for piece in pieces(one, Latex(digits)))
