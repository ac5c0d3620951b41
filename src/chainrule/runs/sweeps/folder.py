"""A sweep's folder: the search, the finished trials, and the configuration of the best one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chainrule.core.errors import ChainruleError, Problem
from chainrule.core.files import added_to, locked, reason, require_own, write_whole
from chainrule.core.limits import MAX_JSON_BYTES
from chainrule.core.strict_json import as_json, parse_json
from chainrule.data.readers.paths import read_bytes
from chainrule.runs.sweeps.trial import Trial

_WORDS = {
    "data": "set of data that are passed",
    "config": "configuration",
    "vary": "search",
    "seed": "seed",
    "in_order": "order",
}
"""Names of the keys of ``sweep.json`` for messages."""


class SweepFolder:
    """The files of a sweep.

    ``sweep.json`` describes the search, ``trials.jsonl`` has a line for each finished trial,
    ``best.yaml`` is the best trial's configuration, ``sweep.png`` and ``sweep.svg`` show the
    scores over the settings, and ``runs/`` has the folders of the trials' runs if they are kept.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identity = path / "sweep.json"
        self.trials = path / "trials.jsonl"
        self.best = path / "best.yaml"
        self.picture = path / "sweep"
        self.runs = path / "runs"

    def require_own(self) -> None:
        """Check that none of the files is a link, a pipe or a device.

        Raises:
            ChainruleError: some are; lists each of them.
        """
        pictures = (self.picture.with_suffix(f".{ending}") for ending in ("png", "svg"))
        require_own(self.identity, self.trials, self.best, self.runs, *pictures)

    def lock(self) -> AbstractContextManager[None]:
        """A context in which no other process can run the sweep of this folder.

        Raises:
            ChainruleError: another process is running it.
        """
        return locked(self.path, "this sweep is running already, in another process")

    def begin(self, identity: Mapping[str, Any]) -> None:
        """Write ``sweep.json``, and an empty ``trials.jsonl``.

        Raises:
            ChainruleError: the file cannot be written.
        """
        try:
            text = as_json(identity, indent=2) + "\n"
        except ValueError as error:
            message = f"what is searched could not be read back: {error}"
            raise ChainruleError(Problem(message, self.identity)) from None
        write_whole(self.identity, text, own=True)
        write_whole(self.trials, "", own=True)

    def check(self, identity: Mapping[str, Any]) -> None:
        """Check that ``identity`` is that of the folder's sweep, so that this can be resumed.

        Raises:
            ChainruleError: ``sweep.json`` is damaged, or differs; names what differs.
        """
        found = self.read_identity()
        for key, value in json.loads(json.dumps(identity)).items():
            if found.get(key) != value:
                message = (
                    f"this folder holds a sweep of another {_WORDS[key]}; go on with "
                    "what it was begun with, or name a new folder"
                )
                raise ChainruleError(Problem(message, self.path))

    def read_identity(self) -> dict[str, Any]:
        """The content of ``sweep.json``.

        Raises:
            ChainruleError: the file is missing or damaged.
        """
        try:
            found = parse_json(read_bytes(self.identity, at_most=MAX_JSON_BYTES))
        except ValueError:  # ChainruleError is a subclass
            message = "this is no sweep's folder: its sweep.json is missing or damaged"
            raise ChainruleError(Problem(message, self.path)) from None
        if not isinstance(found, dict):
            raise ChainruleError(Problem("expected a mapping", self.identity))
        return found

    def read_trials(self) -> list[Trial]:
        """The finished trials, ordered by number. An incomplete last line is removed.

        Raises:
            ChainruleError: a complete line is damaged.
        """
        lines = self._lines()
        trials = {}
        for number, line in enumerate(lines, start=1):
            try:
                trial = Trial.from_mapping(parse_json(line))
            except (ValueError, TypeError, AttributeError, OverflowError):
                problem = Problem("this line is no trial", self.trials, number)
                raise ChainruleError(problem) from None
            trials[trial.number] = trial
        return [trials[number] for number in sorted(trials)]

    def _lines(self) -> list[bytes]:
        """The complete lines of the file; an incomplete last line is removed from the file."""
        try:
            contents = read_bytes(self.trials) if os.path.lexists(self.trials) else b""
            whole, _, cut = contents.rpartition(b"\n")
            # Lines are appended in place, so a file with another hard link is copied first.
            if cut or (contents and os.lstat(self.trials).st_nlink > 1):
                write_whole(self.trials, whole + b"\n" if whole else b"", own=True)
        except OSError as error:
            message = f"cannot read the trials: {reason(self.trials, error)}"
            raise ChainruleError(Problem(message, self.trials)) from None
        return whole.splitlines()

    def add(self, trial: Trial) -> None:
        """Append a trial; it is on the disk when this returns.

        Raises:
            ChainruleError: the file cannot be written.
        """
        with added_to(self.trials) as file:
            file.write(as_json(asdict(trial)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
