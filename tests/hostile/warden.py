"""Reads every hostile file in a process of its own and reports what happened.

The first process reads a good file through every reader, so that all that readers need is
imported. For each file it forks twice: one child makes the file, another reads it, with limited
memory and an audit hook that records every file opened, import, socket and program. Times are
measured against other work of the same process, because machines differ: the bytes that a plain
loop adds up in that time and, for long texts and pickles, reading a good file of the same length.
The result of each file is a line of JSON. Run as::

    PYTHONPATH=tests python -m hostile.warden [FORMAT ...]
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from chainrule.core.errors import ChainruleError
from hostile import good, modules
from hostile.made import Hostile
from hostile.readers import READERS
from yardstick import HANGS, add_up, times

MEMORY = 256 * 2**20
"""Bytes that a reader may take, above what its process had."""

LOOP = 2**26
"""The most bytes that a Python loop may add up while a file is refused: those of the longest."""

LONG, LONGEST = 100_000, 2_000_000
"""From how many bytes on a text or pickle is compared with a good file; the good one's most."""

TIMES = 3.0
"""How many times as long as reading the good file refusing the hostile one may take: a column in
which a text follows numbers is read a second time, and the search for a cell's place is a third."""

TRIES = 4
PATIENCE = HANGS

# Events that are never allowed, whatever their arguments are.
_NEVER = (
    "exec", "os.", "shutil.", "socket.", "subprocess.", "ctypes.", "pickle.", "urllib.",
    "marshal.", "mmap.", "webbrowser.", "ftplib.", "http.", "smtplib.", "tempfile.", "code.__new__",
    "pty.", "sqlite3.", "glob.", "fcntl.", "signal.", "winreg.", "msvcrt.", "syslog.",
)  # fmt: skip
_HARMLESS = ("os.listdir", "os.scandir", "os.putenv")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Records what a reader does beyond reading its file.

    Args:
        folder: the only folder that may be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.heard: list[str] = []
        self.on = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """The hook, as `sys.addaudithook` calls it."""
        if not self.on:
            return
        self.on = False  # the hook's own actions are not recorded
        wrong = self.wrong(event, arguments)
        if wrong:
            self.heard.append(wrong)
        self.on = True

    def wrong(self, event: str, arguments: tuple[Any, ...]) -> str | None:
        """What is wrong with an event."""
        if event == "import":
            return f"import of {arguments[0]}"
        if event == "open":
            return self.wrong_opening(*arguments)
        if event in ("os.listdir", "os.scandir"):
            return None if self.inside(arguments[0]) else f"look into {arguments[0]}"
        if event == "compile":  # NumPy's headers are parsed, not run: ast.parse
            return None if arguments[1] == "<unknown>" else f"compile of {arguments[1]}"
        if event.startswith(_NEVER) and event not in _HARMLESS:
            return f"{event} {arguments!r}"[:200]
        return None

    def wrong_opening(self, path: Any, mode: str | None, flags: int) -> str | None:
        """Opening is for reading, and of what lies in the folder."""
        if isinstance(path, int):
            return None
        if set(mode or "") & set("wax+") or (flags or 0) & _WRITING:
            return f"writing to {path!r}"
        return None if self.inside(path) else f"reading of {path!r}"

    def inside(self, path: Any) -> bool:
        """Whether a path lies in the folder, as it is written."""
        return os.path.abspath(os.fsdecode(path)).startswith(self.folder)


def judge(file: Hostile, folder: Path) -> dict[str, Any]:
    """Make one file, read it, and report what happened."""
    made = folder / "made"
    os.makedirs(made)
    if file.heavy:  # in a child, because freed memory of this process would go to the reader
        path = Path(in_child(lambda: {"path": str(file.make(made))}, patience=PATIENCE)["path"])
    else:
        path = file.make(made)
    before = _listing(folder)
    found = in_child(lambda: read(file, path, made), patience=PATIENCE)
    if _listing(folder) != before:
        found.setdefault("heard", []).append("files changed")
    for _ in range(TRIES):  # a slow reader is slow every time, a busy machine is not
        if found["loop"] <= LOOP:
            break
        again = in_child(lambda: read(file, path, made), patience=PATIENCE)
        if again["ended"] == "refused":
            found["loop"] = min(found["loop"], again["loop"])
    named = file.reader, path.name
    if named in good.LINES and os.path.isfile(path) and os.path.getsize(path) >= LONG:
        found |= in_child(lambda: {"times": times_of_a_good_file(file, path)}, patience=PATIENCE)
    return found


