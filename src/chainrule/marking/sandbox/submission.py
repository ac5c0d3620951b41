"""Read a submission's files and what can be seen without running them: syntax and imports."""

from __future__ import annotations

import ast
import codecs
import os
import sys
import tokenize
import warnings
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

from chainrule.core.errors import nearest, printable
from chainrule.marking.sandbox.inside.standins import PLOTTING
from chainrule.marking.sandbox.reading import Trouble

MOST_FILES = 500
MOST_BYTES = 16 * 2**20
"""The most bytes of all files that are handed in."""
MOST_CODE = 256 * 2**10
"""The most bytes of all modules: to read them takes memory a thousand times their size."""
_TEXT = (
    "utf-8 utf-8-sig ascii iso8859-1 iso8859-2 iso8859-9 iso8859-15 cp1250 cp1251 cp1252 cp1254 "
    "koi8-r gb2312 gbk gb18030 big5 shift_jis cp932 euc_jp euc_kr cp949"
)
_ENCODINGS = frozenset(_TEXT.split())
"""Encodings that are read in one go; others can keep their reader busy for ever."""
_MOST_LARGE = 4 * 2**20
_DEEPEST = 6
_SKIPPED = ("__pycache__", "__MACOSX", "node_modules", "venv", "site-packages")
_ENDINGS = (".pyc", ".pyo", ".so", ".pyd", ".pth")

_OUTWARD = (
    "ctypes _ctypes cffi subprocess multiprocessing socket _socket ssl socketserver ftplib "
    "smtplib http urllib requests xmlrpc telnetlib poplib imaplib nntplib asyncio pty webbrowser "
    "gc _posixsubprocess posix resource signal mmap chainrule"
)
_MODULES = (
    "argparse copy csv decimal fractions heapq logging numbers operator random statistics string "
    "textwrap timeit unittest"
)
NAMESAKES = tuple(_MODULES.split())
"""Modules of the standard library after which students call files of their own."""

REACHING = frozenset(_OUTWARD.split())
"""Modules that reach out of a program; none of them is part of a backward pass."""


@dataclass(frozen=True)
class Submission:
    """The files of a submission, as they are handed to the sandbox.

    Attributes:
        files: their contents by their names, with ``/`` between folders.
        trouble: why they cannot be used; None where they can.
    """

    files: Mapping[str, bytes]
    trouble: Trouble | None = None

    def packed(self) -> dict[str, str]:
        """The files for a job: base64 by name."""
        return {name: b64encode(content).decode("ascii") for name, content in self.files.items()}


def read_submission(folder: Path, modules: Sequence[str]) -> Submission:
    """Read the files of a submission: regular ones alone, no links, none that is large.

    Where the modules are not in the folder itself but in exactly one folder below, that one is
    taken, as where a whole folder was packed.

    Args:
        folder: the submission.
        modules: the dotted names of those that are wanted; without any, no file is read.
    """
    if not modules:
        return Submission({})
    files: dict[str, bytes] = {}
    total = 0
    for path in _regular(folder):
        size = path.stat().st_size
        if size > _MOST_LARGE:
            continue
        total += size
        if total > MOST_BYTES or len(files) == MOST_FILES:
            text = f"the submission has more than {MOST_FILES} files or {MOST_BYTES >> 20} MB"
            return Submission({}, Trouble("files", text))
        try:
            files[path.relative_to(folder).as_posix()] = _content(path)
        except OSError as error:
            text = f"{printable(path.name)} cannot be read: {error.strerror}"
            return Submission({}, Trouble("files", text))
    return Submission(_rooted(files, modules))


def _regular(folder: Path) -> Iterator[Path]:
    """Regular files below a folder; links, hidden folders and compiled code are left out."""
    for place, folders, names in os.walk(folder, followlinks=False):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(
            name
            for name in folders
            if depth < _DEEPEST and name not in _SKIPPED and not name.startswith(".")
        )
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink() and not name.endswith(_ENDINGS):
                yield path


def _content(path: Path) -> bytes:
    """The bytes of a file that is no link, not even one that it became in between."""
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(opened, "rb") as file:
        return file.read(_MOST_LARGE + 1)


def _rooted(files: dict[str, bytes], modules: Sequence[str]) -> dict[str, bytes]:
    """The files from the folder on that has the first module."""
    if not modules or any(_file_of(modules[0], files)):
        return files
    wanted = modules[0].replace(".", "/")
    found = {
        name[: -len(end)]
        for name in files
        for end in (f"{wanted}.py", f"{wanted}/__init__.py")
        if name.endswith("/" + end)
    }
    if len(found) != 1:
        return files
    root = found.pop()
    return {name[len(root) :]: content for name, content in files.items() if name.startswith(root)}


def _file_of(module: str, files: Mapping[str, bytes]) -> Iterator[str]:
    path = module.replace(".", "/")
    yield from (name for name in (f"{path}.py", f"{path}/__init__.py") if name in files)


