"""`examine`: everything that keeps a network from learning, cause before consequence."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.errors import ConfigError, DataError, DivergenceError
from chainrule.runs.doctor import data as of_data
from chainrule.runs.doctor import dynamics, generalisation, layers, loss, not_finite
from chainrule.runs.doctor.diagnosis import Diagnosis, Finding
from chainrule.runs.doctor.patient import Patient
from chainrule.runs.doctor.trials import affordable_epochs
from chainrule.runs.run import Run, load
from chainrule.training.engines.threads import on_threads

if TYPE_CHECKING:
    from chainrule.config.load import Config

RULES: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    of_data.constant_labels,
    of_data.absent_class,
    of_data.leaking_feature,
    layers.symmetric_start,
    of_data.unscaled_inputs,
    loss.wrong_loss,
    of_data.unscaled_targets,
    not_finite.not_finite_at_start,
    of_data.class_imbalance,
    of_data.shuffled_labels,
    layers.dead_from_start,
    layers.saturated_units,
    layers.exploding_gradients,
    layers.vanishing_gradients,
    layers.vanishing_through_time,
    generalisation.too_much_penalty,
    dynamics.rate_too_high,
    dynamics.rate_too_low,
    dynamics.batch_too_large,
    layers.dead_in_training,
    generalisation.overfitting,
    generalisation.underfitting,
    not_finite.not_finite,
)
"""The rules, cause before consequence."""


def examine(
    run: Run | str | os.PathLike[str] | Mapping[str, Any] | Config,
    *,
    overrides: Sequence[str] = (),
    data: Any = None,
) -> Diagnosis:
    """Say why a network does not learn.

    Args:
        run: a run, or its folder; or a configuration, its file or a mapping, which is then
            trained for a short time, without writing files.
        overrides: items that replace settings of a configuration.
        data: what to train on in place of the configuration's data, as `chainrule.train` takes it.

    Returns:
        The findings, in order: those that are certain or likely first, cause before consequence.

    Raises:
        ChainruleError: the run cannot be loaded, its data cannot be read again, or the
            configuration cannot be run.

    Example:
        >>> found = examine({
        ...     "network": {"layers": [
        ...         {"size": 8, "activation": "relu", "biases": [-9, -8]},
        ...         {"size": 2}, "softmax"]},
        ...     "data": {"generator": "rings", "count": 200},
        ...     "training": {"epochs": 5}})
        >>> found.first.illness, found.first.layer
        ('dead_units', 'dense_1')
    """
    if hasattr(run, "network_"):
        raise ConfigError(_OF_AN_ESTIMATOR)
    if _is_run(run) and (data is not None or list(overrides)):
        raise ConfigError(_OF_A_RUN)
    patient = _of_run(run) if _is_run(run) else _of_config(run, overrides, data)
    findings = sorted(_found(patient), key=lambda each: not _is_alarm(each))  # a stable sort
    return Diagnosis(tuple(findings), _examined(patient), patient.name)


def at_the_end(run: Run) -> Finding | None:
    """The first alarm of a training that has just ended, found in no time; None if all is well.

    It tries no trainings and looks at few cases, so that it sees only what is plain; `examine`
    sees more.

    Args:
        run: with its data.
    """
    if run.not_finite is None and (run.interrupted or run.signal is not None):
        return None
    found = _found(_of_run(run, quick=True), first_alarm=True)
    return next(filter(_is_alarm, found), None)


def _is_alarm(finding: Finding) -> bool:
    return finding.confidence != "possible"


def _found(patient: Patient, *, first_alarm: bool = False) -> list[Finding]:
    """What the rules find; a rule may look at what those before it found.

    Args:
        patient: who is examined.
        first_alarm: whether to stop behind the first alarm.
    """
    found: list[Finding] = []
    with np.errstate(all="ignore"), on_threads(1, 1):  # products too small to share
        for rule in RULES:
            new = [*rule(patient)]
            found += new
            for each in new:
                (patient.alarms if _is_alarm(each) else patient.hints).append(each.illness)
            if patient.alarms and (first_alarm or patient.alarms[0] in ENDS):
                break
    return found


ENDS = ("constant_labels",)
"""Illnesses beside which no other means anything."""


_OF_AN_ESTIMATOR = (
    "an estimator keeps no record of its training; the doctor trains a configuration of the same "
    'layers for a short time: chainrule.examine({"network": {"layers": [...]}}, data=(X, y))'
)

_PASSED = (
    "this run's data were passed in Python and are in no file, so the doctor cannot look at them; "
    "examine the run while it is in memory: chainrule.examine(run)"
)


_OF_A_RUN = (
    "a run is examined as it was trained; overrides (--set) and data go with a configuration, "
    "which is then trained"
)


def _is_run(run: Any) -> bool:
    if isinstance(run, Run):
        return True
    return isinstance(run, str | os.PathLike) and os.path.isdir(run)


def _of_run(run: Any, *, quick: bool = False) -> Patient:
    found: Run = run if isinstance(run, Run) else load(run)
    if "python" in found.config.data and not found.has_data:
        raise DataError(found.config.problem(("data", "python"), _PASSED))
    known = found.network, found.config, found.data, found.history, found.scores
    return Patient(found.name, *known, found.not_finite, quick)


def _of_config(config: Any, overrides: Sequence[str], data: Any) -> Patient:
    """Train a configuration for a short time."""
    from dataclasses import replace

    from chainrule.runs.passed import configured
    from chainrule.runs.resolve import require_engine, resolve

    checked, shared, given = configured(config, overrides, data)
    if checked.training["engine"] == "auto":
        checked = checked.replace(training={"engine": "numpy"})
    require_engine(checked)
    resolved = resolve(checked, shared, given=given)
    settings = resolved.settings
    epochs = affordable_epochs(
        settings.epochs, resolved.network, settings, len(resolved.data.train)
    )
    settings = replace(settings, epochs=min(epochs, settings.epochs), callbacks=None)
    trainer = replace(resolved, settings=settings).trainer()
    with suppress(DivergenceError):
        trainer.run()
    known = trainer.network, resolved.config, resolved.data, trainer.history
    cut = epochs < resolved.settings.epochs
    return Patient(checked.name, *known, {}, trainer.not_finite, cut=cut)


def _examined(patient: Patient) -> str:
    held = patient.held_out_skill
    also = "" if held is None else f", on cases held out {patient.figure(held)}"
    wanted = patient.settings.epochs
    of_all = "" if patient.epochs == wanted else f" of {wanted}"
    return f"{patient.epochs}{of_all} epochs; {patient.standing}{also}"
