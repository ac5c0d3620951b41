"""Make the calls of a part on a submission, within the sandbox: `ask` is the only way in."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chainrule.marking.program import Probe
from chainrule.marking.sandbox import tiers
from chainrule.marking.sandbox.answers import Ended, Patience
from chainrule.marking.sandbox.inside.sending import encoded
from chainrule.marking.sandbox.inside.standins import PLOTTING
from chainrule.marking.sandbox.reading import (
    Kind,
    Returned,
    Trouble,
    read_answer,
    read_text,
    read_trouble,
)
from chainrule.marking.sandbox.starting import AnySandbox, shared_sandbox
from chainrule.marking.sandbox.submission import (
    NAMESAKES,
    Submission,
    first_trouble,
    read_submission,
)

__all__ = [
    "Answers",
    "Calls",
    "Kind",
    "Limits",
    "Ran",
    "Returned",
    "Run",
    "Trouble",
    "ask",
    "run_programs",
]


_LEAST_SECONDS = 0.02
"""With less time left no process is started."""

_SIGNALS = {
    4: "an illegal instruction",
    6: "abort()",
    7: "a bus error",
    8: "a fault of arithmetic",
    9: "a signal",
    11: "a fault of memory, such as a recursion without end",
}


@dataclass(frozen=True)
class Limits:
    """What the code of a part may use.

    Attributes:
        seconds: of time, for all the calls of one part.
        memory_mb: of memory, in MB, besides what Python and NumPy take.
        file_mb: the most of a file that it writes, in MB.
    """

    seconds: float = 10.0
    memory_mb: int = 1024
    file_mb: int = 8


@dataclass(frozen=True)
class Calls:
    """How the values of a part are got from a submission.

    The pieces of Python are run within the sandbox. They see the probe's inputs by their names,
    the submission's modules, ``np``, and ``seen``, a dict that is kept over all probes. Of a
    module ``layers.full`` they see both ``layers`` and ``full``.

    Attributes:
        modules: what is imported of the submission, by name.
        setup: Python that is run before the first call of each probe.
        call: Python that is run for each call.
        returns: for each line of the program, the expression of its value after the call.
        load: ``all`` runs a module's file as it is; ``definitions`` runs its imports, functions,
            classes and constants, and leaves out what a script does at its top level.
        run: the file of a program that is run with arguments, in place of calls.
    """

    modules: tuple[str, ...]
    setup: str
    call: str
    returns: Mapping[str, str]
    load: str = "all"
    run: str = ""


Answers = Mapping[str, Sequence[Returned]]
"""What a submission returned: for each probe, by name, for each of its calls."""


def ask(
    folder: Path,
    calls: Calls,
    probes: Sequence[Probe],
    limits: Limits | None = None,
    *,
    imports: Sequence[str] | None = None,
    trust: bool = False,
) -> Answers:
    """Run the calls of all probes on a submission, within the sandbox.

    One process makes all of them, one after the other. Where it ends before the last, by itself
    or at a limit, another one goes on with the next probe: a probe may use half of the time that
    is left of the part's, and the last one all of it, so that one that never ends does not cost
    the others.

    Args:
        folder: the submission.
        calls: how.
        probes: with which inputs.
        limits: what the code may use.
        imports: what the submission may import besides its own modules and the harmless part of
            the standard library; None for anything that is there.
        trust: run it also where the machine cannot hold untrusted code.

    Returns:
        What each call of each probe gave; every probe is there, also where the process ended
        early.

    Raises:
        Unsafe: the machine cannot hold untrusted code, and it is not trusted.
    """
    limits = limits or Limits()
    sandbox = shared_sandbox(_packages(imports))
    tiers.refuse_unless(sandbox.tier, trust)
    submission = read_submission(folder, calls.modules)
    trouble = submission.trouble or first_trouble(
        submission.files, calls.modules, imports, only_used=calls.load == "definitions"
    )
    if trouble is not None:
        return {probe.name: (Returned(trouble=trouble),) * len(probe.calls) for probe in probes}
    return _Asking(sandbox, submission, calls, probes, limits).answers()


def _packages(imports: Sequence[str] | None) -> list[str]:
    """The installed packages that an assignment allows."""
    tops = [name.partition(".")[0] for name in imports or ()]
    return sorted(name for name in tops if name not in (*PLOTTING, "numpy"))


class _Asking:
    """The probes of a part, until each has its answers.

    Args:
        sandbox: where.
        submission: its files.
        calls: how.
        probes: with which inputs.
        limits: what all of it may use.
    """

    def __init__(
        self,
        sandbox: AnySandbox,
        submission: Submission,
        calls: Calls,
        probes: Sequence[Probe],
        limits: Limits,
    ) -> None:
        self.sandbox, self.files, self.calls = sandbox, submission.files, calls
        self.probes, self.limits = probes, limits
        self.given = [
            [{name: encoded(value) for name, value in call.items()} for call in probe.calls]
            for probe in probes
        ]
        self.found: list[list[Returned]] = [[] for _ in probes]
        self.end = time.monotonic() + limits.seconds
        self.granted = limits.seconds
        self.packed = submission.packed()

    def answers(self) -> Answers:
        """Run processes until all probes are answered."""
        while (start := self._next()) is not None:
            trouble, is_loaded = self._run(start)
            if not is_loaded:
                for k in range(start, len(self.probes)):
                    self._fill(k, trouble)
            elif trouble is not None and (at := self._next()) is not None:
                self._fill(at, trouble)
        return {
            probe.name: tuple(found) for probe, found in zip(self.probes, self.found, strict=True)
        }

    def _next(self) -> int | None:
        """The first probe that has not all its answers."""
        return next((k for k, one in enumerate(self.given) if len(self.found[k]) < len(one)), None)

    def _fill(self, probe: int, trouble: Trouble | None) -> None:
        missing = len(self.given[probe]) - len(self.found[probe])
        self.found[probe] += [Returned(trouble=trouble or Trouble("ended"))] * missing

    def _run(self, start: int) -> tuple[Trouble | None, bool]:
        """One process, from a probe on: why it made no more calls, and whether it began."""
        if (left := self.end - time.monotonic()) <= _LEAST_SECONDS:
            return _at_the_end(Ended("time"), self.limits.seconds), True
        is_loaded, problem, trouble = False, None, None
        patience = Patience(self._share())
        for message in self.sandbox.run(
            self._job(start), self._limits(left), patience, self._most_lines()
        ):
            if isinstance(message, Ended):
                trouble = _at_the_end(message, self.granted)
            elif "load" in message and not is_loaded:
                problem = read_trouble(message["load"], self.files)
                is_loaded = problem is None
            elif is_loaded and self._take(message):
                patience.until = self._share()
        return problem or trouble, is_loaded

    def _share(self) -> float:
        """Until when the next probe may take: half of what is left, the last probe all of it."""
        is_last = all(
            len(found) == len(given)
            for found, given in zip(self.found[:-1], self.given[:-1], strict=True)
        )
        now = time.monotonic()
        self.granted = (self.end - now) * (1 if is_last else 0.5)
        return now + self.granted

    def _take(self, message: Mapping[str, Any]) -> bool:
        """Keep an answer, if it is the one that is waited for."""
        at = self._next()
        if at is None or (message.get("probe"), message.get("call")) != (at, len(self.found[at])):
            return False
        given = self.given[at][len(self.found[at])]
        self.found[at].append(read_answer(message, given, self.calls.returns, self.files))
        return True

    def _most_lines(self) -> int:
        """Far more lines than an honest process writes: one for each call, and one before."""
        return 100 + 2 * sum(map(len, self.given))

    def _limits(self, left: float) -> dict[str, float]:
        return {**asdict(self.limits), "seconds": left}

    def _job(self, start: int) -> dict[str, Any]:
        return {
            "kind": "calls",
            "files": self.packed,
            "standins": PLOTTING,
            "namesakes": NAMESAKES,
            "modules": self.calls.modules,
            "load": self.calls.load,
            "setup": self.calls.setup,
            "call": self.calls.call,
            "returns": dict(self.calls.returns),
            "probes": [
                {"number": k, "calls": self.given[k]} for k in range(start, len(self.probes))
            ],
        }


def _at_the_end(ended: Ended, seconds: float) -> Trouble:
    """What the end of a process means for what it had not answered in some seconds."""
    if ended.reason == "time":
        return Trouble("time", f"it did not end within its time ({seconds:.2g} s)")
    if ended.reason == "full":
        return Trouble("files", "it wrote more or larger files than it may")
    if ended.reason == "size":
        return Trouble("no number", "far too much came back")
    if ended.number:
        cause = _SIGNALS.get(ended.number, f"signal {ended.number}")
        return Trouble("ended", f"the process was ended by {cause}")
    if ended.reason == "done":
        return Trouble("ended", "the code ended the process, as by os._exit()")
    return Trouble("ended", "the process ended before its answer")


@dataclass(frozen=True)
class Run:
    """One run of a file as a program.

    Attributes:
        name: a word.
        arguments: what stands behind the file on the command line.
        inputs: texts of files that are put beside it, by name.
        outputs: the names of files that are read afterwards.
    """

    name: str
    arguments: tuple[str, ...]
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ran:
    """What a run of a program gave.

    Attributes:
        files: the texts of its outputs that are there, at most a million bytes of each.
        trouble: why it did not end well; None where it did.
        printed: what it printed, shortened.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    trouble: Trouble | None = None
    printed: str = ""


