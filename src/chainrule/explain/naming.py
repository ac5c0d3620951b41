"""Names and numbers in plain text, such as z⁽¹⁾₂ and −1.5·10⁻⁷, and names found in sentences."""

from __future__ import annotations

import re
from collections.abc import Callable
from unicodedata import combining

from chainrule.core.notation import subscript
from chainrule.explain.expressions import Name, Ratio
from chainrule.explain.numbers import shown

_UPPER = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


def name_text(name: Name | Ratio) -> str:
    """A name in plain text.

    Example:
        >>> name_text(Name("W", 1, (1, 2))), name_text(Name("x", at=(12, 3)))
        ('W⁽¹⁾₁₂', 'x₁₂,₃')
        >>> name_text(Ratio(Name("L"), Name("b", 2, (1,))))
        '∂L/∂b⁽²⁾₁'
    """
    if isinstance(name, Ratio):
        return f"∂{name_text(name.of)}/∂{name_text(name.by)}"
    layer = "" if name.layer is None else f"⁽{upper(name.layer)}⁾"
    between = "," if name.needs_commas else ""
    at = between.join(subscript(k) for k in name.at)
    where = name.where if isinstance(name.where, str) else name_text(name.where)
    return f"{name.letter}{layer}{at}" + (f"({where})" if where else "")


def text_width(text: str) -> int:
    """How many columns a text takes: a hat above a letter takes none."""
    return sum(not combining(sign) for sign in text)


def number_text(value: float, digits: int) -> str:
    """A number in plain text.

    Example:
        >>> number_text(-0.25, 9), number_text(1.5e-7, 9), number_text(1e-8, 9)
        ('−0.25', '1.5·10⁻⁷', '10⁻⁸')
    """
    text, _, exponent = shown(value, digits).replace("-", "−").partition("e")
    if not exponent:
        return text
    power = f"10{upper(int(exponent.replace('−', '-')))}"
    return text[:-1] + power if text.strip("−") == "1" else f"{text}·{power}"


def upper(number: int) -> str:
    """A whole number in small letters above the line, as an exponent."""
    return str(number).translate(_UPPER)


# Names within sentences, which a page sets as formulas

_PLAIN = {write(k): str(k) for k in range(10) for write in (upper, subscript)}

_NAME = re.compile(
    r"(?<!\w)(?:∂([A-Za-z])/∂)?([A-Za-zα-ωℓ][\u0302′ʰⁱᶠᵍᵒʳᵘᵐ]?)(?:⁽([⁰¹²³⁴-⁹]+)⁾)?"
    r"([₀-₉]+(?:,[₀-₉]+)*)?(?!\w)"
)


def with_names(
    text: str, plain: Callable[[str], str], named: Callable[[Name | Ratio], str]
) -> str:
    """The text, written by ``plain``, with every name of a number in it written by ``named``.

    A letter alone is a name only with a layer or a place, or in a derivative such as ∂L/∂z.

    Example:
        >>> with_names("the sum z⁽¹⁾₂, and a", str, lambda name: f"<{name.letter}{name.at}>")
        'the sum <z(2,)>, and a'
    """
    found, end = [], 0
    for match in _NAME.finditer(text):
        of, letter, layer, places = match.groups()
        if not (layer or places or of):
            continue
        name = Name(letter, _number(layer), _places(places))
        written = named(Ratio(Name(of), name) if of else name)
        found += [plain(text[end : match.start()]), written]
        end = match.end()
    return "".join([*found, plain(text[end:])])


def _number(signs: str | None) -> int | None:
    return int("".join(_PLAIN[sign] for sign in signs)) if signs else None


def _places(signs: str | None) -> tuple[int, ...]:
    """The indices: separated by commas, or one digit each."""
    if not signs:
        return ()
    parts = signs.split(",") if "," in signs else list(signs)
    return tuple(int("".join(_PLAIN[sign] for sign in part)) for part in parts)
