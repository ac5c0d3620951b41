"""A sweep's folder: what it searches, its trials as they finish, and what came of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainrule.data.paths import read_bytes
from chainrule.errors import ChainruleError, Problem
from chainrule.files import reason, write_whole
from chainrule.json_text import parse_json
from chainrule.limits import MAX_JSON_BYTES
from chainrule.sweeps.trial import Trial


class SweepFolder:
    """The files of a sweep.

    ``sweep.json`` says what is searched, ``trials.jsonl`` has a line for each finished trial,
    ``best.yaml`` is the best trial's configuration, ``sweep.png`` and ``.svg`` the picture.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identity = path / "sweep.json"
        self.trials = path / "trials.jsonl"
        self.best = path / "best.yaml"
        self.picture = path / "sweep"

    @property
    def holds_a_sweep(self) -> bool:
        """Whether a sweep was begun here."""
        return os.path.isfile(self.identity)  # which raises nothing, whatever the name

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this lasts, no other process can run the sweep of this folder.

        Raises:
            ChainruleError: another one does.
        """
        try:
            import fcntl
        except ImportError:  # a system without such locks
            yield
            return
        with (self.path / ".lock").open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                message = "this sweep is running already, in another process"
                raise ChainruleError(Problem(message, self.path)) from None
            yield

    def begin(self, identity: Mapping[str, Any]) -> None:
        """Write what is searched.

        Raises:
            ChainruleError: the file cannot be written.
        """
        write_whole(self.identity, json.dumps(identity, indent=2, ensure_ascii=False) + "\n")
        write_whole(self.trials, "")

    def check(self, identity: Mapping[str, Any]) -> None:
        """Refuse to go on with a sweep of something else.

        Raises:
            ChainruleError: the folder's sweep is damaged, or another one; it says in what.
        """
        found = self.read_identity()
        for key in identity:
            if found.get(key) != json.loads(json.dumps(identity[key])):
                message = (
                    f"this folder holds a sweep of another {_WORDS.get(key, key)}; go on with "
                    "what it was begun with, or name a new folder"
                )
                raise ChainruleError(Problem(message, self.path))

    def read_identity(self) -> dict[str, Any]:
        """What the folder's sweep searches.

        Raises:
            ChainruleError: the file is missing or damaged.
        """
        try:
            found = parse_json(read_bytes(self.identity, at_most=MAX_JSON_BYTES))
        except ValueError:  # which a ChainruleError is
            message = "this is no sweep's folder: its sweep.json is missing or damaged"
            raise ChainruleError(Problem(message, self.path)) from None
        if not isinstance(found, dict):
            raise ChainruleError(Problem("expected a mapping", self.identity))
        return found

    def read_trials(self) -> list[Trial]:
        """The finished trials by number; a line that a crash cut short is taken off.

        Raises:
            ChainruleError: a line in the middle is damaged.
        """
        lines = self._lines()
        trials = {}
        for number, line in enumerate(lines, start=1):
            try:
                trial = Trial.from_mapping(parse_json(line))
            except (ValueError, TypeError, AttributeError, OverflowError):
                raise ChainruleError(
                    Problem("this line is no trial", self.trials, number)
                ) from None
            trials[trial.number] = trial
        return [trials[number] for number in sorted(trials)]

    def _lines(self) -> list[bytes]:
        """The whole lines of the file, which ends with a line's end afterwards."""
        try:
            contents = read_bytes(self.trials) if os.path.lexists(self.trials) else b""
            whole, _, cut = contents.rpartition(b"\n")
            if cut:
                write_whole(self.trials, whole + b"\n" if whole else b"")
        except OSError as error:
            message = f"cannot read the trials: {reason(self.trials, error)}"
            raise ChainruleError(Problem(message, self.trials)) from None
        return whole.splitlines()

    def add(self, trial: Trial) -> None:
        """Append a trial, and see it onto the disk.

        Raises:
            ChainruleError: the file cannot be written.
        """
        line = json.dumps(trial.as_mapping(), ensure_ascii=False) + "\n"
        try:
            with self.trials.open("ab") as file:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            message = f"cannot write the trial: {reason(self.trials, error)}"
            raise ChainruleError(Problem(message, self.trials)) from None


_WORDS = {"config": "configuration", "vary": "search", "seed": "seed", "in_order": "order"}


def identity_of(
    config: Mapping[str, Any], vary: Sequence[tuple[str, str]], seed: int
) -> dict[str, Any]:
    """What makes two sweeps the same: the configuration, what varies, and the seed."""
    return {"config": dict(config), "vary": [list(pair) for pair in vary], "seed": seed}
