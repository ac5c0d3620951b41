"""`compare`: train one network, from the same θ, by our engine and by other libraries."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chainrule.core.arguments import is_whole
from chainrule.core.errors import ConfigError, Problem, shown, unknown
from chainrule.core.interrupts import uninterrupted
from chainrule.peers import PEERS
from chainrule.runs.comparison.pool import Pool, Report, Watch
from chainrule.runs.comparison.result import Comparison, write_files
from chainrule.runs.comparison.worker import Job
from chainrule.runs.run_folder import empty_folder

PARTS = ("network", "data", "training")


def compare(
    config: str | os.PathLike[str] | Mapping[str, Any],
    with_: str | Sequence[str] | None = None,
    *,
    epochs: int | None = None,
    overrides: Sequence[str] = (),
    engine: str | None = None,
    threads: int = 1,
    folder: str | os.PathLike[str] | None = None,
    save: bool = True,
    report: Report | None = None,
    watch: Watch | None = None,
    data: Any = None,
    validation: Any = None,
    test: Any = None,
) -> Comparison:
    """Train a configuration's network by our engine and by other libraries (peers).

    All start from the same θ and run the same minibatches. Each runs in its own process, so that
    its memory can be measured, and they take turns, so that other load on the machine affects all
    of them alike.

    Args:
        config: the path of a file, or a mapping, as `chainrule.train` takes it.
        with_: the names of the peers, as a list or separated by commas: ``"torch,jax,sklearn"``;
            None for all that are installed.
        epochs: the number of epochs; None for the configuration's.
        overrides: items such as ``"training.batch_size=5"`` that replace settings of ``config``.
        engine: the name of our engine; None for the one that the configuration names.
        threads: the number of threads of every training.
        folder: a new or empty folder for the files; by default ``comparisons/NAME-1`` and so on.
        save: whether to write files.
        report: called with a line for each training that is ready or left out.
        watch: called after every turn with the training's name and the fraction of the epochs
            that it has run.
        data: what to train on in place of the configuration's data, as `chainrule.train` takes it,
            but for a `DataSplit`.
        validation: validation data, which then are not split off.
        test: test data, likewise.

    Returns:
        The comparison. A peer that is not installed, cannot train this network, or fails is
        listed in ``left_out`` with the reason.

    Raises:
        ConfigError: the configuration cannot be run, a peer is unknown or none is installed, or
            a number is out of its range.
        ChainruleError: no peer is left, our own training failed, or a file cannot be written.
    """
    from chainrule.runs.passed import packed, source_of_passed

    if not is_whole(threads) or threads < 1:
        raise ConfigError(f"threads is a whole number of at least 1, found {shown(threads)}")
    changed = [*overrides, f"training.threads={threads}"]
    changed += [] if epochs is None else [f"training.epochs={epochs}"]
    changed += [] if engine is None else [f"training.engine={engine}"]
    source, passed = source_of_passed(config, changed, data, validation, test)
    checked = source.config(changed)
    if checked.training["epochs"] < 1:
        raise ConfigError("a comparison takes at least 1 epoch")
    names = _checked_names(with_)
    is_file = source.path is not None and passed is None
    given = str(source.path) if is_file else source.tree.value
    content = packed(passed)
    jobs = [Job(given, changed, name, threads, content) for name in (None, *names)]
    with _place(checked.name, folder, save=save) as place, Pool(report or _ignore) as pool:
        for job in jobs:
            pool.add(job)
        ours, *peers = pool.train(watch or _ignore)
        found = Comparison(
            name=checked.name,
            ours=ours,
            peers=tuple(peers),
            left_out=pool.left_out,
            threads=threads,
            cases=pool.facts["cases"],
            parameters=pool.facts["parameters"],
            config={part: getattr(checked, part) for part in PARTS},
            folder=place,
        )
        if place is not None:
            with uninterrupted():
                write_files(found, place)
    return found


def _ignore(*reported: Any) -> None:
    """The default for ``report`` and ``watch``: do nothing."""


def _checked_names(names: str | Sequence[str] | None) -> list[str]:
    """The names of the peers, without duplicates; None stands for all that are installed.

    Raises:
        ConfigError: a name is unknown, there are no names, or no peer is installed.
    """
    if names is None:
        names = [name for name in PEERS if PEERS.is_installed(name)]
        if not names:
            raise ConfigError([Problem(str(PEERS.missing(name))) for name in PEERS])
    if not isinstance(names, Iterable) or isinstance(names, Mapping):
        raise ConfigError(f"with_ is a list of peers: {', '.join(PEERS)}; found {shown(names)}")
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",") if name.strip()]
    wrong = [Problem(unknown("peer", name, PEERS)) for name in names if name not in PEERS]
    if wrong:
        raise ConfigError(wrong)
    if not names:
        raise ConfigError(f"name at least one peer to compare with: {', '.join(PEERS)}")
    return list(dict.fromkeys(names))


@contextmanager
def _place(
    name: str, wanted: str | os.PathLike[str] | None, *, save: bool
) -> Iterator[Path | None]:
    """The folder for the files, which is made at once and removed if the work fails."""
    if not save:
        yield None
        return
    place = empty_folder(name, None if wanted is None else Path(wanted), of="comparison")
    try:
        yield place
    except BaseException:
        with suppress(OSError):
            place.rmdir()
            if wanted is None:
                place.parent.rmdir()  # fails if it holds other comparisons
        raise
