"""`Classifier`: a network that predicts classes, by scikit-learn's conventions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, DataError, nearest, shown, unknown
from chainrule.estimators.arguments import check_for_one_epoch, documented, with_advice
from chainrule.estimators.base import Estimator, Targets
from chainrule.estimators.watching import with_callbacks
from chainrule.nn.activations import Activation, softplus
from chainrule.nn.losses import BinaryCrossEntropy, Hinge, Loss, loss_function
from chainrule.training.class_weights import BALANCED
from chainrule.training.metrics import predicted_classes, predicted_labels
from chainrule.training.scores import CLASSES, TargetKind


def _has_probabilities(classifier: Any) -> bool:
    """Whether the outputs are probabilities; with the hinge loss they are bare scores."""
    if isinstance(loss_function(classifier.loss or "cross_entropy"), Hinge):
        raise AttributeError(
            "the hinge loss gives scores, decision_function, of which "
            "sklearn.calibration.CalibratedClassifierCV makes probabilities"
        )
    return True


def _log_shares(logs: Array) -> Array:
    """ln(e^l_j / Σ_k e^l_k) of each row, (cases, classes)."""
    logs = logs - logs.max(axis=1, keepdims=True)
    found: Array = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
    return found


@documented
class Classifier(ClassifierMixin, Estimator):
    """A network that predicts classes, by scikit-learn's conventions.

    Args:
        layers: the hidden layers: a size, or a list of sizes, each perhaps followed by its
            activation (relu if not), as in ``[100, "relu", 50, "tanh"]``, and of layers in full:
            names such as ``"flatten"``, mappings as in a configuration, such as
            ``{"type": "dropout", "rate": 0.5}``, or layer objects. The output layer is added,
            unless the last one is a softmax; a dense layer in full of as many outputs as there
            are classes, without an activation, is taken for the layer before the softmax.
        loss: a name, ``type`` with options, or an object. None for ``cross_entropy``, and for
            ``binary_cross_entropy`` where a case may have several labels. With the latter each
            class has a sigmoid output, and two have one together; with ``hinge`` the outputs are
            linear, and there are no probabilities.
        class_weight: how much the cases of each class count in training: ``balanced``, or a
            weight above 0 by label, 1 for those left out; None for all the same. Accuracies and
            validation do not weigh classes.
        ARGUMENTS

    Attributes:
        classes_: the labels, sorted, in the type that they have in ``y``; of labels of which a
            case may have several their numbers.
        multi_label_: whether a case may have several labels.
        ATTRIBUTES

    Example:
        >>> from chainrule import Classifier
        >>> from sklearn.datasets import load_iris
        >>> x, y = load_iris(return_X_y=True)
        >>> model = Classifier(layers=[100, "relu", 50, "tanh"], random_state=0).fit(x, y)
        >>> bool(model.score(x, y) > 0.95), model.predict_proba(x).shape
        (True, (150, 3))
        >>> {name: found.shape for name, found in model.activations(x[:2]).items()}
        {'dense_1': (2, 100), 'dense_2': (2, 50), 'dense_3': (2, 3), 'softmax': (2, 3)}
    """

    classes_: Array
    multi_label_: bool
    _listed: Array | None
    _type: Any

    @with_advice
    def __init__(
        self,
        layers: Any = (100, "tanh"),
        *,
        loss: Any = None,
        class_weight: Any = None,
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
            y: a label for each case, (cases,), of any type; or 0 and 1 for each label that a
                case may have, (cases, labels).
            sample_weight: how much each case counts, (cases,).
            validation: (X, y) or (X, y, sample_weight) of cases to evaluate after each epoch.
        """
        self._listed = None
        return self._fit(X, y, sample_weight, validation)

    @with_callbacks
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Train for one epoch on these cases, going on from earlier calls.

        The first call makes the network, and finds the scaling of the inputs.

        Args:
            X: inputs as `fit` takes them.
            y: labels as `fit` takes them.
            classes: all labels that any call will hold; the first call needs them if its ``y``
                does not hold them all.
            sample_weight: how much each case counts, (cases,).
        """
        check_for_one_epoch(self)
        self._listed = None if classes is None else np.unique(classes)
        known: Any = self.__dict__.get("classes_", self._listed)
        if self._listed is not None and not np.array_equal(self._listed, known):
            raise DataError(
                f"classes={shown(self._listed)} is not the same as on the first call of "
                f"partial_fit, {shown(known)}"
            )
        return self._fit(X, y, sample_weight, epochs=1, goes_on=True)

    # Predictions

    def predict(self, X: Any) -> Array:
        """The label of each case, (cases,), in the type that ``y`` had; or (cases, labels).

        Args:
            X: inputs as `fit` takes them.
        """
        _, y = self._evaluated(X)
        if self.multi_label_:
            return predicted_labels(y).astype(self._type)
        return self.classes_[predicted_classes(y)]

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (cases, classes), or of each label, (cases, labels).

        Args:
            X: inputs as `fit` takes them.
        """
        z, y = self._evaluated(X)
        if self.multi_label_ or self._is_softmax:
            return y
        if y.shape[1] == 1:
            return np.concatenate([1 - y, y], axis=1)
        return np.exp(_log_shares(-softplus(-z)))

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> Array:
        """The logarithms of `predict_proba`, finite also where a probability rounds to 0.

        Args:
            X: inputs as `fit` takes them.
        """
        z, _ = self._evaluated(X)
        if self._is_softmax:
            return _log_shares(z)
        if z.shape[1] == 1 and not self.multi_label_:
            return -softplus(np.concatenate([z, -z], axis=1))
        logs = -softplus(-z)
        return logs if self.multi_label_ else _log_shares(logs)

    def decision_function(self, X: Any) -> Array:
        """The logits, (cases, classes); of two classes the second's minus the first's, (cases,).

        Args:
            X: inputs as `fit` takes them.
        """
        z, _ = self._evaluated(X)
        if self.multi_label_:
            return z
        if z.shape[1] == 1:
            return z[:, 0]
        return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z

    @property
    def _is_softmax(self) -> bool:
        return bool(self.network_.layers[-1].gives_distribution)

    # What the base asks for

    def _targets(self, y: Array, weights: Array | None, *, known: bool) -> Targets:
        sort = type_of_target(y)
        if sort == "unknown":
            kind = type(y.flat[0]).__name__
            raise DataError(
                f"Unknown label type: y is an array of Python's objects ({kind}); "
                "y.astype(int) or y.astype(str) makes labels of them"
            )
        check_classification_targets(y)
        if sort == "multiclass-multioutput":
            raise DataError(
                f"y has {y.shape[1]} columns of classes, but a Classifier predicts one class, or "
                "labels of 0 and 1; sklearn.multioutput.MultiOutputClassifier takes several"
            )
        if sort == "multilabel-indicator":
            return self._label_sets(y, weights, known=known)
        y = column_or_1d(y, warn=True)
        if not known:
            self.multi_label_ = False
            self.classes_ = np.unique(y) if self._listed is None else self._listed
            if len(self.classes_) < 2:
                raise DataError(
                    f"a classifier needs two classes, but y holds one class alone: "
                    f"{shown(self.classes_.tolist()[0])}"
                )
        numbers = self._numbers(y)
        binary = isinstance(self._loss(), BinaryCrossEntropy)
        t: Array = numbers
        if binary:
            t = numbers[:, None].astype(float)
            if len(self.classes_) > 2:
                t = (numbers[:, None] == np.arange(len(self.classes_))).astype(float)
        return Targets(t, CLASSES, numbers, weights)

    def _label_sets(self, y: Array, weights: Array | None, *, known: bool) -> Targets:
        y = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
        if not known:
            self.multi_label_ = True
            self.classes_, self._type = np.arange(y.shape[1]), y.dtype
        if self.class_weight is not None:
            raise ConfigError("class_weight is for classes that exclude each other")
        return Targets(y.astype(float), TargetKind(multi_label=True), None, weights)

    def _numbers(self, y: Array) -> Array:
        """The class number of each case."""
        known = {label: k for k, label in enumerate(self.classes_.tolist())}
        found, which = np.unique(y, return_inverse=True)
        self._require_known(found.tolist(), "y")
        return np.array([known[label] for label in found.tolist()])[which]

    def _require_known(self, labels: Iterable[Any], name: str) -> None:
        """Refuse labels that are none of the classes.

        Raises:
            DataError: one is not; with the most similar class.
        """
        known = self.classes_.tolist()
        for label in labels:
            if label not in known:
                words = list(map(str, known))
                guess = nearest(label, words)
                hint = f"; did you mean {known[words.index(guess)]!r}?" if guess else ""
                raise DataError(
                    f"{name} holds the label {shown(label)}, which is none of the classes "
                    f"({', '.join(words[:10])}){hint}"
                )

    def _class_weights(self) -> str | list[float] | None:
        given, labels = self.class_weight, self.classes_.tolist()
        if given is None or isinstance(given, str):
            if given not in (None, BALANCED):
                raise ConfigError(unknown("class_weight", given, [BALANCED]))
            return given
        if not isinstance(given, Mapping):
            example = dict.fromkeys(labels[:2], 1)
            raise ConfigError(
                f"class_weight is 'balanced', or a weight by label such as {example}; found "
                f"{shown(given)}"
            )
        self._require_known(given, "class_weight")
        for label, weight in given.items():
            if not (is_finite(weight) and weight > 0):
                raise ConfigError(
                    f"class_weight of {shown(label)} is a finite number above 0, found "
                    f"{shown(weight)}; leave the cases of a class out that is not to count"
                )
        return [float(given.get(label, 1)) for label in labels]

    def _loss(self) -> Loss:
        if self.loss is not None:
            return loss_function(self.loss)
        return loss_function("binary_cross_entropy" if self.multi_label_ else "cross_entropy")

    def _output(self, loss: Loss) -> tuple[int, str | Activation | None, bool]:
        outputs = len(self.classes_)
        if self.multi_label_:
            return outputs, "sigmoid", False
        if isinstance(loss, BinaryCrossEntropy):
            return 1 if outputs == 2 else outputs, "sigmoid", False
        if isinstance(loss, Hinge):
            return outputs, "linear", False
        return outputs, "linear", True

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks of an estimator."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
