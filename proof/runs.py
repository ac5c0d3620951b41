"""Runs: resumed, killed, ended by signals, on a full disk, with a damaged checkpoint, repeated."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from proof.ended_runs import MOST_SECONDS, end_runs
from proof.flipped_bits import flip
from proof.full_disks import failures
from proof.killed_runs import kill_runs
from proof.line import Line, store, stored_text
from proof.resumed_runs import ENGINES, resume_everywhere, settings
from proof.same_bits import compare
from proof.same_bits import settings as bit_settings

KILLS, FULL_KILLS = 30, 1000
COMMAND = "python -m proof --full runs"


def lines(full: bool) -> Iterator[Line]:
    """The lines of this part."""
    yield _resumed(full)
    yield _killed(full)
    yield _ended()
    yield from _failed()
    yield from _flipped()
    yield _repeated(full)


def _resumed(full: bool) -> Line:
    """The short form takes every seventh setting: every engine with every optimiser."""
    start, total, wrong = monotonic(), 0, 0
    chosen = list(settings())[:: 1 if full else 7]
    for setting in chosen:
        with tempfile.TemporaryDirectory() as folder:
            found, count = resume_everywhere(setting, Path(folder))
        total, wrong = total + count, wrong + len(found)
    engines = len({(s.engine, s.batch_size) for s in chosen})
    measured = f"{total:,} resumptions in {len(chosen)} settings, {wrong} with other bits"
    holds = not wrong and engines >= len(ENGINES) - 2
    if full:
        seconds = monotonic() - start
        store("resumptions", measured, holds=holds, command=COMMAND, seconds=seconds)
    return Line(
        "resumed at every minibatch of three epochs",
        "the bits of a run never stopped",
        measured,
        holds,
        stored_text("resumptions"),
    )


def _killed(full: bool) -> Line:
    start = monotonic()
    tally = kill_runs(FULL_KILLS if full else KILLS)
    if full:
        store(
            "kills_of_runs",
            str(tally),
            holds=tally.holds,
            command=COMMAND,
            seconds=monotonic() - start,
            figures=dict(tally.kills),
        )
    return Line(
        "killed by signal 9",
        "none unreadable, none lost",
        str(tally),
        tally.holds,
        stored_text("kills_of_runs"),
    )


def _ended() -> Line:
    ended = list(end_runs())
    bad = [str(one) for one in ended if not one.holds]
    slowest = max(ended, key=lambda one: one.seconds)
    measured = f"{len(ended)} signals at {len(ended) // 2} places, slowest {slowest.seconds:.2f} s"
    if bad:
        measured += f"; {'; '.join(bad)}"
    return Line(
        "SIGINT and SIGTERM save and end",
        f"130 and 143 within {MOST_SECONDS:g} s",
        f"{measured} ({slowest.place})",
        not bad,
    )


def _failed() -> Iterator[Line]:
    for failure in failures():
        yield Line(
            failure.name,
            "one message, the checkpoint stays",
            failure.message.strip() if failure.holds is not False else str(failure),
            failure.holds,
        )


def _flipped() -> Iterator[Line]:
    found = [flip(1), flip(100, 5000), flip(2000, 300)]
    yield Line(
        "one flipped bit of a checkpoint",
        "always noticed",
        "; ".join(map(str, found)),
        not any(flips.unnoticed for flips in found),
    )


def _repeated(full: bool) -> Line:
    start = monotonic()
    copies, own = (25, 25) if full else (3, 1)
    found = [compare(name, config, copies, own) for name, config in bit_settings()]
    runs, bad = found[0].runs, [str(same) for same in found if same.kinds != 1]
    measured = f"{runs} runs of {len(found)} engines and threads"
    measured += f"; {'; '.join(bad)}" if bad else ", one result each"
    if full:
        seconds = monotonic() - start
        store("same_bits", measured, holds=not bad, command=COMMAND, seconds=seconds)
    return Line(
        "the same seed",
        "the same bits in 50 runs",
        measured,
        not bad,
        stored_text("same_bits"),
    )
