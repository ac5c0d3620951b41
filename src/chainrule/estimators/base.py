"""What `Classifier` and `Regressor` have in common: from arrays to a trained network."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, DataError, DataWarning, shown
from chainrule.core.randomness import stream
from chainrule.data.passed import refuse_other_order
from chainrule.data.splits import split_cases
from chainrule.data.standardization import Standardization
from chainrule.estimators.arguments import (
    check_arguments,
    dtype_name,
    is_same,
    of_unknown,
    with_validation,
)
from chainrule.estimators.inputs import (
    InputForm,
    checked_weights,
    dense,
    plain_targets,
    sort_of,
    with_columns,
)
from chainrule.estimators.layers import network_layers, require_one_target
from chainrule.estimators.watching import (
    CallbackSupportMixin,
    EpochLines,
    SklearnCallbacks,
    compiling_is_said,
)
from chainrule.nn.activations import Activation
from chainrule.nn.layer_types import Layer
from chainrule.nn.losses import Loss
from chainrule.nn.network import Network
from chainrule.training import Callback, EarlyStopping, History, Part, Settings, Trainer
from chainrule.training.optimizers import LBFGS, Adam, Optimizer, optimizer
from chainrule.training.scores import CASES_AT_A_TIME, TargetKind

T = TypeVar("T")

LARGEST_BATCH = 200
"""The cases of a minibatch for ``batch_size="auto"``; fewer cases make a single minibatch."""

ADAMS_RATE = 0.01
"""Adam's learning rate: the cases of tables are few, and so are the steps of an epoch."""

MAKING = (
    "layers",
    "loss",
    "dtype",
    "input_shape",
    "standardize",
    "output_activation",
    "scale_targets",
)
"""The arguments that make a network and its scalings, and must stay while it is trained on."""

LEAST_TO_SCALE = 10
"""With fewer cases in a first call of ``partial_fit`` a warning tells of their scaling."""

MOST_ALIKE = 10.0
"""Inputs whose deviations differ by a smaller factor are taken for alike by
``standardize="auto"``, which keeps the ratios of their sizes: these may tell something."""

SCALED = (
    "The inputs, and values that are targets, are written as the network sees them, scaled as in "
    "training (scaling_, target_scaling_)."
)
"""What an explanation says of its numbers."""

VALIDATION_FRACTION = 0.1
"""The part of the cases that early stopping sets aside, unless it is told."""


@dataclass(frozen=True, eq=False)
class Targets:
    """The targets of some cases.

    Attributes:
        t: as the network takes them, before any scaling.
        kind: what they are.
        classes: the class number of each case, by which a split is stratified, or None.
        weights: how much each case counts, (cases,), or None.
    """

    t: Array
    kind: TargetKind
    classes: Array | None
    weights: Array | None


@dataclass(frozen=True, eq=False)
class OptimizerState:
    """What an optimiser keeps between two calls of ``partial_fit``, and its class."""

    rule: type[Optimizer]
    steps: int
    vectors: dict[str, Array]


