"""Start the runner on a submission and read what comes back, as plain arrays and texts."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import Probe

RUNNER = Path(__file__).with_name("runner.py")


@dataclass(frozen=True)
class Limits:
    """What the code of a part may use.

    Attributes:
        seconds: of time, for all the calls of one part.
        memory_mb: of memory, in MB.
    """

    seconds: float = 10.0
    memory_mb: int = 1024


@dataclass(frozen=True)
class Calls:
    """How the values of a part are got from a submission.

    The pieces of Python are run within the sandbox. They see the probe's inputs by their names,
    the
    submission's modules, ``np``, and ``seen``, a dict that is kept over all probes.

    Attributes:
        modules: what is imported of the submission, by name.
        setup: Python that is run before the first call of each probe.
        call: Python that is run for each call.
        returns: for each line of the program, the expression of its value after the call.
        load: ``all`` runs a module's file as it is; ``definitions`` runs its imports, functions,
            classes and constants, and leaves out what a script does at its top level.
    """

    modules: tuple[str, ...]
    setup: str
    call: str
    returns: Mapping[str, str]
    load: str = "all"


@dataclass(frozen=True)
class Trouble:
    """Why a call gave no value, or not all of them.

    Attributes:
        kind: ``error``, ``time``, ``memory``, ``ended`` (the process ended by itself or was
        killed),
            ``missing`` (there is no such module, class, function or key) or ``no number``.
        text: what is reported of it, printable; empty where nothing is.
        line: the line of the submission's file where it was raised, if known.
        file: that file, relative to the submission.
    """

    kind: str
    text: str = ""
    line: int | None = None
    file: str | None = None


@dataclass(frozen=True)
class Returned:
    """What one call gave.

    Attributes:
        values: plain numbers or text by the names of the program's lines, those that could be
        read.
        trouble: what kept the others from being read; None if nothing did.
        changed: the inputs that the call changed in place.
        printed: what the submission printed, shortened.
    """

    values: Mapping[str, Array | str] = field(default_factory=dict)
    trouble: Trouble | None = None
    changed: tuple[str, ...] = ()
    printed: str = ""


Answers = Mapping[str, Sequence[Returned]]
"""What a submission returned: for each probe, by name, for each of its calls."""


def ask(
    folder: Path, calls: Calls, probes: Sequence[Probe], limits: Limits | None = None
) -> Answers:
    """Run the calls of all probes on a submission, within the sandbox.

    Args:
        folder: the submission.
        calls: how.
        probes: with which inputs.
        limits: what the code may use.

    Returns:
        What each call of each probe gave; every probe is there, also where the process ended
        early.
    """
    limits = limits or Limits()
    job = {
        "folder": str(folder),
        "modules": calls.modules,
        "setup": calls.setup,
        "call": calls.call,
        "returns": dict(calls.returns),
        "probes": [
            {
                "name": probe.name,
                "calls": [{k: _packed(v) for k, v in call.items()} for call in probe.calls],
            }
            for probe in probes
        ],
    }
    done = subprocess.run(
        [sys.executable, "-I", str(RUNNER)],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
        timeout=limits.seconds,
    )
    found: dict[str, list[Returned]] = {}
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        found[answer["probe"]] = [
            Returned({name: _unpacked(value) for name, value in one.items()})
            for one in answer["answers"]
        ]
    ended = Returned(trouble=Trouble("ended"))
    return {probe.name: found.get(probe.name, [ended] * len(probe.calls)) for probe in probes}


def _packed(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    text = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
    return {"type": value.dtype.str, "shape": list(value.shape), "bytes": text}


def _unpacked(value: Mapping[str, Any]) -> Array:
    return np.frombuffer(base64.b64decode(value["bytes"]), float).reshape(value["shape"])
