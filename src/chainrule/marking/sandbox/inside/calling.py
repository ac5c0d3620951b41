"""Make the calls of a job in this process and write what each of them gave, as lines of JSON."""

from __future__ import annotations

import io
import json
import os
import random
import runpy
import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import CodeType
from typing import Any, BinaryIO

import numpy as np

from . import standins
from .loading import LEFT_OUT, loaded
from .sending import decoded, encoded, returned
from .troubles import trouble

MOST_PRINTED = 2_000
"""The most letters that are kept of what a call prints."""

MOST_FILE = 1_000_000
"""The most bytes of a file that comes back."""


class _First(io.RawIOBase):
    """Keeps the first bytes that are written, and takes the others as well."""

    def __init__(self) -> None:
        self.kept = b""

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        content = bytes(content)
        self.kept += content[: MOST_PRINTED - len(self.kept)]
        return len(content)


class _Printed(io.TextIOWrapper):
    """A stream like the standard ones, of which the first letters are kept."""

    def __init__(self) -> None:
        self.first = _First()
        writer: Any = io.BufferedWriter(self.first, 512)
        super().__init__(writer, "utf-8", "replace", write_through=True)

    def text(self, folder: str) -> str:
        """What was printed, with files named from the submission on."""
        with suppress(Exception):
            self.flush()
        return self.first.kept.decode("utf-8", "replace").replace(folder + os.sep, "")


class _Job:
    """One job, in a folder of its own.

    Args:
        job: what is to be done.
        sink: where the answers go.
        folder: the only one that can be written in; the submission's files are put there.
    """

    def __init__(self, job: dict[str, Any], sink: BinaryIO, folder: str) -> None:
        self.job, self.sink, self.folder = job, sink, folder
        self.printed = _Printed()

    def run(self) -> None:
        self._unpack()
        os.chdir(self.folder)
        sys.path.insert(0, self.folder)
        sys.dont_write_bytecode = True
        sys.stdin = io.StringIO("")
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 - the generator that submissions use
        standins.install(self.job["standins"])
        self._forget_namesakes()
        (self._program if self.job["kind"] == "program" else self._calls)()

    def _unpack(self) -> None:
        for name, content in self.job["files"].items():
            path = Path(self.folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b64decode(content))

    def _forget_namesakes(self) -> None:
        """Let the submission's own ``statistics.py`` come before the standard one, as usual."""
        for name in {file.partition("/")[0].removesuffix(".py") for file in self.job["files"]}:
            if name in self.job["namesakes"]:
                sys.modules.pop(name, None)

    def _tell(self, **message: Any) -> None:
        self.sink.write(json.dumps(message).encode() + b"\n")
        self.sink.flush()

    def _text(self) -> str:
        return self.printed.text(self.folder)

    def _trouble(self, error: BaseException) -> Any:
        return trouble(error, self.folder, LEFT_OUT)

    @contextmanager
    def _printing(self) -> Iterator[None]:
        """Keep what is printed meanwhile; afterwards both streams are as they were."""
        before = sys.stdout, sys.stderr
        self.printed = _Printed()
        sys.stdout = sys.stderr = self.printed
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before

    def _calls(self) -> None:
        try:
            with self._printing():
                pieces = {
                    name: compile(self.job[name], f"<{name}>", "exec")
                    for name in ("setup", "call")
                }
                returns = {
                    line: compile(text.strip(), f"<returns {line}>", "eval")
                    for line, text in self.job["returns"].items()
                }
                modules = loaded(self.job["modules"], self.folder, self.job["load"])
        except BaseException as error:
            self._tell(load=self._trouble(error), printed=self._text())
            return
        self._tell(load=None, printed=self._text())
        seen: dict[str, Any] = {}
        for probe in self.job["probes"]:
            names = {"np": np, "seen": seen, **modules}
            for k, call in enumerate(probe["calls"]):
                answer = self._call(names, call, pieces, returns, is_first=k == 0)
                self._tell(probe=probe["number"], call=k, **answer)

    def _call(
        self,
        names: dict[str, Any],
        call: dict[str, Any],
        pieces: dict[str, CodeType],
        returns: dict[str, CodeType],
        is_first: bool,
    ) -> dict[str, Any]:
        given = {name: decoded(value) for name, value in call.items()}
        names.update(given)
        values: dict[str, Any] = {}
        problem = None
        with self._printing():
            try:
                if is_first:
                    exec(pieces["setup"], names)
                exec(pieces["call"], names)
            except BaseException as error:
                problem = self._trouble(error)
            else:
                for line, code in returns.items():
                    values[line] = self._value(code, names)
            after = {name: self._after(value) for name, value in given.items()}
        return {
            "values": values,
            "trouble": problem,
            "inputs": after,
            "printed": self._text(),
        }

    def _value(self, code: CodeType, names: dict[str, Any]) -> Any:
        try:
            return returned(eval(code, names))
        except BaseException as error:
            return {"trouble": self._trouble(error)}

    def _after(self, value: Any) -> Any:
        """An input after the call; what it cannot be is no longer what was handed in."""
        try:
            return encoded(value)
        except Exception as error:
            return {"changed": type(error).__name__}

    def _program(self) -> None:
        """Run a file as a program and read the files that it wrote."""
        sys.argv = [self.job["file"], *self.job["arguments"]]
        problem = None
        with self._printing():
            try:
                runpy.run_path(str(Path(self.folder, self.job["file"])), run_name="__main__")
            except SystemExit as error:
                if error.code not in (None, 0):
                    problem = self._trouble(error)
            except BaseException as error:
                problem = self._trouble(error)
        self._tell(trouble=problem, printed=self._text(), files=dict(self._written()))

    def _written(self) -> Iterator[tuple[str, str]]:
        for name in self.job["outputs"]:
            path = Path(self.folder, name)
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    yield name, file.read(MOST_FILE).decode("utf-8", "replace")


def main(source: BinaryIO, sink: BinaryIO, folder: str) -> None:
    """Read a job and make all of its calls.

    Args:
        source: gives the job as JSON.
        sink: takes the answers, a line each.
        folder: an empty one, the only one that can be written in.
    """
    _Job(json.load(source), sink, folder).run()