def run_programs(
    folder: Path,
    file: str,
    runs: Sequence[Run],
    limits: Limits | None = None,
    *,
    imports: Sequence[str] | None = None,
    trust: bool = False,
) -> Mapping[str, Ran]:
    """Run a file of a submission as a program, each time in a process and a folder of its own.

    Args:
        folder: the submission.
        file: which of its files, such as ``neuralnet.py``.
        runs: with which arguments and files.
        limits: what each run may use.
        imports: as for `ask`.
        trust: as for `ask`.

    Returns:
        What each run gave, by its name.

    Raises:
        Unsafe: the machine cannot hold untrusted code, and it is not trusted.
    """
    limits = limits or Limits()
    sandbox = shared_sandbox(_packages(imports))
    tiers.refuse_unless(sandbox.tier, trust)
    module = file.removesuffix(".py").replace("/", ".")
    submission = read_submission(folder, (module,))
    trouble = submission.trouble or first_trouble(submission.files, (module,), imports)
    if trouble is not None:
        return {run.name: Ran(trouble=trouble) for run in runs}
    return {run.name: _ran(sandbox, submission, file, run, limits) for run in runs}


def _ran(sandbox: AnySandbox, submission: Submission, file: str, run: Run, limits: Limits) -> Ran:
    inputs = Submission({name: text.encode() for name, text in run.inputs.items()})
    job = {
        "kind": "program",
        "files": {**submission.packed(), **inputs.packed()},
        "standins": PLOTTING,
        "namesakes": NAMESAKES,
        "file": file,
        "arguments": run.arguments,
        "outputs": run.outputs,
    }
    patience = Patience(time.monotonic() + limits.seconds)
    found: dict[str, Any] = {}
    end = Ended("done")
    for message in sandbox.run(job, asdict(limits), patience, 100):
        if isinstance(message, Ended):
            end = message
        elif not found:
            found = message
    if not found:
        return Ran(trouble=_at_the_end(end, limits.seconds))
    texts = found.get("files")
    texts = texts if isinstance(texts, dict) else {}
    files = {name: _whole(texts[name]) for name in run.outputs if name in texts}
    trouble = read_trouble(found.get("trouble"), submission.files)
    return Ran(files, trouble, read_text(found.get("printed"), 2_000))


def _whole(text: object) -> str:
    """A text that can be written as UTF-8, as none with half a surrogate pair can."""
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else ""