class Estimator(CallbackSupportMixin, BaseEstimator):
    """A network that is trained on arrays; the base of `Classifier` and `Regressor`."""

    layers: Any
    loss: Any
    optimizer: Any
    learning_rate: float | None
    schedule: Any
    penalty: Any
    epochs: int
    batch_size: int | str
    shuffle: bool
    standardize: bool | str
    early_stopping: bool
    validation_fraction: float | None
    n_iter_no_change: int
    tol: float
    metrics: Any
    callbacks: Any
    clip_gradient_norm: float | None
    input_shape: Any
    dtype: str
    engine: str
    threads: int | str
    random_state: Any
    warm_start: bool
    verbose: bool | int

    network_: Network
    history_: History
    form_: InputForm
    scaling_: Standardization | None
    n_iter_: int
    _first_seed: int

    def _take_arguments(self, arguments: Mapping[str, Any]) -> None:
        """Keep every argument of the constructor as it is, which scikit-learn demands.

        Args:
            arguments: the local names at the beginning of a constructor, ``self`` among them.
        """
        self.__dict__.update({name: value for name, value in arguments.items() if name != "self"})

    def set_params(self, **params: Any) -> Any:
        """Set arguments by name.

        Args:
            params: arguments of the constructor.

        Raises:
            ConfigError: there is no such argument; with the one that was probably meant.
        """
        message = of_unknown(params, self.get_params(), type(self).__name__)
        if message:
            raise ConfigError(message)
        return super().set_params(**params)

    # What differs between classes and values

    @abstractmethod
    def _targets(self, y: Array, weights: Array | None, *, known: bool) -> Targets:
        """The targets of cases; ``known`` if what they are was found before, as in training."""

    @abstractmethod
    def _loss(self) -> Loss:
        """The loss of the network."""

    @abstractmethod
    def _output(self, loss: Loss) -> tuple[int, str | Activation | None, bool]:
        """How many outputs there are, their activation, and whether a softmax follows."""

    def _class_weights(self) -> str | list[float] | None:
        """How much the cases of each class count in training, as `Settings` takes it."""
        return None

    def _prepared_targets(self, targets: Targets, *, known: bool) -> Targets:
        """The targets, scaled if they are values that are to be scaled."""
        return targets

    # Training

    def _fit(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        validation: Any = None,
        *,
        epochs: int | None = None,
        goes_on: bool = False,
    ) -> Any:
        """Train on cases, given as ``fit`` takes them.

        Args:
            x: inputs.
            y: targets.
            sample_weight: how much each case counts, or None.
            validation: cases to evaluate, or None.
            epochs: how many epochs; None for the estimator's.
            goes_on: whether the network and the optimiser of an earlier call are trained on.
        """
        check_arguments(self)
        refuse_other_order(x, y, type(self).__name__, "y")
        known = (goes_on or self.warm_start) and hasattr(self, "network_")
        given = (x, y, sample_weight)
        inputs, y = self._arrays(x, y, reset=not known)
        weights = checked_weights(sample_weight, len(inputs))
        targets = self._targets(y, weights, known=known)
        seed = self._seed(known)
        train, held_out = self._parts(inputs, targets, validation, seed, goes_on=goes_on)
        if known:
            self._go_on()
        else:
            self._start(*train, seed)
            self._warn_of_few(len(train[0]), goes_on=goes_on)
        training = self._part(*train, known=known)
        evaluated = self._part(*held_out, known=True) if held_out else None
        self._train(training, evaluated, train[1].kind, seed, epochs, given, goes_on=goes_on)
        return self

    def _arrays(self, x: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        """Inputs and targets as scikit-learn checks them; texts among the inputs are named."""
        x, y = dense(x), plain_targets(y)
        try:
            x, y = validate_data(self, x, y, reset=reset, multi_output=True, **self._checks())
        except ValueError as error:
            raise with_columns(error, x) from None
        return x, y

    def _checks(self) -> dict[str, Any]:
        """How scikit-learn checks inputs: numbers of any number of axes."""
        reads = self.__dict__.get("form_")
        sequences = reads.sort == "sequences" if reads else self._reads_sequences()
        finite = "allow-nan" if sequences else True
        kinds = [np.float64, np.float32]
        return {"dtype": kinds, "allow_nd": True, "ensure_all_finite": finite}

    def _reads_sequences(self) -> bool:
        return sort_of(self._layers_before_output()) == "sequences"

    def _layers_before_output(self) -> list[Layer]:
        """The layers as they are given, with an output that only stands for it."""
        return network_layers(self.layers, outputs=1, activation=None, softmax=False)

    def _seed(self, known: bool) -> int:
        """The seed of this training; it differs from that of an earlier call."""
        if not known:
            # One number a fit, which a random state of the caller's draws.
            self._first_seed = int(check_random_state(self.random_state).randint(2**31 - 1))
            return self._first_seed
        return self._first_seed + self.n_iter_

    def _parts(
        self,
        x: Array,
        targets: Targets,
        validation: Any,
        seed: int,
        *,
        goes_on: bool,
    ) -> tuple[tuple[Array, Targets], tuple[Array, Targets] | None]:
        """The cases to train on, and those to evaluate, given or set aside."""
        if validation is not None:
            return (x, targets), self._given_validation(validation)
        fraction = self.validation_fraction
        if fraction is None and self.early_stopping:
            fraction = VALIDATION_FRACTION
        if fraction is None or goes_on:
            return (x, targets), None
        rng = stream(seed, "estimator", "validation")
        chosen = split_cases(len(x), (1 - fraction, fraction, 0), rng, targets.classes)
        if not len(chosen[1]):
            raise DataError(
                f"validation_fraction {fraction:g} of n_samples={len(x)} leaves no case to "
                "validate on; pass validation=(x, y) or a larger fraction"
            )
        first, second = ((x[part], _taken(targets, part)) for part in chosen[:2])
        return first, second

    def _given_validation(self, validation: Any) -> tuple[Array, Targets]:
        """Validation cases that the caller passes, as (x, y) or (x, y, sample_weight)."""
        if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
            raise ConfigError(
                f"validation is (x, y) or (x, y, sample_weight), found {shown(validation)}"
            )
        x, y = self._arrays(validation[0], validation[1], reset=False)
        weights = checked_weights(validation[2] if len(validation) > 2 else None, len(x))
        return x, self._targets(y, weights, known=True)

    def _start(self, x: Array, targets: Targets, seed: int) -> None:
        """A new network for these cases, and the scaling of its inputs."""
        loss = self._loss()
        outputs, activation, softmax = self._output(loss)
        layers = network_layers(
            self.layers, outputs=outputs, activation=activation, softmax=softmax
        )
        form = InputForm.of(x, sort_of(layers), self.input_shape)
        network = Network(
            layers,
            input=form.shape,
            loss=loss,
            learning_rate=self._learning_rate(),
            penalty=self.penalty,
            dtype=dtype_name(self.dtype),
            seed=seed,
        )
        require_one_target(network, outputs)
        self.form_, self.network_, self.history_ = form, network, History()
        self.scaling_ = self._scaling(form.cases(x), targets.weights)
        self.n_iter_ = 0
        self._made_with = {
            name: value for name, value in self.get_params(deep=False).items() if name in MAKING
        }

    def _go_on(self) -> None:
        """Take the arguments that may change between two trainings of one network.

        Raises:
            ConfigError: one of those has changed that make the network.
        """
        for name, before in self._made_with.items():
            now = getattr(self, name)
            if not is_same(now, before):
                raise ConfigError(
                    f"{name} was {shown(before)} when the network was made, and is "
                    f"{shown(now)} now; partial_fit and warm_start=True train the same network "
                    "on, and sklearn.base.clone(model) begins a new one"
                )
        self.network_.learning_rate = self._learning_rate()
        self.network_.penalty = self.penalty

    def _warn_of_few(self, cases: int, *, goes_on: bool) -> None:
        """Warn of scalings that a first call of ``partial_fit`` finds by very few cases."""
        scales = self.scaling_ is not None or getattr(self, "scale_targets", False)
        if not goes_on or cases >= LEAST_TO_SCALE or not scales:
            return
        told = " and scale_targets=False" * hasattr(self, "scale_targets")
        warnings.warn(
            f"the first call of partial_fit finds the scaling, here by n_samples={cases}, and it "
            f"stays; begin with {LEAST_TO_SCALE} cases or more, or pass standardize=False{told} "
            "and scale them yourself",
            DataWarning,
            stacklevel=5,  # of the caller, past scikit-learn's decorator
        )

    def _learning_rate(self) -> float | None:
        """The network's learning rate; None for the optimiser's own default."""
        if self.learning_rate is not None:
            return float(self.learning_rate)  # a search may draw a NumPy scalar of another type
        return ADAMS_RATE if type(optimizer(self.optimizer)) is Adam else None

    def _scaling(self, x: Array, weights: Array | None) -> Standardization | None:
        """The scaling of the training inputs; None if they are not to be scaled."""
        takes_numbers = any(layer.takes_class_numbers for layer in self.network_.layers)
        if not self.standardize or (takes_numbers and self.standardize == "auto"):
            return None
        found = self.form_.scaling(x, weights)
        if self.standardize != "auto":
            return found
        return found.with_common_scale() if found.ratio < MOST_ALIKE else found

    def _part(self, x: Array, targets: Targets, *, known: bool) -> Part:
        """Cases as the network takes them: shaped, and scaled."""
        prepared = self._prepared_targets(targets, known=known)
        return Part(self._inputs(x), prepared.t, prepared.weights)

    def _inputs(self, x: Array) -> Array:
        """Checked inputs as the network takes them."""
        return self.form_.scaled(self.form_.cases(x), self.scaling_)

    def _train(
        self,
        train: Part,
        held_out: Part | None,
        kind: TargetKind,
        seed: int,
        epochs: int | None,
        given: tuple[Any, Any, Any],
        *,
        goes_on: bool,
    ) -> None:
        """Run a training, and keep what it found."""
        settings = self._settings(len(train), seed, epochs)
        evaluated = held_out or Part(train.x[:0], train.t[:0])
        watching = self._watching(settings.epochs, given, early=held_out is not None)
        try:
            trainer = Trainer(
                self.network_,
                train,
                evaluated,
                settings,
                kind=self._kind(kind),
                callbacks=watching,
            )
        except ConfigError as error:
            raise with_validation(error) from None
        state = self.__dict__.get("optimizer_state_") if goes_on else None
        if state is not None and state.rule is type(trainer.optimizer):
            _restore(trainer.optimizer, state)
        with compiling_is_said(trainer.engine.name):
            trainer.run()
        self.optimizer_state_ = _state(trainer.optimizer) if goes_on else None
        self._keep(trainer)

    def _kind(self, kind: TargetKind) -> TargetKind:
        """What the trainer is told of the targets."""
        return kind

    def _settings(self, cases: int, seed: int, epochs: int | None) -> Settings:
        """How to train."""
        batch_size: Any = self.batch_size
        if isinstance(batch_size, str) and batch_size.lower() == "auto":
            takes_all = isinstance(optimizer(self.optimizer), LBFGS)
            batch_size = "full" if takes_all else min(LARGEST_BATCH, cases)
        return Settings(
            epochs=self.epochs if epochs is None else epochs,
            batch_size=batch_size,
            seed=seed,
            shuffle=self.shuffle,
            optimizer=self.optimizer,
            schedule=self.schedule,
            engine=self.engine,
            threads=self.threads,  # type: ignore[arg-type]
            clip_gradient_norm=self.clip_gradient_norm,
            metrics=self.metrics,
            class_weights=self._class_weights(),
            callbacks=self.callbacks,
            health=False,
        )

    def _watching(
        self, epochs: int, given: tuple[Any, Any, Any], *, early: bool
    ) -> list[Callback]:
        """The callbacks of the estimator itself."""
        found: list[Callback] = []
        if self.early_stopping and early:
            patience, least = self.n_iter_no_change, float(self.tol)
            found.append(EarlyStopping("validation_loss", patience=patience, min_delta=least))
        if self.verbose:
            found.append(EpochLines(int(self.verbose)))
        if getattr(self, "_skl_callbacks", None) or hasattr(self, "_parent_callback_ctx"):
            found.append(SklearnCallbacks(self, epochs, self._fitted_now, *given))
        return found

    def _fitted_now(self) -> dict[str, Any]:
        """The attributes of a copy that predicts as the network is now."""
        return {"network_": deepcopy(self.network_)}

    def _keep(self, trainer: Trainer) -> None:
        """Add the epochs of a training to the history, and how it ran."""
        for row in trainer.history.rows:
            self.history_.append({**row, "epoch": len(self.history_.rows) + 1})
        self.n_iter_ = len(self.history_.rows)
        self.loss_curve_ = self.history_["train_loss"]
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else None
        has_validation = "validation_loss" in [*self.history_]
        self.validation_curve_ = self.history_["validation_loss"] if has_validation else None
        self.engine_ = trainer.engine.name
        self.ending_ = trainer.ending

    # Predictions

    def _checked(self, x: Any) -> Array:
        """Inputs of predictions as the network takes them.

        Raises:
            NotFittedError: there was no fit.
            ValueError: they are not as in training.
        """
        check_is_fitted(self, "network_")
        x = dense(x)
        try:
            x = validate_data(self, x, reset=False, **self._checks())
        except ValueError as error:
            raise with_columns(error, x) from None
        return self._inputs(x)

    def _evaluated(self, x: Any) -> tuple[Array, Array]:
        """z, before the last function, and the outputs, (cases, outputs) each."""
        found = [self.network_.evaluate(part) for part in self._in_parts(x)]
        z, y = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return z, y

    def _in_parts(self, x: Any) -> Iterator[Array]:
        """Prepared inputs, a few cases at a time."""
        inputs = self._checked(x)
        for first in range(0, len(inputs), CASES_AT_A_TIME):
            yield self.network_.prepare_inputs(inputs[first : first + CASES_AT_A_TIME])

    def activations(self, X: Any) -> dict[str, Array]:
        """The output of every layer, by the layer's name, in the order of the forward pass.

        Args:
            X: inputs as `predict` takes them.

        Returns:
            Arrays (cases, ...), each of the shape of the layer's output.

        Raises:
            NotFittedError: there was no fit.
            ValueError: X does not fit.
        """
        parts: dict[str, list[Array]] = {}
        shapes = {}
        for part in self._in_parts(X):
            for layer, _, _, y in self.network_.walk(part, self.network_.theta):
                parts.setdefault(layer.name, []).append(y)
                shapes[layer.name] = layer.output_shape
        return {
            name: np.concatenate(found).reshape(-1, *shapes[name]) for name, found in parts.items()
        }

    def explain(
        self, X: Any, y: Any, weight: str | None = None, *, case: int = 0, digits: int = 9
    ) -> Any:
        """The forward pass, the backward pass and a first step worked out for one of some cases.

        The weights are those after the training, the inputs are scaled as they were in it. The
        case stands alone, unless the network's layers make cases depend on each other, as batch
        normalisation does: then all of ``X`` is the minibatch.

        Args:
            X: inputs as `predict` takes them, such as ``frame.iloc[[3]]``.
            y: their labels or values, as in `fit`.
            weight: the weight to look at, such as ``dense_1.W[0,2]``, counted from 0.
            case: which row of ``X`` is worked out, counted from 0.
            digits: how many significant digits are shown, where not more are needed.

        Returns:
            A `chainrule.explain.explanation.Explanation`: ``print`` shows it, as does a notebook.

        Raises:
            ValueError: X, y, the weight or the case do not fit, or there was no fit.
        """
        x, t = self._fitted_arrays(X, y)
        if case in range(len(x)) and max(layer.least_cases for layer in self.network_.layers) == 1:
            x, t, case = x[case : case + 1], t[case : case + 1], 0
        return self.network_.explain(
            x,
            t,
            weight,
            case=case,
            digits=digits,
            about="The weights are those after the training.",
            **self._told(),
        )

    def inspect(self, X: Any, y: Any, *, case: int = 0, save: Any = None) -> Any:
        """A page that steps through the forward and the backward pass of some cases.

        The weights are those after the training, the inputs are scaled as they were in it. All
        cases together are one minibatch.

        Args:
            X: inputs as `predict` takes them, of a few cases, such as ``frame[:32]``.
            y: their labels or values, as in `fit`.
            case: which row of ``X`` is looked at first, counted from 0.
            save: the file to write the page to.

        Returns:
            A `chainrule.inspector.inspection.Inspection`: a notebook shows the page, ``open``
            serves it, and ``save("page.html")`` writes it.

        Raises:
            ValueError: X, y or the case do not fit, or there was no fit.
        """
        x, t = self._fitted_arrays(X, y)
        classes = self.__dict__.get("classes_") if np.ndim(y) == 1 else None
        return self.network_.inspect(
            x,
            t,
            case=case,
            labels=None if classes is None else [str(label) for label in y],
            classes=None if classes is None else [str(name) for name in classes],
            scaling=self.scaling_,
            target_scaling=self.__dict__.get("target_scaling_"),
            title=type(self).__name__,
            save=save,
            **self._told(),
        )

    def _fitted_arrays(self, X: Any, y: Any) -> tuple[Array, Array]:
        """Inputs and targets as the trained network takes them.

        Raises:
            ValueError: they do not fit, or there was no fit.
        """
        check_is_fitted(self, "network_")
        _, checked = self._arrays(X, y, reset=False)
        targets = self._prepared_targets(self._targets(checked, None, known=True), known=True)
        return self._checked(X), targets.t

    def _told(self) -> dict[str, Any]:
        """What is told of a pass of the network beside its numbers."""
        has_names = self.form_.sort == "rows"
        return {
            "names": self.__dict__.get("feature_names_in_") if has_names else None,
            "outputs": self._output_names(),
            "notes": [SCALED] if self.scaling_ is not None else (),
            "optimizer": self.optimizer,
            "clip_gradient_norm": self.clip_gradient_norm,
        }

    def _output_names(self) -> list[str] | None:
        """What each output stands for; None if the outputs have no names."""
        classes = self.__dict__.get("classes_")
        found = None if classes is None else [str(name) for name in classes]
        return found if found and len(found) == self.network_.outputs else None

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks of an estimator."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        return tags


def _taken(targets: Targets, cases: Array) -> Targets:
    """The targets of some of the cases."""
    classes = None if targets.classes is None else targets.classes[cases]
    weights = None if targets.weights is None else targets.weights[cases]
    return replace(targets, t=targets.t[cases], classes=classes, weights=weights)


def _state(optimizer: Optimizer) -> OptimizerState:
    """A copy of what the optimiser remembers."""
    vectors = {name: vector.copy() for name, vector in optimizer.state.items()}
    return OptimizerState(type(optimizer), optimizer.steps, vectors)


def _restore(optimizer: Optimizer, state: OptimizerState) -> None:
    """Give the optimiser the state in which an earlier training left it."""
    optimizer.steps = state.steps
    for name, vector in state.vectors.items():
        optimizer.state[name][...] = vector
