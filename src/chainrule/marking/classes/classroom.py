"""Marks a class: every submission in a process of its own, kept as soon as it is done.

Each result is a file of its own in the folder of results, written whole, with what it belongs to:
a digest of the submission and one of the assignment. A marking that was interrupted goes on with
what is not there; a submission that was handed in again, or an assignment that was changed, is
marked anew.
"""

from __future__ import annotations

import json
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chainrule.core.files import write_whole
from chainrule.core.progress import progress
from chainrule.marking.assignments.assignment import Assignment, digest_of, load_assignment
from chainrule.marking.classes.submissions import Submission, digest_of_submission, lay_out
from chainrule.marking.classes.unpacking import Refused
from chainrule.marking.marking import mark_submission
from chainrule.marking.result import Marked, PartResult
from chainrule.marking.sandbox.starting import find_tier
from chainrule.marking.sandbox.tiers import refuse_unless
from chainrule.runs.worker_process import THREADS, Message, Send, WorkerProcess, serve

FORMAT = "chainrule marked submission"

_FAILED = "this submission could not be marked here, which is no fault of yours"


@dataclass(frozen=True)
class Excerpt:
    """A few lines of a student's own file.

    Attributes:
        part: the name of the part in which something happened there.
        file: of the submission.
        line: where it happened, counted from 1.
        first: the number of the first of the lines.
        lines: the text.
    """

    part: str
    file: str
    line: int
    first: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """A submission's result as it is kept in a file.

    Attributes:
        marked: what was found.
        submission: the digest of what was handed in.
        assignment: the digest of the assignment.
        notes: what was done to find the files.
        excerpts: the places in the student's own files that are known.
        format: says what the file is.
    """

    marked: Marked
    submission: str
    assignment: str
    notes: tuple[str, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    format: str = FORMAT

    @property
    def failed(self) -> bool:
        """Whether it could not be marked by a fault of ours; it is marked anew next time."""
        return not self.submission


@dataclass(frozen=True)
class Class:
    """A marked class.

    Attributes:
        assignment: what was asked for.
        results: of each submission, in the order of their names.
        marked_now: how many of them were marked now; the others were there already.
    """

    assignment: Assignment
    results: tuple[Kept, ...]
    marked_now: int = 0


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Kept]:
    return TypeAdapter(Kept)


def as_text(kept: Kept) -> bytes:
    """A result as JSON."""
    return in_json(asdict(kept))


def in_json(value: Any) -> bytes:
    r"""A value as JSON in UTF-8, without the limits of a run's files: a class may be large.

    Lone surrogates, which a student's texts may hold, are escaped.

    Example:
        >>> in_json({"δ": "\udce9"}).decode()
        '{\n "δ": "\\udce9"\n}'
    """
    text = json.dumps(value, indent=1, ensure_ascii=False, default=list)
    return text.encode("utf-8", "backslashreplace")


def from_text(text: str | bytes) -> Kept | None:
    """The result that a JSON text holds; None where it holds none, as of an older version."""
    with suppress(ValueError, ValidationError):
        found = json.loads(text)
        if isinstance(found, dict) and found.get("format") == FORMAT:
            return _adapter().validate_python(found, strict=False)
    return None


