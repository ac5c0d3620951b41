"""Run a submission that is a program of nine arguments, and read what it wrote as plain numbers.

The program trains on small data sets; the files that it writes are the only thing that is looked
at. A file in an odd form is read as far as it can be, so that a missing space costs its own part
and no number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import Case, Probe, Program, Variation, is_same
from chainrule.marking.programs.descent import FORM, RANDOM, descent
from chainrule.marking.sandbox.running import (
    Answers,
    Calls,
    Limits,
    Ran,
    Returned,
    Run,
    Trouble,
    run_programs,
)
from chainrule.marking.training_files import DATA, read_files

INPUTS = ("train.csv", "validation.csv")
FORMS = tuple(line.name for line in FORM)
LEARNT = tuple(f"{data}_{kind}" for kind in ("losses", "error", "labels") for data in DATA)
OUTPUTS = ("train_out.labels", "validation_out.labels", "metrics_out.txt")

WRITTEN = ("start", "shuffled", *LEARNT)
"""The lines of a program whose values can be got from a submission, besides its form."""

MOST_LATE = 2
"""After so many runs that do not end in time no other is begun."""


def training_answers(
    folder: Path,
    calls: Calls,
    program: Program,
    limits: Limits,
    *,
    imports: Sequence[str] | None = None,
    trust: bool = False,
) -> Answers:
    """What the program of a submission gives in all probes, as the lines of a part.

    All runs are made once for all parts of a submission.

    Args:
        folder: the submission.
        calls: with the name of the program's file and the lines that are returned.
        program: whose probes are run.
        limits: of each run.
        imports: as for `ask`.
        trust: as for `ask`.

    Raises:
        Unsafe: the machine cannot hold untrusted code, and it is not trusted.
    """
    allowed = None if imports is None else tuple(imports)
    found = _all_read(folder, calls.run, _digest(folder), limits, allowed, trust)
    return {
        probe.name: [_chosen(one, calls) for one in found[probe.name]] for probe in program.probes
    }


def _digest(folder: Path) -> str:
    """What changes with every Python file of a submission."""
    found = sha256()
    for path in sorted(folder.rglob("*.py")):
        if path.is_file():
            found.update(path.as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


@lru_cache(maxsize=2)
def _all_read(
    folder: Path,
    file: str,
    digest: str,
    limits: Limits,
    imports: tuple[str, ...] | None,
    trust: bool,
) -> Answers:
    """What the runs of all probes gave, for a file of this content."""
    del digest  # it is there for the cache alone
    program = descent()
    runs = [_as_run(f"{probe.name} {k}", case) for probe, k, case in _cases(program.probes)]
    ran: dict[str, Ran] = {}
    for run in runs:
        late = [one for one in ran.values() if one.trouble and one.trouble.kind == "time"]
        if len(late) < MOST_LATE:
            ran |= run_programs(folder, file, [run], limits, imports=imports, trust=trust)
        else:
            ran[run.name] = Ran(trouble=late[0].trouble)
    read: dict[str, list[Returned]] = {probe.name: [] for probe in program.probes}
    for probe, k, _ in _cases(program.probes):
        read[probe.name].append(read_run(ran[f"{probe.name} {k}"]))
    return dict(_with_observations(program, read))


def _cases(probes: Sequence[Probe]) -> Iterator[tuple[Probe, int, Case]]:
    for probe in probes:
        for k, case in enumerate(probe.calls):
            yield probe, k, case


def _as_run(name: str, case: Case) -> Run:
    inputs = {file: _csv(case[file.partition(".")[0]]) for file in INPUTS}
    numbers = (case["epochs"], case["hidden"], case["init"], case["rate"])
    return Run(name, (*INPUTS, *OUTPUTS, *map(str, numbers)), inputs, OUTPUTS)


def _csv(rows: Array) -> str:
    """Rows of a label, an integer, and of inputs, each as short as it can be."""
    return "".join(
        ",".join([str(int(row[0])), *(f"{value:g}" for value in row[1:])]) + "\n" for row in rows
    )


def _chosen(returned: Returned, calls: Calls) -> Returned:
    values = {name: value for name, value in returned.values.items() if name in calls.returns}
    return Returned(values, returned.trouble, returned.changed, returned.printed)


def read_run(ran: Ran) -> Returned:
    """The files of one run as values of the program's lines."""
    written = read_files(ran.files)
    values: dict[str, Any] = {name: float(name in written.faults) for name in FORMS}
    values |= {name: np.asarray(value) for name, value in written.values()}
    trouble = ran.trouble
    if trouble is None and "metrics_out.txt" not in ran.files:
        trouble = Trouble("missing", "metrics_out.txt")
    return Returned(values, trouble, (), ran.printed)


