"""Texts of a C file: identifiers, strings, comments and numbers that any C99 compiler reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Any

import numpy as np

from chainrule.core.arrays import Array

_KEYWORDS = """auto break case char const continue default do double else enum extern float for
goto if inline int long register restrict return short signed sizeof static struct switch typedef
union unsigned void volatile while"""
KEYWORDS = frozenset(re.findall(r"\w+", _KEYWORDS))

LONGEST_IDENTIFIER = 40
"""Names are cut to this length; C99 promises to tell 63 characters apart."""

LONGEST_STRING = 4000
"""C99 promises strings of 4,095 characters."""

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "?": "\\?"}


def identifier(name: str, taken: set[str] | None = None) -> str:
    """A name that C allows, and that no other in ``taken`` has, to which it is added.

    Example:
        >>> used = {"dense_1"}
        >>> identifier("Größe (cm)"), identifier("dense_1", used), identifier("int")
        ('Gr_e_cm', 'dense_1_2', 'int_')
    """
    found = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:LONGEST_IDENTIFIER]
    if not found or found[0].isdigit():
        found = f"n{found}"
    if found in KEYWORDS:
        found += "_"
    if taken is None:
        return found
    first, k = found, 1
    while found in taken:
        k += 1
        found = f"{first}_{k}"
    taken.add(found)
    return found


def string(text: str) -> str:
    r"""A string of C that holds the text in UTF-8; the file itself holds ASCII alone.

    A question mark is escaped, because two of them may begin a trigraph, and other bytes are
    written in octal, which ends after three digits.

    Example:
        >>> print(string('a "b"??/é'))
        "a \"b\"\?\?/\303\251"
    """
    found = (_ESCAPES.get(chr(b), chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in _bytes(text))
    return f'"{"".join(found)}"'


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def in_comment(text: str) -> str:
    """The text for a comment: printable ASCII that neither ends the comment nor is a trigraph.

    Example:
        >>> in_comment("a*/b/*c??/")
        'a* /b/ *c? ?/'
    """
    plain = "".join(c if c.isascii() and c.isprintable() else ascii(c)[1:-1] for c in text)
    plain = re.sub(r"\*(?=/)", "* ", plain)
    plain = re.sub(r"/(?=\*)", "/ ", plain)
    return re.sub(r"\?(?=\?)", "? ", plain)


def comment(lines: Iterable[str]) -> str:
    """A comment of several lines, each a text of any kind."""
    found = (
        part
        for line in lines
        for part in wrap(in_comment(line), 92, subsequent_indent="  ") or [""]
    )
    return "/*\n" + "".join(f" * {line}".rstrip() + "\n" for line in found) + " */\n"


def number(value: Any, dtype: np.dtype[Any]) -> str:
    """A finite number with as many digits as it takes to be read back with the same bits.

    Example:
        >>> number(0.1, np.dtype("float64")), number(3, np.dtype("float32"))
        ('0.1', '3.0f')
    """
    return repr(float(value)) if dtype == np.float64 else f"{_short(np.float32(value))}f"


def _short(value: Any) -> str:
    text = str(value)
    return text if any(mark in text for mark in ".e") else f"{text}.0"


def numbers(values: Array, dtype: np.dtype[Any]) -> Iterator[str]:
    """Numbers of an array as the lines between its braces, eight a line."""
    flat = values.ravel().astype(dtype)
    texts = [number(value, dtype) for value in (flat.tolist() if dtype == np.float64 else flat)]
    for start in range(0, len(texts), 8):
        yield "    " + ", ".join(texts[start : start + 8])