def mark_class(
    assignment: Assignment,
    submissions: Sequence[Submission],
    folder: Path,
    jobs: int = 2,
    *,
    trusted: bool = False,
    again: bool = False,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Class:
    """Mark the submissions that are not marked yet.

    Args:
        assignment: what was asked for.
        submissions: of the class.
        folder: in which the results are kept; it is made.
        jobs: how many are marked at the same time.
        trusted: whether code may run although the sandbox is not safe here.
        again: whether to mark also what is marked already.
        tell: called after each with how many are done of how many.

    Raises:
        ChainruleError: a file cannot be written, or the sandbox refuses.
    """
    refuse_unless(find_tier(), trusted)
    folder.mkdir(parents=True, exist_ok=True)
    digest = digest_of(assignment)
    found: dict[str, Kept] = {}
    left: list[tuple[Submission, str]] = []
    for one in submissions:
        own = digest_of_submission(one.path)
        kept = None if again else _kept(_file(folder, one), own, digest)
        if kept is None:
            left.append((one, own))
        else:
            found[one.student] = kept
    with (
        progress("marking", total=len(left)) as advance,
        _Pool(assignment, min(jobs, max(len(left), 1)), trusted) as pool,
    ):
        for done, (one, own, kept) in enumerate(pool.run(left), start=1):
            # Without the submission's digest it is marked again next time.
            kept = replace(kept, submission=own, assignment=digest)
            write_whole(_file(folder, one), as_text(kept), own=True)
            found[one.student] = kept
            advance(1)
            tell(done, len(left))
    results = tuple(found[one.student] for one in submissions)
    return Class(assignment, results, len(left))


def kept_of_others(
    assignment: Assignment, submissions: Sequence[Submission], folder: Path
) -> tuple[Kept, ...]:
    """What an earlier marking found of submissions, of those that it still holds for.

    Args:
        assignment: as it is now.
        submissions: as they are now.
        folder: where results are kept.
    """
    digest = digest_of(assignment)
    found = (
        _kept(_file(folder, one), digest_of_submission(one.path), digest) for one in submissions
    )
    return tuple(kept for kept in found if kept is not None)


def _file(folder: Path, submission: Submission) -> Path:
    return folder / f"{submission.student}.json"


def _kept(path: Path, submission: str, assignment: str) -> Kept | None:
    """The result in a file, if it belongs to this submission and this assignment."""
    if path.is_symlink() or not path.is_file():
        return None
    kept = from_text(path.read_bytes())
    if kept is None or (kept.submission, kept.assignment) != (submission, assignment):
        return None
    return kept


def mark_handed_in(assignment: Assignment, submission: Submission, *, trust: bool = False) -> Kept:
    """Mark what was handed in; what cannot be unpacked or found is its student's own fault.

    Args:
        assignment: what was asked for.
        submission: as it was handed in.
        trust: run it also where the machine cannot hold untrusted code.

    Returns:
        What was found, without the digests.
    """
    with tempfile.TemporaryDirectory(prefix="chainrule-", ignore_cleanup_errors=True) as place:
        try:
            laid = lay_out(submission.path, assignment.files, Path(place))
        except Refused as error:
            return Kept(not_marked(assignment, submission.student, str(error)), "", "")
        wanted = assignment.only_definitions() if laid.from_notebook else assignment
        marked = mark_submission(wanted, laid.folder, submission.student, trust=trust)
        return Kept(marked, "", "", laid.notes, tuple(_excerpts(assignment, marked, laid.folder)))


AROUND = 2
"""How many lines are shown before and after the one that is meant."""


def _excerpts(assignment: Assignment, marked: Marked, folder: Path) -> Iterator[Excerpt]:
    """The lines of a submission's files at which something happened, but of hidden parts."""
    hidden = {part.name for part in assignment.parts if part.is_hidden}
    for part in marked.parts:
        if part.file is None or part.line is None or part.name in hidden:
            continue
        path = folder / part.file
        if folder.resolve() not in path.resolve().parents or not path.is_file():
            continue
        lines = path.read_text("utf-8", "replace").splitlines()
        first = max(part.line - AROUND, 1)
        shown = tuple(line[:200] for line in lines[first - 1 : part.line + AROUND])
        if shown:
            yield Excerpt(part.name, part.file, part.line, first, shown)


REFUSED = "refused", "what was handed in cannot be marked"
FAILED = "not_marked", "not marked, by no fault of its own"


def not_marked(
    assignment: Assignment, student: str, why: str, fault: tuple[str, str] = REFUSED
) -> Marked:
    """The result of a submission of which no part could be run, and the name of the reason."""
    parts = tuple(
        PartResult(
            part.name,
            part.title,
            part.credit,
            0.0,
            "not run",
            fault[:1],
            lines=(why,),
            titles=(fault,),
        )
        for part in assignment.parts
    )
    return Marked(student, parts, "none", 0.0)


def patience_of(assignment: Assignment) -> float:
    """The seconds after which the marking of one submission is given up.

    Every part keeps its own limit, also where it is called again to find out more; this is for
    what nobody has thought of.
    """
    return 60.0 + 3 * sum(part.limits.seconds for part in assignment.parts)


_Found = tuple[Submission, str, Kept]


@dataclass
class _Pool:
    """Marks submissions in worker processes; a context manager that ends them."""

    assignment: Assignment
    jobs: int
    trusted: bool
    _processes: list[WorkerProcess] = field(default_factory=list)
    _idle: SimpleQueue[WorkerProcess] = field(default_factory=SimpleQueue)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> _Pool:
        self._threads = ThreadPoolExecutor(self.jobs)  # each thread waits for one process
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._processes:
            process.kill()
        self._threads.shutdown()
        for process in self._processes:
            process.close()

    def run(self, left: Sequence[tuple[Submission, str]]) -> Iterator[_Found]:
        """Mark submissions and yield each as it is done."""
        finished: SimpleQueue[Future[_Found]] = SimpleQueue()
        for one, own in left:
            self._threads.submit(self._try, one, own).add_done_callback(finished.put)
        waiting = len(left)
        while waiting:
            try:
                done = finished.get(timeout=0.2)  # without it some systems delay Ctrl-C
            except Empty:
                continue
            waiting -= 1
            yield done.result()

    def _try(self, one: Submission, own: str) -> _Found:
        """Mark a submission in an idle worker, or in a new one."""
        try:
            process = self._idle.get_nowait()
        except Empty:
            process = self._start()
        if process.has_ended:
            process = self._start()
        patience = patience_of(self.assignment)
        watchdog = threading.Timer(patience, process.kill)
        watchdog.start()
        process.send({"student": one.student, "path": str(one.path)})
        answer = process.receive()
        watchdog.cancel()
        if answer is None:
            process.wait()
            failed = (
                "the process that marked it was ended: for lack of memory, or after "
                f"{patience:.0f} s, which is more than all its parts may take"
            )
        else:
            self._idle.put(process)
            failed = answer["failed"]
        if answer is None or failed:
            unmarked = not_marked(self.assignment, one.student, _FAILED, FAILED)
            return one, "", Kept(unmarked, "", "", (failed,))
        return one, own, _adapter().validate_python(answer["kept"], strict=False)

    def _start(self) -> WorkerProcess:
        process = WorkerProcess("chainrule.marking.classes.classroom", dict.fromkeys(THREADS, "1"))
        self._processes.append(process)
        if self._over.is_set():  # __exit__ may have ended the others before this was in the list
            process.kill()
        process.send({"assignment": str(self.assignment.folder), "trusted": self.trusted})
        return process


def main() -> None:
    """The program of a worker: marks one submission after the other."""
    serve(_work)


def _work(receive: Any, send: Send) -> None:
    warnings.simplefilter("ignore")  # of numbers that a wrong program computes
    common: Message = receive()
    assignment = load_assignment(Path(common["assignment"]))
    while True:
        request: Message = receive()
        one = Submission(request["student"], Path(request["path"]))
        try:
            kept = mark_handed_in(assignment, one, trust=common["trusted"])
        except Exception as error:  # a fault of ours costs one submission, and is told
            send({"failed": f"the marker failed: {type(error).__name__}: {error}"})
            continue
        send({"failed": "", "kept": json.loads(as_text(kept))})