def times_of_a_good_file(file: Hostile, path: Path) -> float:
    """How many times as long as reading a good file of the same length refusing this one takes."""
    other = path.with_name(f"good-{path.name}")
    length = min(path.stat().st_size, LONGEST)
    other.write_bytes(good.of_length(file.reader, path.name, length))
    reader = READERS[file.reader]

    def refuse() -> None:
        with suppress(ChainruleError):
            reader(path)

    return times(refuse, lambda: reader(other), at_most=TIMES / 2)


def read(file: Hostile, path: Path, folder: Path) -> dict[str, Any]:
    """Read the file and measure; called in a child."""
    watch = Watch(folder)
    sys.addaudithook(watch)
    reader = READERS[file.reader]
    _limit_memory()
    start_memory = _kilobytes("VmRSS")
    start = time.process_time()
    watch.on = True
    ended, message = "read to the end", ""
    try:
        reader(path)
    except ChainruleError as error:
        ended, message = "refused", str(error)
    except BaseException as error:
        watch.on = False
        place = traceback.extract_tb(error.__traceback__)[-1]
        ended = f"{type(error).__name__} at {os.path.basename(place.filename)}:{place.lineno}"
        message = str(error)[:300]
    watch.on = False
    cpu, peak = time.process_time() - start, _kilobytes("VmHWM")
    return {
        "ended": ended,
        "message": message[:2000],
        "length": len(message),
        "odd": sorted({c for c in message if not c.isprintable()} - {"\n"})[:5],
        "cpu": cpu,
        "loop": looped_meanwhile(cpu),
        "bytes": max(0, peak - start_memory) * 1024,
        "heard": watch.heard[:10],
    }


def looped_meanwhile(seconds: float) -> int:
    """The bytes that a plain loop adds up in that many seconds of the processor."""
    block, added = bytes(2**12), 0
    start = time.process_time()
    while time.process_time() - start < seconds:
        add_up(block)
        added += len(block)
    return added


def _limit_memory() -> None:
    size = _kilobytes("VmSize") * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _kilobytes(name: str) -> int:
    """An entry of /proc/self/status: VmRSS, VmSize, or VmHWM, the peak of the first."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(f"{name}:"))


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    found = []
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            status = os.lstat(os.path.join(place, name))
            found.append((os.path.join(place, name), status.st_size, status.st_mtime_ns))
    return sorted(found)


def in_child(work: Any, *, patience: float) -> dict[str, Any]:
    """The result of ``work`` in a child process, or how the child ended without one."""
    get, put = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(get)
            answer = json.dumps(work()).encode()
            while answer:
                answer = answer[os.write(put, answer) :]
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(put)
    answer = _everything(get, patience)
    os.close(get)
    if answer is None:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if answer:
        found: dict[str, Any] = json.loads(answer)
        return found
    ended = "never ends" if answer is None else f"the process died (status {status})"
    return {
        "ended": ended, "message": "", "length": 0, "odd": [], "cpu": 0.0, "loop": 0, "bytes": 0,
        "heard": [],
    }  # fmt: skip


def _everything(pipe: int, patience: float) -> bytes | None:
    """All bytes of a pipe; None if it is not closed in time."""
    answer = b""
    end = time.perf_counter() + patience
    while True:
        ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.perf_counter()))
        if not ready:
            return None
        block = os.read(pipe, 2**16)
        if not block:
            return answer
        answer += block


def results(formats: list[str]) -> Iterator[dict[str, Any]]:
    """One result a file, in order."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place).resolve()
        os.chdir(root)
        good.warm_up(root / "good")
        gc.collect()
        gc.freeze()  # the children need not look through it again
        for name, files in modules.FORMATS.items():
            if formats and name not in formats:
                continue
            for number, file in enumerate(files()):
                found = judge(file, root / f"{name}-{number}")
                yield {"format": name, "name": file.name, "reader": file.reader, **found}


def main() -> None:
    """Print a line of JSON for each file."""
    warnings.simplefilter("error")
    for result in results(sys.argv[1:]):
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
