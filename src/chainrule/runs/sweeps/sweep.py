"""A sweep: trainings of one configuration with some settings varied, ranked by a score."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

from chainrule.config.load import Config
from chainrule.core.arguments import is_whole
from chainrule.core.errors import ChainruleError, ConfigError, DataError, Problem, shown, unknown
from chainrule.core.files import write_whole
from chainrule.data.dataset import PARTS
from chainrule.data.passed import Passed
from chainrule.runs.checkpoint import data_checksums
from chainrule.runs.passed import packed, source_of_passed
from chainrule.runs.resolve import resolve_data
from chainrule.runs.run_folder import empty_folder
from chainrule.runs.sweeps.folder import SweepFolder
from chainrule.runs.sweeps.plan import Plan, Point, Range, Variation
from chainrule.runs.sweeps.pool import Pool
from chainrule.runs.sweeps.trial import SCORES, Trial, overrides_of
from chainrule.training.scores import MEASURES, is_better_low

DEFAULT_BY = ("validation_accuracy", "validation_loss", "train_loss")
"""If the caller names no score, trials are ranked by the first of these that any of them has."""

OnTrial = Callable[[Trial, "Sweep"], None]
ConfigOf = Callable[[Point], Config]
"""The configuration of a trial with these values."""


@dataclass
class Sweep:
    """A sweep with the trials that have finished.

    Attributes:
        plan: the planned trials.
        trials: the finished trials, ordered by number.
        judged_by: the score to rank them by; None for the first of `DEFAULT_BY` that any has.
        folder: the folder with its files.
        interrupted: whether Ctrl-C ended it.
    """

    plan: Plan
    trials: list[Trial]
    judged_by: str | None
    folder: Path
    interrupted: bool = False

    @property
    def by(self) -> str:
        """The score by which the trials are ranked."""
        if self.judged_by is not None:
            return self.judged_by
        there = {score for trial in self.trials for score in trial.scores}
        return next((score for score in DEFAULT_BY if score in there), DEFAULT_BY[0])

    @property
    def ranked(self) -> list[Trial]:
        """The trials that have the score, the best first; ties are ordered by number."""
        sign = 1 if is_better_low(self.by) else -1
        scored = [trial for trial in self.trials if self.by in trial.scores]
        return sorted(scored, key=lambda trial: (sign * trial.scores[self.by], trial.number))

    @property
    def best(self) -> Trial | None:
        """The best trial; None if no trial has the score."""
        return next(iter(self.ranked), None)

    @property
    def failed(self) -> list[Trial]:
        """The trials that failed."""
        return [trial for trial in self.trials if trial.failure is not None]

    def table(self) -> list[dict[str, Any]]:
        """A row for each trial, the best first: its number, values, scores and seconds."""
        rest = [trial for trial in self.trials if self.by not in trial.scores]
        return [
            {"trial": t.number + 1, **t.values, **t.scores, "seconds": t.seconds}
            for t in [*self.ranked, *rest]
        ]

    def at_the_edge(self) -> Iterator[tuple[Variation, str]]:
        """Each range whose best value is within 5 % of an end, with ``lower`` or ``upper``."""
        best = self.best
        for variation in self.plan.variations if best is not None else ():
            if isinstance(variation.values, Range) and best is not None:
                place = variation.values.place(float(best.values[variation.path]))
                if not 0.05 <= place <= 0.95:
                    yield variation, "lower" if place < 0.5 else "upper"


def sweep(
    config: str | os.PathLike[str] | Mapping[str, Any],
    vary: Mapping[str, str | Sequence[Any]] | Sequence[Variation],
    *,
    trials: int | None = None,
    jobs: int | None = None,
    seed: int = 0,
    by: str | None = None,
    overrides: Sequence[str] = (),
    folder: str | os.PathLike[str] | None = None,
    keep: bool = False,
    on_trial: OnTrial | None = None,
    data: Any = None,
    validation: Any = None,
    test: Any = None,
) -> Sweep:
    """Train a configuration many times, each time with other values of some settings.

    Args:
        config: the path of a file, or a mapping, as `chainrule.train` takes it.
        vary: by the setting's path, a list of values, or the text of a range such as
            ``log:1e-4..1`` (also ``uniform:``, ``int:``, ``logint:``).
        trials: the number of random trials; None for every point of the grid of lists.
        jobs: the number of processes; None for one per core.
        seed: the seed of the draws. A trial's values depend only on it and the trial's number.
        by: the score to rank by, such as ``validation_loss`` or ``best_validation_accuracy`` (the
            best of all epochs). None for the first that is available after the last epoch:
            validation accuracy, validation loss, training loss.
        overrides: settings that all trials have in common, as `chainrule.train` takes them.
        folder: a new folder, or that of the same sweep, which is then resumed, with more trials
            if ``trials`` is larger. None for ``sweeps/NAME-1`` and so on.
        keep: whether to keep each trial's run, in the subfolder ``runs/``.
        on_trial: called with each trial as it finishes.
        data: what to train on in place of the configuration's data, as `chainrule.train` takes it,
            but for a `DataSplit`.
        validation: validation data of their own, likewise.
        test: test data of their own, likewise.

    Returns:
        The sweep. Trials that failed are included, with the reason. Ctrl-C ends the sweep and
        keeps the finished trials.

    Raises:
        ConfigError: the configuration cannot have a setting or a value, or an argument is invalid.
        ChainruleError: the folder holds something else or cannot be written to, or the first trial
            cannot be run.
    """
    for name, number in (("trials", trials), ("jobs", jobs)):
        if number is not None and not is_whole(number, 1):
            message = f"{name} is a whole number of at least 1, found {shown(number)}"
            raise ConfigError(message)
    plan = Plan.make(_variations(vary), trials, seed)
    first = [*overrides, *overrides_of(plan.point(0))]
    source, given = source_of_passed(
        config, first if data is not None else overrides, data, validation, test
    )

    def config_of(values: Point) -> Config:
        return source.config([*overrides, *overrides_of(values)])

    base = _checked(plan, config_of)
    # In the order of the measures, of which a message lists the first.
    known = [f"{part}_{measure}" for measure in MEASURES for part in (*PARTS, "best_validation")]
    if by is not None and by not in known:
        raise ConfigError(unknown("score", by, known))
    with ExitStack() as locked:
        with Pool(source, overrides, jobs or os.cpu_count() or 1, packed(given)) as pool:
            identity = _identity(base, plan, given)
            files = _begun(folder, identity)
            done: list[Trial] = []
            if files is not None:
                locked.enter_context(files.lock())
                done = [trial for trial in files.read_trials() if not trial.was_killed]
            # A resumed sweep has at least as many trials as are finished.
            plan = replace(plan, count=max(plan.count, *(trial.number + 1 for trial in done), 1))
            finished = {trial.number for trial in done}
            waiting = [(k, plan.point(k)) for k in range(plan.count) if k not in finished]
            if waiting:
                _try_out(pool, waiting[0][1], config_of, by, given)
            if files is None:
                wanted = None if folder is None else Path(folder)
                files = SweepFolder(empty_folder(base.name, wanted, of="sweep"))
                locked.enter_context(files.lock())
                files.begin(identity)
            found = Sweep(plan, done, by, files.path)
            try:
                for trial in pool.run(waiting, files.runs if keep else None):
                    files.add(trial)
                    found.trials.append(trial)
                    if on_trial is not None:
                        on_trial(trial, found)
            except KeyboardInterrupt:
                found.interrupted = True
        # The workers were ended first: trials finished while the picture is drawn would be lost.
        found.trials.sort(key=lambda trial: trial.number)
        _write(found, files, config_of)
    return found


def _variations(vary: Any) -> list[Variation]:
    if isinstance(vary, Mapping):
        return [Variation.of(path, values) for path, values in vary.items()]
    if isinstance(vary, Sequence) and all(isinstance(one, Variation) for one in vary):
        return [*vary]
    raise ConfigError(
        "vary is a mapping of settings to their values, such as {'training.seed': [1, 2]}; "
        f"found {shown(vary)}"
    )


def _checked(plan: Plan, config_of: ConfigOf) -> Config:
    """The configuration without varied values; a ConfigError if one of these is invalid."""
    base, first = config_of({}), plan.point(0)
    problems: dict[str, Problem] = {}
    for variation in plan.variations:
        for text in variation.values.samples():
            values: Point = {**first, variation.path: text}
            try:
                config_of(values)
            except ConfigError as error:
                for problem in error.problems:
                    problems.setdefault(problem.message, _at_vary(problem, values))
    if problems:
        raise ConfigError(list(problems.values()))
    return base


def _at_vary(problem: Problem, values: Point) -> Problem:
    """The problem, attributed to ``--vary`` if it is in a value that varies."""
    for item in overrides_of(values):
        if problem.path == f"--set {item}":
            return replace(problem, path=f"--vary {item}")
    return problem


def _identity(base: Config, plan: Plan, given: Passed | None) -> dict[str, Any]:
    """What must be the same for a sweep to be resumed."""
    vary = [[variation.path, variation.text] for variation in plan.variations]
    same = {"config": base.parts, "vary": vary, "seed": plan.seed, "in_order": plan.in_order}
    if given is not None:
        same["data"] = data_checksums(resolve_data(base, given=given))
    return same


def _begun(
    folder: str | os.PathLike[str] | None, identity: Mapping[str, Any]
) -> SweepFolder | None:
    """The files of the sweep that was begun in ``folder``; None if there is none."""
    files = None if folder is None else SweepFolder(Path(folder))
    if files is None or not os.path.isfile(files.identity):  # raises nothing, whatever the name
        return None
    files.require_own()
    files.check(identity)
    return files


def _try_out(
    pool: Pool, values: Point, config_of: ConfigOf, by: str | None, given: Passed | None
) -> None:
    """Run a trial of no epochs, so that an error such as missing data is found at the start.

    The worker that runs it keeps the data for later trials.

    Raises:
        ChainruleError: the trial fails, or cannot have the score ``by``.
    """
    no_epochs = {**values, "training.epochs": "0"}
    (trial,) = pool.run([(0, no_epochs)])
    if trial.failure is not None:
        from chainrule.runs.train import train

        try:  # training in this process gives the error its line and column
            tried = config_of(no_epochs)
            shared = None if given is None else resolve_data(tried, given=given)
            train(tried, save=False, data=shared)
        except ChainruleError as error:
            raise type(error)([_at_vary(problem, values) for problem in error.problems]) from None
        raise ChainruleError(f"the first trial cannot be made: {trial.failure}")
    scores = _possible(trial.scores)
    if by is not None and by not in scores:
        raise ConfigError(f"{unknown('score', by, scores)}; the data have no other")


def _possible(scores: Collection[str]) -> list[str]:
    """The scores that a trial can have, given those of a training without epochs.

    They include losses that are not finite before training, since they can become finite.
    """
    parts = {score.partition("_")[0] for score in scores}
    losses = {f"{part}_loss" for part in parts}
    last = [score for score in SCORES if score in scores or score in losses]
    return [*last, *(f"best_{score}" for score in last if score.startswith("validation"))]


def _write(found: Sweep, files: SweepFolder, config_of: ConfigOf) -> None:
    """Write the best trial's configuration, and the picture."""
    from chainrule.plots.save import save_figure
    from chainrule.plots.sweep import Varied, sweep_figure
    from chainrule.runs.resolve import locate_data

    best = found.best
    if best is None:
        return
    config = config_of(best.values)
    with suppress(DataError):  # the data may be gone since the sweep was finished
        config = locate_data(config)
    write_whole(files.best, config.moved(files.path).to_yaml(), own=True)
    varied = [
        Varied(
            variation.path,
            [trial.values[variation.path] for trial in found.trials],
            is_range=isinstance(variation.values, Range),
            logarithmic=getattr(variation.values, "logarithmic", False),
        )
        for variation in found.plan.variations
    ]
    scores = [trial.scores.get(found.by, inf) for trial in found.trials]
    figure = sweep_figure(varied, scores, score=found.by, best=found.trials.index(best))
    save_figure(figure, files.picture, ("png", "svg"), own=True)
