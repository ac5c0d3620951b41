"""Train what a configuration describes, and write the run's folder: configuration in, run out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from chainrule.core.errors import ChainruleError, ConfigError, DivergenceError, Problem, shown
from chainrule.core.files import as_path, locked
from chainrule.core.interrupts import on_interrupt
from chainrule.data.dataset import PARTS
from chainrule.runs.checkpoint import Checkpoint, checksum, data_checksums, save_parameters
from chainrule.runs.recorder import Recorder
from chainrule.runs.run import Run
from chainrule.runs.run_folder import Facts, RunFolder, empty_folder, versions_now
from chainrule.training import Callback, Trainer
from chainrule.training.tracing import ShowMinibatches

if TYPE_CHECKING:
    from pathlib import Path

    from chainrule.config.load import Config
    from chainrule.data.dataset import DataSplit
    from chainrule.data.standardization import Standardization


def train(
    config: str | os.PathLike[str] | Mapping[str, Any] | Config,
    *,
    overrides: Sequence[str] = (),
    run: str | os.PathLike[str] | None = None,
    save: bool = True,
    resume: bool = False,
    verbose: bool = False,
    jacobians: bool = False,
    callbacks: Iterable[Callback] = (),
    data: Any = None,
    validation: Any = None,
    test: Any = None,
    on_data: Callable[[DataSplit], None] | None = None,
) -> Run:
    """Train the network that a configuration describes, on the data it describes.

    Args:
        config: the path of a file, a mapping of the same keys, or a loaded configuration;
            relative paths in it start at the file's folder, or at the working folder.
        overrides: items such as ``"training.epochs=5"`` that replace settings of ``config``.
        run: a new or empty folder for the run's files; by default ``runs/NAME-1`` and so on.
        save: whether to write files.
        resume: continue the run in the folder ``run`` where it stopped. The results are bit for
            bit those of a run that never stopped. A run that has not begun starts at epoch 1.
        verbose: print every minibatch: inputs, outputs, targets and loss.
        jacobians: print every Jacobian, δ and gradient of each minibatch as well.
        callbacks: called in this order, after those that the configuration names; see
            `chainrule.training.Callback`.
        data: data to train on in place of those that the configuration names: ``(x, t)`` or
            ``(x, t, weights)`` of arrays or data frames, or a data frame with the labels; see
            `chainrule.runs.passed`. Or the `DataSplit` that `chainrule.runs.resolve.resolve_data`
            returned for a configuration with the same `chainrule.runs.resolve.data_key`, so that
            several trainings can share it.
        validation: validation data of their own, in the same forms; then ``data`` is not split
            for them.
        test: test data of their own, likewise.
        on_data: called with the data before the first minibatch, unless a run is resumed.

    Returns:
        The run. Ctrl-C or SIGTERM ends training after the chunk of minibatches in progress, and
        the run so far is returned.

    Raises:
        ConfigError: the configuration cannot be run; lists all problems.
        DataError: the data cannot be read.
        ChainruleError: the folder cannot be written to, is in use, or holds another run than the
            one to resume.
        DivergenceError: a loss or gradient is not finite; the files hold the run until then, as
            does the error's attribute ``run``.

    Example:
        >>> run = train({
        ...     "network": {"loss": "mse", "layers": [{"size": 4}, {"size": 1}]},
        ...     "data": {"generator": "xor", "count": 40},
        ...     "training": {"epochs": 2}}, save=False)
        >>> len(run.history["train_loss"])
        2
        >>> people = {"age": [31, 7, 52, 18], "city": ["Oslo", "Bergen", "Oslo", "Oslo"]}
        >>> run = train({
        ...     "network": {"layers": [{"size": 2}, "softmax"]},
        ...     "data": {"split": [1, 0, 0], "standardize": True}},
        ...     data=(people, ["no", "no", "yes", "no"]), save=False)
        >>> run.data.feature_names, run.classes
        (('age', 'city=Bergen', 'city=Oslo'), ('no', 'yes'))
    """
    from chainrule.runs.passed import configured
    from chainrule.runs.resolve import require_engine, resolve
    from chainrule.runs.resuming import INITIAL_VALUES, as_chosen, go_on
    from chainrule.runs.starts import as_kept, with_own_files

    wanted = None if run is None else as_path(run, "run")
    watching = _checked_callbacks(callbacks)
    checked, shared, given = configured(config, overrides, data, validation, test)
    checkpoint = _to_resume(wanted, save) if resume else None
    if checkpoint is not None:
        checked = with_own_files(as_chosen(checked, checkpoint), checkpoint)
    require_engine(checked)
    resolved = resolve(checked, shared, given=given)
    data, network = resolved.data, resolved.network
    if verbose or jacobians:
        scaled = data.target_scaling is not None
        shows = ShowMinibatches(jacobians=jacobians, classes=data.classes, scaled=scaled)
        watching.insert(0, shows)
    if on_data is not None:
        watching.insert(0, _BeforeTraining(partial(on_data, data)))
    trainer = resolved.trainer(watching, RunFolder.names() if save else None)
    checked = resolved.as_run(trainer)
    if not save:
        return _run(trainer, checked, data, None)
    kept, start = as_kept(checked, network)
    kept.require_readable()  # before there is a folder
    checksums = data_checksums(data)
    if start:
        checksums[INITIAL_VALUES] = checksum(*start.values())
    if checkpoint is not None:
        go_on(trainer, kept, checkpoint, checksums)
    if resume and wanted is not None and os.path.isdir(wanted):
        named = wanted
    else:
        named = empty_folder(checked.name, wanted, of="run")
    folder = RunFolder(named.absolute())  # a changed working folder moves no file
    with locked(folder.path, "another process is training into this folder"):
        moved, _ = as_kept(checked.moved(folder.path.resolve()), network)
        recorder = Recorder(folder, moved, checksums, data.classes, data.digests, start)
        trainer.callbacks.insert(0, recorder)
        trainer.folder = folder.path
        finished = _run(trainer, checked, data, folder)
    if named.absolute() == folder.path:
        finished.folder = named
    return finished


class _BeforeTraining(Callback):
    """Calls a function before the first minibatch of a run, but not where the run goes on."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def on_start(self, trainer: Trainer) -> None:
        """Call it, once the folder of the run is known to be free."""
        if not trainer.minibatches_run:
            self._call()


