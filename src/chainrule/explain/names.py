"""Names within sentences, such as z⁽¹⁾₂, found again so that a page can set them as formulas."""

from __future__ import annotations

import re
from collections.abc import Callable

from chainrule.explain.expressions import Name, Ratio

_UP = {sign: str(k) for k, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_DOWN = {sign: str(k) for k, sign in enumerate("₀₁₂₃₄₅₆₇₈₉")}

_NAME = re.compile(
    r"(?<!\w)(?:∂([A-Za-z])/∂)?([A-Za-zα-ωℓ][\u0302′]?)(?:⁽([⁰¹²³⁴-⁹]+)⁾)?"
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
        name = Name(letter, _number(layer, _UP), _places(places))
        written = named(Ratio(Name(of), name) if of else name)
        found += [plain(text[end : match.start()]), written]
        end = match.end()
    return "".join([*found, plain(text[end:])])


def _number(signs: str | None, table: dict[str, str]) -> int | None:
    return int("".join(table[sign] for sign in signs)) if signs else None


def _places(signs: str | None) -> tuple[int, ...]:
    """The indices: separated by commas, or one digit each."""
    if not signs:
        return ()
    parts = signs.split(",") if "," in signs else list(signs)
    return tuple(int("".join(_DOWN[sign] for sign in part)) for part in parts)