def _with_observations(
    program: Program, found: Mapping[str, Sequence[Returned]]
) -> Iterator[tuple[str, list[Returned]]]:
    """The values of all probes, with what can only be seen in them: the start and the order.

    Where the start or the order is another one at every run, no number of a training can be
    foreseen; then the values that depend on it are left out, and what was seen is the value.
    """
    probes = {probe.name: probe for probe in program.probes}
    of_zero = start_of_zero(found["zero start"][0])
    is_shuffled = not of_zero and _is_shuffled(program, probes["order"], found["order"][0])
    of_random = start_of_random(probes["random start"], found["random start"])
    if of_random and of_random > 2 and not _begins_well(program, probes["one case"], found):
        of_random = None  # another forward pass makes other probabilities of the same weights
    for name, probe in probes.items():
        seen = {"start": of_zero, "shuffled": float(is_shuffled)}
        kept = set(LEARNT)
        if of_zero or (
            is_shuffled and len(probe.calls[0]["train"]) > 1 and probe.calls[0]["rate"] > 0
        ):
            kept = set()
        yield (
            name,
            [
                _observed(one, seen | {"start": of_random}, set())
                if case["init"] == RANDOM
                else _observed(one, seen, kept)
                for case, one in zip(probe.calls, found[name], strict=True)
            ],
        )


def _observed(one: Returned, seen: Mapping[str, float | None], kept: set[str]) -> Returned:
    values = {k: v for k, v in one.values.items() if k in kept or k in FORMS}
    values |= {k: np.asarray(v) for k, v in seen.items() if v is not None}
    return Returned(values, one.trouble, one.changed, one.printed)


def _begins_well(program: Program, probe: Probe, found: Mapping[str, Sequence[Returned]]) -> bool:
    """Whether the cross-entropies after the very first step are right."""
    one, (right,) = found[probe.name][0], program.run(probe)
    return all(
        is_same(np.ravel(one.values.get(name, np.nan))[:1], right[name][:1], 1e-6)
        for name in ("train_losses", "validation_losses")
    )


def start_of_zero(one: Returned) -> float | None:
    """0 where two cases are alike before the first step, as from zeros; 1 where they differ."""
    losses = [one.values.get(f"{data}_losses") for data in DATA]
    if any(loss is None or np.size(loss) == 0 for loss in losses):
        return None
    return float(not is_same(losses[0], losses[1], 1e-9))


def start_of_random(probe: Probe, found: Sequence[Returned]) -> float | None:
    """What the draws look like: 0 as asked for, else the code of a variation of the start.

    With ten cases that differ in their labels alone, the mean cross-entropy is log 10 and half the
    variance of b over the classes; before the first step it shows how large the weights of β are,
    and by inputs of 0 and of 1 what α does. The limits are such that weights as asked for lie
    outside once in more than a hundred thousand submissions.
    """
    spreads = _spreads(found)
    if spreads is None:
        return None
    hidden = np.array([case["hidden"] for case in probe.calls[1:]])
    many, one = spreads[hidden > 1], spreads[hidden == 1]
    if np.all(np.abs(spreads) < 1e-9):
        return 1.0
    if np.all(np.abs(many[:, 1] - many[:, 0]) < 1e-9):
        return 2.0
    size, single = many[:, 0].mean(), one[:, 0].mean()
    if size < 0.26 and np.median(many[:, 1] / many[:, 0]) > 2.4:
        return 3.0
    if size > 0.26:
        return 4.0
    if size < 0.028:
        return 5.0
    if single > 0.0009:
        return 6.0 if size < 0.15 else 7.0
    return 0.0


def _spreads(found: Sequence[Returned]) -> Array | None:
    """How far each run from RANDOM is from equally likely classes, for inputs of 0 and of 1.

    The first run starts from ZERO; its value is what the submission gives for log 10, unless it
    differs for two inputs and so is no start from zeros.
    """
    losses = []
    for one in found:
        pair = [np.ravel(one.values.get(f"{data}_losses", np.nan))[0] for data in DATA]
        losses.append([float(value) for value in pair])
    table = np.array(losses)
    if not is_same(table[0, 0], table[0, 1], 1e-9):
        table[0] = np.log(10)
    if not np.isfinite(table).all() or np.any(table[0] == 0):
        return None
    return np.asarray(table[1:] / table[0] * np.log(10) - np.log(10))


def _is_shuffled(program: Program, probe: Probe, one: Returned) -> bool:
    """Whether another order of the cases, and no other change, gives the submission's numbers."""
    if any(f"{data}_losses" not in one.values for data in DATA):
        return False
    (case,) = probe.calls
    orders = list(permutations(range(len(case["train"]))))
    fitting = [order for order in orders if _fits(program, probe, one, order)]
    return bool(fitting) and orders[0] not in fitting and orders[0][::-1] not in fitting


def _fits(program: Program, probe: Probe, one: Returned, order: tuple[int, ...]) -> bool:
    other = Variation("order", "", "", "", {"order": f"np.array({list(order)})"})
    (right,) = program.run(probe, (other,))
    return all(
        is_same(one.values[f"{data}_losses"], right[f"{data}_losses"], 1e-6) for data in DATA
    )