def first_trouble(
    files: Mapping[str, bytes],
    modules: Sequence[str],
    imports: Sequence[str] | None,
    only_used: bool = False,
) -> Trouble | None:
    """What keeps the modules from being run: a missing file, wrong syntax, a forbidden import.

    Args:
        files: of the submission.
        modules: the modules that will be imported; those of the submission that they import are
            looked at too.
        imports: what may be imported besides the submission's own modules and the harmless part
            of the standard library; None for anything.
        only_used: let files import at their top level what they like: where only definitions
            are run, a module that is not there fails where it is used.
    """
    todo, done = list(modules), set[str]()
    while todo:
        module = todo.pop(0)
        name = next(_file_of(module, files), None)
        if name is None and module in modules:
            return _absent(module, files)
        if name is None or name in done:
            continue
        done.add(name)
        if sum(len(files[one]) for one in done) > MOST_CODE:
            text = f"there are more than {MOST_CODE >> 10} KB of code; numbers belong into a file"
            return Trouble("files", text, None, name)
        tree = _parsed(name, files[name])
        if isinstance(tree, Trouble):
            return tree
        for imported, line in _imports(tree, name):
            todo.append(imported)
            top = imported.partition(".")[0]
            is_free = only_used and line in _lines_of_top_level(tree)
            if imports is not None and not is_free and not _is_allowed(top, imports, files):
                return Trouble("import", _refusal(top, imports), line, name)
    return None


def _absent(module: str, files: Mapping[str, bytes]) -> Trouble:
    wanted = module.replace(".", "/") + ".py"
    similar = nearest(wanted.lower(), [name.lower() for name in files])
    like = next((name for name in files if name.lower() == similar), None)
    notebook = wanted.removesuffix(".py") + ".ipynb"
    if notebook in files:
        like = notebook
    end = f"; there is {printable(like)}" if like else ""
    return Trouble("missing", f"{wanted}: there is no such file{end}")


def _parsed(name: str, content: bytes) -> ast.Module | Trouble:
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(content).readline)
        if codecs.lookup(encoding).name not in _ENCODINGS:
            raise LookupError(encoding)
        content.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError) as error:
        line = content[: getattr(error, "start", 0)].count(b"\n") + 1
        text = "the file is not UTF-8; save it as UTF-8, or name its encoding in its first line"
        return Trouble("syntax", text, line, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(content, name)
    except SyntaxError as error:
        return Trouble("syntax", _explained(error, content), error.lineno, name)
    except (ValueError, RecursionError, MemoryError) as error:
        return Trouble("syntax", f"it cannot be read as Python: {printable(str(error))}", 1, name)


def _explained(error: SyntaxError, content: bytes) -> str:
    """A syntax error, and that it is Python 2 where it is."""
    text = printable(error.msg or "invalid syntax")
    lines = content.decode("utf-8", "replace").splitlines()
    number = error.lineno or 0
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    if line.startswith("print ") or "Missing parentheses in call to 'print'" in text:
        return f"{text}: this is Python 2; Python 3 has print(...)"
    if "except" in line and "," in line:
        return f"{text}: this may be Python 2; Python 3 has `except Error as e`"
    if line.startswith(("%", "!")):
        return f"{text}: a line that only a notebook understands"
    return text


def _imports(tree: ast.Module, name: str) -> Iterator[tuple[str, int]]:
    """The modules that a file imports, with lines; ``__import__("x")`` among them."""
    package = list(PurePosixPath(name).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *(node.module or "").split(".")]).strip(".")
            if base:
                yield base, node.lineno
            yield from (
                (f"{base}.{alias.name}".strip("."), node.lineno)
                for alias in node.names
                if node.level
            )
        elif isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func).rpartition(".")[2]
            first = node.args[0]
            is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
            if called in ("__import__", "import_module") and is_text:
                yield str(first.value), node.lineno  # type: ignore[attr-defined]


def _lines_of_top_level(tree: ast.Module) -> set[int]:
    """The lines of what a file imports at its top level, within ``try`` and ``if`` as well."""
    todo, found = list(tree.body), set[int]()
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.add(node.lineno)
        elif isinstance(node, ast.Try | ast.If):
            todo += [*node.body, *node.orelse]
    return found


def _is_allowed(top: str, imports: Sequence[str], files: Mapping[str, bytes]) -> bool:
    if top in {name.partition(".")[0] for name in imports} or top in PLOTTING:
        return True
    if f"{top}.py" in files or any(name.startswith(f"{top}/") for name in files):
        return True
    return top in sys.stdlib_module_names and top not in REACHING


def _refusal(top: str, imports: Sequence[str]) -> str:
    allowed = ", ".join(imports) or "nothing"
    return (
        f"{printable(top)} may not be imported here; this assignment allows {allowed} and the "
        "standard library, but for modules that reach out of the program"
    )
