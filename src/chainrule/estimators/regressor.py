"""`Regressor`: a network that predicts values, by scikit-learn's conventions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils import column_or_1d

from chainrule.core.arrays import Array, cases_that_count
from chainrule.core.errors import ConfigError, DataError, shown
from chainrule.data.readers.cases import is_numeric
from chainrule.data.standardization import Standardization
from chainrule.data.target_scaling import scaled_targets, scaling_of_targets
from chainrule.estimators.arguments import check_for_one_epoch, documented, with_advice
from chainrule.estimators.base import Estimator, Targets
from chainrule.estimators.watching import with_callbacks
from chainrule.nn.activations import Activation
from chainrule.nn.losses import Loss, loss_function
from chainrule.training.scores import VALUES, TargetKind


@documented
class Regressor(MultiOutputMixin, RegressorMixin, Estimator):
    """A network that predicts values, by scikit-learn's conventions.

    Args:
        layers: the hidden layers: a size, or a list of sizes, each perhaps followed by its
            activation (relu if not), as in ``[100, "relu", 50, "tanh"]``, and of layers in full:
            names such as ``"flatten"``, mappings as in a configuration, such as
            ``{"type": "dropout", "rate": 0.5}``, or layer objects. The output layer is added,
            unless the last one is a dense layer in full of as many outputs as ``y`` has, without
            an activation or with ``output_activation``.
        loss: a name such as ``mae``, ``type`` with options, or an object.
        output_activation: of the output layer; None for none. With targets that are scaled its
            values are those of the scaled targets.
        scale_targets: whether the network learns targets of mean 0 and deviation 1. Predictions
            are in the targets' own units, and ``loss_curve_`` is of the scaled ones.
        ARGUMENTS

    Attributes:
        n_outputs_: the number of values of a case.
        target_scaling_: the scaling of the targets, or None.
        ATTRIBUTES

    Example:
        >>> from chainrule import Regressor
        >>> x = np.linspace(0, 6, 40)[:, None]
        >>> model = Regressor([50, 50], epochs=300, random_state=0).fit(x, np.sin(x[:, 0]))
        >>> bool(model.score(x, np.sin(x[:, 0])) > 0.99), model.predict(x).shape
        (True, (40,))
    """

    n_outputs_: int
    target_scaling_: Standardization | None
    _are_columns: bool

    @with_advice
    def __init__(
        self,
        layers: Any = (100,),
        *,
        loss: Any = "mse",
        output_activation: Any = None,
        scale_targets: bool = True,
        optimizer: Any = "adam",
        learning_rate: float | None = None,
        schedule: Any = "constant",
        penalty: Any = None,
        epochs: int = 100,
        batch_size: int | str = "auto",
        shuffle: bool = True,
        standardize: bool | str = "auto",
        early_stopping: bool = False,
        validation_fraction: float | None = None,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        metrics: Any = None,
        callbacks: Any = None,
        clip_gradient_norm: float | None = None,
        input_shape: Any = None,
        dtype: str = "float64",
        engine: str = "compiled",
        threads: int | str = "auto",
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool | int = False,
    ) -> None:
        self._take_arguments(locals())

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation: Any = None) -> Any:
        """Train on cases.

        Args:
            X: inputs, (cases, features), sparse too, images or sequences.
            y: values, (cases,) or (cases, outputs).
            sample_weight: how much each case counts, (cases,).
            validation: (X, y) or (X, y, sample_weight) of cases to evaluate after each epoch.
        """
        return self._fit(X, y, sample_weight, validation)

    @with_callbacks
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train for one epoch on these cases, going on from earlier calls.

        The first call makes the network, and finds the scalings of inputs and targets.

        Args:
            X: inputs as `fit` takes them.
            y: values as `fit` takes them.
            sample_weight: how much each case counts, (cases,).
        """
        check_for_one_epoch(self)
        return self._fit(X, y, sample_weight, epochs=1, goes_on=True)

    def predict(self, X: Any) -> Array:
        """The values, (cases,) or, if there are several, (cases, outputs).

        Args:
            X: inputs as `fit` takes them.
        """
        _, y = self._evaluated(X)
        y = self._kind(VALUES).in_own_units(y)
        return y if self._are_columns else y[:, 0]

    def _targets(self, y: Array, weights: Array | None, *, known: bool) -> Targets:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        values = _numbers(y)
        t = values.reshape(len(values), -1)
        if known and t.shape[1] != self.n_outputs_:
            raise DataError(f"y has {t.shape[1]} columns, but that of fit had {self.n_outputs_}")
        if not known:
            self.n_outputs_, self._are_columns = t.shape[1], values.ndim > 1
        return Targets(t, VALUES, None, weights)

    def _loss(self) -> Loss:
        found = loss_function(self.loss)
        if found.for_classes:
            raise ConfigError(
                f"the loss {shown(self.loss)} is for classes; a Regressor takes one such as mse"
            )
        return found

    def _output(self, loss: Loss) -> tuple[int, str | Activation | None, bool]:
        return self.n_outputs_, self.output_activation, False

    def _prepared_targets(self, targets: Targets, *, known: bool) -> Targets:
        if not known:
            self.target_scaling_ = None
            if self.scale_targets:
                _, t, weights = cases_that_count(targets.t, targets.t, targets.weights)
                self.target_scaling_ = scaling_of_targets(t, weights)
        scaling = self.target_scaling_
        return (
            targets if scaling is None else replace(targets, t=scaled_targets(targets.t, scaling))
        )

    def _kind(self, kind: TargetKind) -> TargetKind:
        return replace(kind, scaling=self.target_scaling_)


def _numbers(y: Array) -> Array:
    """Targets as float64.

    Raises:
        DataError: they are texts.
    """
    word = next((one for one in np.ravel(y) if isinstance(one, str)), None)
    if y.dtype.kind not in "biuf" and word is not None:
        hint = "a Classifier predicts labels"
        if is_numeric(word):
            hint = "y.astype(float) makes numbers of them"
        message = f"y holds texts such as {shown(str(word))}, but a Regressor predicts numbers"
        raise DataError(f"{message}; {hint}")
    return np.asarray(y, dtype=np.float64)
