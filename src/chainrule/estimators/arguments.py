"""The arguments of the estimators: what they are, and what is said of those that are wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, TypeVar

import numpy as np

from chainrule.core.arguments import is_finite, is_whole
from chainrule.core.errors import ConfigError, shown, unknown
from chainrule.core.vocabulary import instead
from chainrule.nn.network import DTYPES
from chainrule.training import Callback
from chainrule.training.schedules import schedule

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., None])

SCHEDULES_OF_SKLEARN = ("constant", "invscaling", "adaptive")
"""What `learning_rate` takes in scikit-learn's own networks."""


ARGUMENTS = """
        optimizer: the update rule: a name such as ``sgd``, ``type`` with options, or an object.
        learning_rate: None for 0.01 with ``adam``, and for the own default of other rules.
        schedule: how the learning rate changes from epoch to epoch, likewise.
        penalty: on the weights, such as ``{"type": "L2", "rate": 0.001}``; None for none.
        epochs: how often training goes through the cases.
        batch_size: the cases of a minibatch; ``auto`` for 200, or all if there are fewer or the
            optimiser is ``lbfgs``; ``full`` for all.
        shuffle: draw a new order of the cases for each epoch.
        standardize: whether the network is given inputs of mean 0 and deviation 1, as by
            scikit-learn's StandardScaler; the scaling is found by ``fit`` and applied by
            ``predict``. ``auto``: likewise, but inputs whose deviations differ by less than a
            factor of 10 are divided by one number, so that a wider one stays wider. Features of
            sequences are scaled over all their steps, channels of images over all places, and
            the class numbers that an embedding takes are not.
        early_stopping: set cases aside, stop when their loss has not fallen by more than ``tol``
            in ``n_iter_no_change`` epochs in a row, and keep the parameters of the best epoch.
        validation_fraction: the part of the cases that is set aside and evaluated after each
            epoch, as ``validation=`` of ``fit`` does with given cases. None for 0.1 with early
            stopping, and for no validation without. ``partial_fit`` sets none aside.
        n_iter_no_change: see ``early_stopping``.
        tol: see ``early_stopping``.
        metrics: a list of names such as ``balanced_accuracy`` or ``rmse``, which become columns of
            ``history_``; None for none.
        callbacks: a list of names, ``type`` with options, or `chainrule.training.Callback`
            objects; None for none. Those of scikit-learn go into ``set_callbacks``.
        clip_gradient_norm: the greatest norm of the gradient; None for no limit.
        input_shape: the shape of one case, if X holds sequences or images as flat rows.
        dtype: ``float64`` or ``float32``, in which the network computes.
        engine: what runs the minibatches. ``compiled`` is compiled when it is used for the first
            time on a machine, which takes seconds, and loaded once a process; what it cannot run
            it leaves to ``numpy``.
        threads: how many threads; ``auto`` goes by the sizes.
        random_state: an int for results that repeat, a NumPy ``RandomState``, or None.
        warm_start: whether ``fit`` trains the network of the last ``fit`` on. What makes the
            network and its scalings, such as ``layers``, is then what it was.
        verbose: whether to print a line after each epoch; a number n for every n-th.
"""
"""What the docstrings of both estimators say of the arguments that they share."""

ATTRIBUTES = """
        network_: the trained `chainrule.nn.network.Network`.
        history_: a column for each loss and score, such as ``history_["validation_loss"]``.
        loss_curve_: the training loss of each epoch; ``loss_`` is the last.
        validation_curve_: the validation loss of each epoch; None without validation.
        n_iter_: the number of epochs.
        n_features_in_: the number of features, of sequences that of steps.
        feature_names_in_: the names of a DataFrame's columns, if these are texts.
        scaling_: the scaling of the inputs, or None.
        engine_: the name of the engine that ran.
        ending_: why training ended before its last epoch, or None.

    Raises:
        ValueError: an argument or the data are not as they must be; the message names the
            nearest valid spelling.
        NotFittedError: a prediction before ``fit``.
"""
"""What they say of the attributes that they share, and of errors."""


def documented(kind: type[T]) -> type[T]:
    """Put `ARGUMENTS` and `ATTRIBUTES` into a class's docstring, where it names them."""
    text = kind.__doc__ or ""
    text = text.replace("\n        ARGUMENTS\n", ARGUMENTS)
    kind.__doc__ = text.replace("\n        ATTRIBUTES\n", ATTRIBUTES)
    return kind


def with_advice(init: F) -> F:
    """A constructor that answers unknown arguments with those that were probably meant."""
    known = [*signature(init).parameters][1:]

    @wraps(init)
    def advised(self: Any, *values: Any, **given: Any) -> None:
        message = of_unknown(given, known, type(self).__name__)
        if message:
            raise TypeError(message)
        init(self, *values, **given)

    return advised  # type: ignore[return-value]


