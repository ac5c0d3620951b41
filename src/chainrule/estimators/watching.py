"""What a training tells scikit-learn's callbacks and the terminal after each epoch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from chainrule.training import Callback, Row

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing, as this scikit-learn has no callbacks."""

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is."""
        return method


__all__ = [
    "CallbackSupportMixin",
    "EpochLines",
    "SklearnCallbacks",
    "compiling_is_said",
    "with_callbacks",
]

COMPILING = (
    "chainrule compiles its loops for this kind of network, once on this machine: some ten "
    "seconds; engine='numpy' does without"
)
"""What the first training of a kind of network prints, so that nobody takes it for stuck."""

_said: set[str] = set()


@contextmanager
def compiling_is_said(engine: str) -> Iterator[None]:
    """Print `COMPILING` to the error stream, once a process, if something is compiled within.

    Args:
        engine: the name of the engine that will run; numba is loaded for ``compiled`` alone.
    """
    if engine != "compiled" or COMPILING in _said:
        yield
        return
    event = import_module("numba.core.event")

    class Listener(event.Listener):  # type: ignore[name-defined]
        def on_start(self, event: Any) -> None:
            if COMPILING not in _said:
                _said.add(COMPILING)
                print(COMPILING, file=sys.stderr, flush=True)

        def on_end(self, event: Any) -> None:
            """Nothing is said of the end."""

    with event.install_listener("numba:compile", Listener()):
        yield


class SklearnCallbacks(Callback):
    """Tells scikit-learn's callbacks of the beginning and end of a training and of each epoch.

    Args:
        estimator: what is trained.
        epochs: how many epochs there are at most.
        fitted: returns the attributes that a copy of the estimator needs to predict.
        x, y: the training data as the caller passed them.
        weights: those of the cases, or None.
    """

    def __init__(
        self,
        estimator: Any,
        epochs: int,
        fitted: Callable[[], Mapping[str, Any]],
        x: Any,
        y: Any,
        weights: Any,
    ) -> None:
        self._estimator, self._fitted = estimator, fitted
        self._given = {"estimator": estimator, "X": x, "y": y}
        self._given["metadata"] = None if weights is None else {"sample_weight": weights}
        self._whole: Any = None
        self._epoch: Any = None
        self._epochs = epochs

    def on_start(self, trainer: Any) -> None:
        """The training begins, and its first epoch."""
        self._whole = self._estimator._init_callback_context(max_subtasks=self._epochs)
        self._whole.call_on_fit_task_begin(**self._given)
        self._begin_epoch(trainer)

    def _begin_epoch(self, trainer: Any) -> None:
        if not trainer.is_complete:
            self._epoch = self._whole.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._given)

    def on_epoch(self, trainer: Any, row: Row) -> None:
        """An epoch ends; a callback may end the training with it."""
        fitted = {"reconstruction_attributes": self._fitted}
        if self._epoch.call_on_fit_task_end(**self._given, **fitted):
            trainer.stop(f"a callback of scikit-learn stopped it after epoch {trainer.epoch}")
        self._epoch = None
        self._begin_epoch(trainer)

    def on_end(self, trainer: Any) -> None:
        """The training ends, also if it failed."""
        fitted = {"reconstruction_attributes": self._fitted}
        self._whole.call_on_fit_task_end(**self._given, **fitted)


class EpochLines(Callback):
    """Prints a line after each epoch.

    Args:
        every: after how many epochs a line is printed.
    """

    def __init__(self, every: int) -> None:
        self._every = every

    def on_epoch(self, trainer: Any, row: Row) -> None:
        """Print the epoch, its losses and its scores."""
        if trainer.epoch % self._every and not trainer.is_complete:
            return
        shown = [
            f"{name.replace('_', ' ')} {value:.4g}"
            for name, value in row.items()
            if name not in ("epoch", "seconds") and value is not None
        ]
        print(f"epoch {trainer.epoch} of {trainer.settings.epochs}: {', '.join(shown)}")