def _checked_callbacks(callbacks: Iterable[Callback]) -> list[Callback]:
    """The callbacks as a list.

    Raises:
        ConfigError: one is not a `Callback`, or is listed twice.
    """
    listed = list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
    for callback in listed:
        if not isinstance(callback, Callback):
            raise ConfigError(f"callbacks are a list of Callback objects, found {shown(callback)}")
        if sum(one is callback for one in listed) > 1:
            raise ConfigError(f"a callback takes part once, found twice: {shown(callback)}")
    return listed


def _to_resume(wanted: Path | None, save: bool) -> Checkpoint | None:
    """The checkpoint to resume from; None if no run has begun in the folder."""
    if wanted is None:
        raise ChainruleError("to resume a run its folder must be named (run=..., --run FOLDER)")
    if not save:
        raise ChainruleError("a run that is resumed writes its files: resume needs save=True")
    from chainrule.runs.resuming import find_checkpoint

    return find_checkpoint(RunFolder(wanted))


def _from_here(path: Path) -> Path:
    """The path, relative to the working folder if it lies inside it."""
    here = os.getcwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _run(trainer: Trainer, config: Config, data: DataSplit, folder: RunFolder | None) -> Run:
    """Train, then evaluate and write the results, even if training fails."""
    failure: DivergenceError | OSError | None = None
    was_finished = trainer.epoch > 0 and trainer.is_complete
    signals: list[int] = []

    def stop(number: int) -> None:
        signals.append(number)
        trainer.ask_to_stop()

    with on_interrupt(stop):
        try:
            trainer.run()
        except (DivergenceError, OSError) as error:  # OSError: the reader of our output is gone
            failure = error
        run = _finish(trainer, config, data, folder)
    run.was_finished = was_finished
    run.signal = signals[0] if signals else None
    if isinstance(failure, DivergenceError):
        kept = f"; what was learnt until then is in {_from_here(folder.path)}" if folder else ""
        kept += f" ({trainer.restored})" if trainer.restored else ""
        diverged = DivergenceError([Problem(p.message + kept) for p in failure.problems])
        diverged.run = run
        raise diverged
    if failure is not None:
        raise failure
    return run


def _finish(trainer: Trainer, config: Config, data: DataSplit, folder: RunFolder | None) -> Run:
    """Evaluate the network as it is, and write the results.

    After a request to stop, work that takes long is skipped; a resumed run does it later.
    """
    scores = {}
    for name, part in zip(PARTS, data, strict=True):
        score = trainer.interruptible.attempt(partial(trainer.evaluate, part))
        if score is not None:
            scores[name] = score
    before = None if folder is None else folder.chosen_before()
    run = Run(
        network=trainer.network,
        history=trainer.history,
        config=config,
        engine=trainer.engine.name,
        folder=folder.path if folder else None,
        scores=scores,
        classes=data.classes,
        scaling=_flat(data.scaling),
        label_type=data.label_type,
        target_names=data.target_names,
        target_scaling=data.target_scaling,
        multi_label=data.multi_label,
        interrupted=not trainer.finished,
        ending=trainer.ending,
        not_finite=trainer.not_finite,
        encoding=data.encoding,
        fallback_reason=trainer.engine.fallback_reason,
        chosen=tuple(config.chosen()) if before is None else before,
        versions=versions_now(),
        _data=data,
        _digests=data.digests,
    )
    if folder is not None:
        _write(run, folder, trainer)
    return run


def _flat(scaling: Standardization | None) -> Standardization | None:
    """The scaling with its arrays flattened, (inputs,), as `Run.scaled` needs them."""
    if scaling is None:
        return None
    return replace(scaling, mean=scaling.mean.reshape(-1), scale=scaling.scale.reshape(-1))


def _write(run: Run, folder: RunFolder, trainer: Trainer) -> None:
    save_parameters(folder.parameters, run.network)
    folder.write_facts(Facts(**{each.name: getattr(run, each.name) for each in fields(Facts)}))
    draw = partial(draw_learning_curve, run, folder, trainer.engine.minibatches)
    trainer.interruptible.attempt(draw)


def draw_learning_curve(run: Run, folder: RunFolder, minibatches: int) -> None:
    """Write the learning curve, with the test result, as PNG and SVG."""
    from chainrule.plots.learning_curve import learning_curve
    from chainrule.plots.save import save_figure

    test = {} if run.test is None else run.test.figures
    figure = learning_curve(
        run.history,
        title=run.config.name,
        test=test or None,
        minibatch_losses=run.history.minibatch_losses,
        minibatches_per_epoch=minibatches,
    )
    save_figure(figure, folder.curve, ("png", "svg"), own=True)