def of_unknown(names: Iterable[str], known: Iterable[str], owner: str) -> str:
    """What is said of arguments that there are not; an empty text if there are all.

    Args:
        names: the arguments that are passed.
        known: those that there are.
        owner: the class that takes them.

    Example:
        >>> of_unknown(["max_iter"], ["layers", "epochs"], "Classifier")
        'Classifier has no argument max_iter: here it is epochs'
    """
    known = list(known)
    said = []
    for name in names:
        if name in known:
            continue
        sentence = instead("argument of an estimator", name)
        here = f"{owner} has no argument {name}: {sentence}"
        said.append(here if sentence else unknown(f"argument of {owner}", name, known))
    return "; ".join(said)


def with_validation(error: ConfigError) -> ConfigError:
    """The error of a training, with the ways to validation data where these are missing."""
    if "there are no validation data" not in str(error):
        return error
    return ConfigError(
        f"{error}. validation_fraction=0.1 sets cases aside, and fit(X, y, validation=(X, y)) "
        "takes cases of yours"
    )


def check_arguments(estimator: Any) -> None:
    """Refuse values that neither the network nor the training check.

    Raises:
        ConfigError: an argument is not as it must be.
    """
    for name in ("early_stopping", "warm_start", "scale_targets"):
        value = getattr(estimator, name, False)
        if not isinstance(value, bool | np.bool_):
            raise ConfigError(f"{name} is True or False, found {shown(value)}")
    for name, is_right, words in _NUMBERS:
        value = getattr(estimator, name)
        if not is_right(value):
            raise ConfigError(f"{name} is {words}, found {shown(value)}")
    batch_size = estimator.batch_size
    if isinstance(batch_size, str) and batch_size.lower() not in ("auto", "full"):
        raise ConfigError(unknown("batch_size", batch_size, ("auto", "full")))
    if dtype_name(estimator.dtype) not in DTYPES:
        raise ConfigError(unknown("dtype", dtype_name(estimator.dtype), DTYPES))
    _check_rates(estimator.learning_rate, estimator.penalty)
    _check_lists(estimator)


def check_for_one_epoch(estimator: Any) -> None:
    """Refuse what needs more than the one epoch that a call of ``partial_fit`` trains.

    Raises:
        ConfigError: an argument does.
    """
    if estimator.early_stopping:
        raise ConfigError("partial_fit does not support early_stopping=True")
    if not schedule(estimator.schedule).is_constant:
        raise ConfigError(
            "partial_fit does not support a schedule, which would begin anew in every call; "
            "model.set_params(learning_rate=...) between calls changes the rate"
        )


_NUMBERS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    (
        "standardize",
        lambda value: isinstance(value, bool | np.bool_) or value == "auto",
        "True, False or 'auto'",
    ),
    (
        "n_iter_no_change",
        lambda value: is_whole(value, 1),
        "a whole number of at least 1",
    ),
    (
        "tol",
        lambda value: is_finite(value) and value >= 0,
        "a finite number of at least 0",
    ),
    (
        "validation_fraction",
        lambda value: value is None or (is_finite(value) and 0 < value < 1),
        "above 0 and below 1, or None",
    ),
    (
        "verbose",
        lambda value: isinstance(value, bool) or is_whole(value, 0),
        "True, False, or the number of epochs between two lines",
    ),
)
"""Arguments, whether a value is right, and which values are."""


def dtype_name(dtype: Any) -> Any:
    """The name of a type of numbers, which may be NumPy's, such as ``np.float32``."""
    return np.dtype(dtype).name if isinstance(dtype, type | np.dtype) else dtype


def _check_rates(learning_rate: Any, penalty: Any) -> None:
    if learning_rate is not None and not (is_finite(learning_rate) and learning_rate >= 0):
        message = f"learning_rate is finite and at least 0, found {shown(learning_rate)}"
        if learning_rate in SCHEDULES_OF_SKLEARN:
            message += "; how it changes is the schedule: 'constant', 'inverse', 'plateau', ..."
        raise ConfigError(message)
    if is_finite(penalty):
        raise ConfigError(
            f"penalty is a mapping of its type and rate, found {shown(penalty)}; write "
            f"penalty={{'type': 'L2', 'rate': {penalty}}}"
        )


def _check_lists(estimator: Any) -> None:
    """Refuse metrics and callbacks that are no list, and callbacks of scikit-learn."""
    for name, example in (("metrics", "f1"), ("callbacks", "early_stopping")):
        value = getattr(estimator, name)
        for one in value if isinstance(value, list | tuple) else [value]:
            if hasattr(one, "on_fit_task_begin"):
                kind = type(one).__name__
                raise ConfigError(
                    f"{kind} is a callback of scikit-learn, which takes part by "
                    f"model.set_callbacks({kind}(...))"
                )
            if value is not None and not isinstance(one, str | Mapping | Callback):
                raise ConfigError(
                    f"{name} are names, mappings of type and options, or objects of "
                    f"chainrule.training.Callback, found {shown(one)}"
                )
        if value is not None and not isinstance(value, list | tuple):
            found = shown(value)
            raise ConfigError(f"{name} is a list such as [{example!r}], or None, found {found}")


def is_same(one: Any, other: Any) -> bool:
    """Whether two values of an argument are equal; they may be arrays."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return one is other or bool(one == other)
