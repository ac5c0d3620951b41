"""JavaScript without what only its readers need: comments, indentation and optional spaces.

It is for modules as Biome formats them: every statement that can end with a semicolon does, so
that a line break means nothing but a space. A test has Node.js parse the script of the page before
and after: it is the same program. (rjsmin makes the script half a kilobyte larger, and another
program of it: it does not know texts in backquotes within each other. Minifiers that parse are
programs of Node.js, which users of the page do not need.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator


def _template(depth: int) -> str:
    """A text in backquotes, with such texts in what it puts in, so many within each other."""
    inner = f"|{_template(depth - 1)}" if depth else ""
    put_in = rf"\$\{{(?:[^`{{}}]|\{{[^`{{}}]*\}}{inner})*\}}"
    return rf"`(?:[^`\\$]|\\.|\$(?!\{{)|{put_in})*`"


_WHOLE = re.compile(
    rf"""
    "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | {_template(2)}     # texts
    | //[^\n]* | /\*.*?\*/                                    # comments
    | /(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*         # regular expressions, or quotients
    """,
    re.VERBOSE | re.DOTALL,
)
_BEFORE_AN_EXPRESSION = re.compile(
    r"(?:[=(,:&|?<>\[{;!*%~^]|(?<!\+)\+|(?<!-)-|\b(?:return|typeof|case|in|of))\s*$"
)
"""What stands before a regular expression and not before the sign of a quotient. Behind ``)`` and
``}`` both may stand; there it is taken for a quotient, as no module begins a statement so."""

_TOP = re.compile(r"\n(?=(?:async function|function|const|let|class)\b)")
_BREAK = "\0"
_SIGNS_APART = re.compile(r"(?<=\+)\s+(?=\+)|(?<=-)\s+(?=-)")
_APART = "\1"
_SPACE = re.compile(r"\s+")
_OPTIONAL = re.compile(r"(?<![\w$]) | (?![\w$])|, ?(?=[\])}])|; ?(?=})")
"""Spaces beside a sign, the comma behind the last of a list, the semicolon that ends a block."""

_CONST = re.compile(r"(?<![\w$.])const (?=[\w$\[{])")
"""A name that is never given another value, which matters to readers and to checks of types."""


def split(code: str) -> Iterator[tuple[str, str]]:
    """The script in parts: code, and the text, comment or regular expression behind it.

    Example:
        >>> list(split("a = b / c / d; // x"))
        [('a = b / c / d; ', '// x'), ('', '')]
    """
    start = place = 0
    while found := _WHOLE.search(code, place):
        text, at = found[0], found.start()
        is_quotient = text[0] == "/" and text[1] not in "/*"
        if is_quotient and not _BEFORE_AN_EXPRESSION.search(code[max(start, at - 80) : at]):
            place = at + 1
            continue
        yield code[start:at], text
        start = place = found.end()
    yield code[start:], ""


def tightened(code: str) -> str:
    """The script with spaces where two words, or + and +, would become one.

    What stands at the beginning of a line begins one, so that the place of an error can be said.

    Example:
        >>> tightened("const f = (x) => - -x; // twice")
        'let f=(x)=>- -x;'
    """
    made: list[str] = []
    for part, text in split(code):
        made.append(_without_spaces(part))
        if not text.startswith(("//", "/*")):
            made.append(text)
    return "".join(made).replace(_BREAK, "\n").replace(_APART, " ").strip()


def _without_spaces(part: str) -> str:
    part = _SIGNS_APART.sub(_APART, _TOP.sub(_BREAK, part))
    return _OPTIONAL.sub("", _CONST.sub("let ", _SPACE.sub(" ", part)))
