"""The text of a file in blocks of whole lines, decoded and unpacked as it is read."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from chainrule.core.errors import DataError, Problem
from chainrule.data.readers.unpacking import first_bytes, open_unpacked
from chainrule.data.tables.cells import TableOptions

BLOCK = 2**19
"""How many characters are read at a time."""

MAX_LINE = 2**25
"""The most characters of a line; a million numbers of 30 digits each have fewer."""

_MARKS_OF_ORDER = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""The encoding that the first bytes of a file give away; longer ones come first."""

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def encoding_of(path: Path, options: TableOptions) -> str:
    """The encoding of a text: what the options say, or what its first bytes give away.

    The mark of UTF-8 wins over the options: a later file of a run in cp1252 may be in UTF-8.
    """
    head = first_bytes(path, 4)
    if options.encoding not in (None, "utf-8") and not head.startswith(codecs.BOM_UTF8):
        return options.encoding or ""
    return next((name for mark, name in _MARKS_OF_ORDER.items() if head.startswith(mark)), "utf-8")


def text_blocks(path: Path, options: TableOptions) -> Iterator[str]:
    r"""The text of a file in blocks of whole lines, without the first ``skip_rows`` lines.

    Every line, the last too, ends with ``\n``, whatever its line end is in the file.

    Raises:
        DataError: the file cannot be read, is no text, is not in its encoding, or a line has more
            than `MAX_LINE` characters.
    """
    encoding = encoding_of(path, options)
    skipped, given, parts = options.skip_rows, 0, [""]
    with io.TextIOWrapper(open_unpacked(path), encoding=encoding) as file:
        is_last = False
        while not is_last:
            try:
                text = file.read(BLOCK)
            except UnicodeError as error:
                raise _not_in(encoding, path, error) from None
            if "\0" in text:
                message = "the file is not text; expected numbers, one case a line"
                raise DataError(Problem(message, path))
            is_last = len(text) < BLOCK
            cut = len(text) if is_last else text.rfind("\n") + 1
            if not cut and not is_last:
                parts.append(text)
                if sum(map(len, parts)) > MAX_LINE:
                    raise DataError(_too_long(path, options, given))
                continue
            whole = "".join(parts) + text[:cut]
            parts = [text[cut:]]
            if is_last and whole and not whole.endswith("\n"):
                whole += "\n"
            start = 0
            while skipped and start < len(whole):
                start = whole.index("\n", start) + 1
                skipped -= 1
            if start < len(whole):
                given += 1
                yield whole[start:]


def _too_long(path: Path, options: TableOptions, given: int) -> Problem:
    """The problem of the line behind so many blocks."""
    before = islice(text_blocks(path, options), given)
    line = options.skip_rows + 1 + sum(block.count("\n") for block in before)
    return Problem(f"a line of more than {MAX_LINE:,} characters", path, line)


def _not_in(encoding: str, path: Path, error: UnicodeError) -> DataError:
    """The error for a file that is not in its encoding, with the place of the first such byte."""
    with open_unpacked(path) as file:
        head = file.read(2**12)
        if encoding == "utf-8" and _CONTROL.search(head):
            message = "the file is not text; expected numbers, one case a line"
            return DataError(Problem(message, path))
    with open_unpacked(path) as file:
        problem = _at_wrong_byte(path, file, encoding)
    if problem is None:
        reason = getattr(error, "reason", str(error))
        problem = Problem(f"the file is not text in {_named(encoding)} ({reason})", path)
    return DataError(problem)


def _named(encoding: str) -> str:
    return "UTF-8" if encoding.startswith("utf-8") else encoding


def _at_wrong_byte(path: Path, file: BinaryIO, encoding: str) -> Problem | None:
    """The problem at the first byte that is not in the encoding; None if there is no such byte."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), True)
    line, rest, packed = 1, "", b"?"
    while packed:
        packed = file.readline(MAX_LINE)  # in UTF-16 a line end is only begun by its last byte
        try:
            text = rest + decoder.decode(packed, final=not packed)
        except UnicodeDecodeError as found:
            # An encoding with a mark of order is at its end one without, such as utf-16-le.
            plain = found.encoding if encoding.startswith("utf-") else encoding
            before = rest + _lines(found.object[: found.start].decode(plain, "replace"))
            message = f"the byte 0x{found.object[found.start]:02X} is not text in "
            message += _named(encoding)
            if _named(encoding) == "UTF-8":
                guess = _guess(found.object)
                message += f"; if it is in another encoding, write encoding: {guess}"
            column = len(before) - before.rfind("\n")
            return Problem(message, path, line + before.count("\n"), column)
        except UnicodeError:  # such as a missing mark of order, which has no place
            return None
        line, rest = line + text.count("\n"), text.rpartition("\n")[2]
    return None


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _guess(text: bytes) -> str:
    """The encoding that a line of Western text in another encoding than UTF-8 probably has."""
    try:
        text.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"
