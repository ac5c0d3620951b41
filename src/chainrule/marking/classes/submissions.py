"""Finds the submissions of a class in a folder, names them, and lays each out for marking.

A submission is a folder, an archive, a notebook or a single file of Python. Learning platforms
put them in folders within folders, rename them, or pack them twice; what was asked for is looked
for there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from chainrule.core.errors import ChainruleError, Problem, printable, unknown
from chainrule.core.files import shortened
from chainrule.marking.classes.unpacking import (
    ENDINGS,
    LEFT_OUT,
    MOST_BYTES,
    Refused,
    copy_folder,
    is_archive,
    is_left_out,
    unpack,
    walked,
)

_MOODLE = re.compile(r"(?P<name>.+?)_\d+_assignsubmission_(?:file|onlinetext)_?")
_ODD = re.compile(r"[^\w.()+,@ -]+")
_MARKUP = (".html", ".yml", ".yaml", ".csv", ".txt", ".md", ".json", ".pdf", ".log")
"""What platforms put beside submissions."""

MOST_NOTEBOOK = 16 * 2**20


@dataclass(frozen=True)
class Submission:
    """One submission as it was handed in.

    Attributes:
        student: a name that no other submission of the class has; printable, and fit for a file.
        path: the folder, archive or file.
    """

    student: str
    path: Path


@dataclass(frozen=True)
class LaidOut:
    """A submission, ready to be marked.

    Attributes:
        folder: in which the files that were asked for lie.
        notes: what was done to find them, for the teacher and the student.
        from_notebook: whether a file was a notebook, so that only its definitions are loaded.
    """

    folder: Path
    notes: tuple[str, ...] = ()
    from_notebook: bool = False


def find_submissions(folder: Path, files: Sequence[str]) -> list[Submission]:
    """The submissions of a class, in the order of their names.

    Args:
        folder: which has an entry for each student, or is itself a submission.
        files: those that are asked for.

    Raises:
        ChainruleError: there is no such folder, or nothing was handed in.
    """
    if not folder.exists():
        raise ChainruleError(Problem("no such file or folder", folder))
    if not folder.is_dir() or _holds(folder, files):
        return _named([folder])
    found = [path for path in sorted(folder.iterdir()) if _may_be_one(path)]
    if not found:
        kinds = f"a folder, {', '.join(ENDINGS)}, .py or .ipynb"
        raise ChainruleError(Problem(f"no submissions here; each is {kinds}", folder))
    return _named(found)


def _holds(folder: Path, files: Sequence[str]) -> bool:
    """Whether a folder is itself a submission: it has all files that are asked for."""
    return all((folder / file).is_file() for file in files)


def _may_be_one(path: Path) -> bool:
    if path.name.startswith(".") or path.name in LEFT_OUT:
        return False
    if path.is_symlink() or path.is_dir():
        return True
    return path.is_file() and path.suffix.lower() not in _MARKUP


def _named(paths: Sequence[Path]) -> list[Submission]:
    """Each path with a name of its own."""
    taken: set[str] = set()
    found = []
    for path in paths:
        name = base = student_name(path)
        number = 2
        while name.casefold() in taken:
            name, number = f"{base}-{number}", number + 1
        taken.add(name.casefold())
        found.append(Submission(name, path))
    return found


def chosen(found: Sequence[Submission], names: Sequence[str]) -> list[Submission]:
    """The submissions of the students that are named; all if none is.

    Raises:
        ChainruleError: nobody has one of the names.
    """
    if not names:
        return list(found)
    known = {one.student: one for one in found}
    problems = [Problem(unknown("student", n, known)) for n in names if n not in known]
    if problems:
        raise ChainruleError(problems)
    return [known[name] for name in dict.fromkeys(names)]


def student_name(path: Path) -> str:
    """A name for whoever handed something in, from the name of the file or folder.

    It is printable and fit for the name of a file.

    Example:
        >>> student_name(Path("in/Ada Lovelace_4711_assignsubmission_file_"))
        'Ada Lovelace'
        >>> student_name(Path("in/ADA_LOVELACE_LAB3.tar.gz"))
        'ADA_LOVELACE_LAB3'
    """
    name = path.absolute().name
    ending = next((e for e in (*ENDINGS, ".py", ".ipynb") if name.lower().endswith(e)), "")
    name = name[: len(name) - len(ending)] if not path.is_dir() else name
    moodle = _MOODLE.fullmatch(name)
    name = moodle["name"] if moodle else name
    name = os.fsencode(name).decode("utf-8", "replace")
    name = _ODD.sub("_", printable(name)).strip(" .")
    return shortened(name)[:80] or "unnamed"


def digest_of_submission(path: Path) -> str:
    """What changes with every file of a submission.

    Links are not followed: their own text counts.
    """
    found = sha256()
    is_folder = path.is_dir() and not path.is_symlink()
    try:
        for file in walked(path) if is_folder else [path]:
            name = file.relative_to(path).as_posix() if is_folder else file.name
            found.update(os.fsencode(name) + b"\0")
            found.update(_content_digest(file))
    except (OSError, Refused) as error:  # it will not be marked, and is told why
        found.update(type(error).__name__.encode())
    return found.hexdigest()


def _content_digest(file: Path) -> bytes:
    if file.is_symlink():
        return os.fsencode(os.readlink(file))
    if not file.is_file():
        return b"no file"
    if file.stat().st_size > MOST_BYTES:  # it will be refused, whatever it holds
        return str(file.stat().st_size).encode()
    return sha256(file.read_bytes()).digest()


def lay_out(path: Path, files: Sequence[str], into: Path) -> LaidOut:
    """Copy or unpack a submission, and find the files that were asked for.

    Args:
        path: as it was handed in.
        files: those that are asked for.
        into: an empty folder.

    Raises:
        Refused: it cannot be marked; the text says why, for its student.
    """
    if path.is_symlink():
        raise Refused("this is a link; hand in the files themselves")
    if path.is_dir():
        copy_folder(path, into)
    elif is_archive(path):
        unpack(path, into)
    elif path.is_file():
        if path.stat().st_size > MOST_BYTES:
            raise Refused(f"the file is larger than {MOST_BYTES // 2**20} MB")
        shutil.copyfile(path, into / _safe(path.name))
    else:
        raise Refused("this is no file that can be read")
    notes = list(_unpack_inner(into, files))
    wanted = [PurePosixPath(file) for file in files]
    made = list(_from_notebooks(into, wanted, notes))
    root = _root(into, wanted)
    _take_from_elsewhere(root, into, wanted, notes)
    _take_renamed(root, wanted, notes)
    missing = [file for file in files if not (root / file).is_file()]
    if len(missing) == len(files):
        raise Refused(_nothing_found(into, missing))
    return LaidOut(root, tuple(notes), bool(made))


def _safe(name: str) -> str:
    return _ODD.sub("_", name)


def _unpack_inner(folder: Path, files: Sequence[str]) -> Iterator[str]:
    """Unpack an archive that is all that a submission holds, as some platforms pack twice."""
    inner = [path for path in walked(folder) if is_archive(path)]
    has_code = any(p.suffix in (".py", ".ipynb") for p in walked(folder))
    if len(inner) == 1 and not has_code:
        target = folder / "unpacked"
        target.mkdir(exist_ok=True)
        unpack(inner[0], target)
        yield f"{inner[0].name} was unpacked"


def _root(folder: Path, wanted: Sequence[PurePosixPath]) -> Path:
    """The folder within a submission that has most of the wanted files, the outermost of them."""
    folders = [folder, *sorted((p for p in folder.rglob("*") if p.is_dir()), key=_depth)]
    usable = [p for p in folders if not is_left_out(p.relative_to(folder))]
    return max(usable, key=lambda p: sum((p / w).is_file() for w in wanted))


def _depth(path: Path) -> tuple[int, str]:
    return len(path.parts), str(path)


def _take_from_elsewhere(
    root: Path, folder: Path, wanted: Sequence[PurePosixPath], notes: list[str]
) -> None:
    """Put a file that lies in another folder than was asked for where it belongs."""
    there = list(walked(folder))
    for file in wanted:
        target = root / file
        found = [path for path in there if path.name.lower() == file.name.lower()]
        if not target.exists() and len(found) == 1:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found[0], target)
            notes.append(f"{found[0].relative_to(folder)} was taken as {file}")


def _take_renamed(root: Path, wanted: Sequence[PurePosixPath], notes: list[str]) -> None:
    """Give the only file of Python the name of the only one that is asked for."""
    if len(wanted) != 1 or wanted[0].suffix != ".py" or (root / wanted[0]).exists():
        return
    found = [p for p in walked(root) if p.suffix.lower() == ".py"]
    meant = [p for p in found if _plain(wanted[0].stem) in _plain(p.stem)]
    likeliest = found if len(found) == 1 else meant
    if len(likeliest) == 1:
        target = root / wanted[0]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(likeliest[0], target)
        taken = f"the code of {likeliest[0].with_suffix('.ipynb').name} was taken"
        if taken in notes:  # of a notebook's file, which nobody handed in, nothing is said
            notes[notes.index(taken)] = f"{taken} as {wanted[0]}"
        else:
            notes.append(f"{likeliest[0].name} was taken as {wanted[0]}")


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())


def _from_notebooks(
    folder: Path, wanted: Sequence[PurePosixPath], notes: list[str]
) -> Iterator[Path]:
    """Write the code of notebooks beside them, as files of Python, where none is there."""
    for path in [p for p in walked(folder) if p.suffix.lower() == ".ipynb"]:
        target = path.with_suffix(".py")
        if not target.exists():
            target.write_text(notebook_code(path), "utf-8")
            notes.append(f"the code of {path.name} was taken")
            yield target


def notebook_code(path: Path) -> str:
    """The code of a notebook's cells, without what is no Python, such as ``%matplotlib``.

    Raises:
        Refused: the file is no notebook.
    """
    try:
        if path.stat().st_size > MOST_NOTEBOOK:
            raise ValueError
        cells = json.loads(path.read_text("utf-8"))["cells"]
        codes = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(f"{path.name} is no notebook that can be read") from error
    code = "\n\n".join(_as_python(code) for code in codes if not _is_magic_cell(code))
    return code.encode("utf-8", "replace").decode()  # half a pair of surrogates is no letter


def _is_magic_cell(code: str) -> bool:
    first = code.lstrip().split(maxsplit=1)[:1]
    return bool(first) and first[0].startswith("%%") and first[0] not in ("%%time", "%%capture")


def _as_python(code: str) -> str:
    """A cell with the lines that only a notebook understands commented out."""
    lines = code.splitlines()
    kept = [
        re.sub(r"^(\s*)([%!?].*)$", r"\1pass  # \2", line) if re.match(r"\s*[%!?]", line) else line
        for line in lines
    ]
    return "\n".join(kept)


def _nothing_found(folder: Path, missing: Sequence[str]) -> str:
    """That none of the files is there, and which ones are."""
    there = [p.relative_to(folder).as_posix() for p in walked(folder)]
    shown = ", ".join(there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "")
    wanted = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'}"
    return f"{wanted} not there; found: {shown or 'nothing'}"
