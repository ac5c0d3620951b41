"""Weights of classes: how much the cases of each class count in training.

They multiply the weights of the cases while the network is trained, and nothing else: every
evaluation, and the accuracy of an epoch, weighs the cases by their own weights alone, so that the
figures of trainings with and without class weights can be compared. The running training loss is
the one exception. It is the mean of what training minimised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, Problem, unknown
from chainrule.core.schema import Metadata, Word, expected
from chainrule.core.sequences import are_sequences
from chainrule.nn.network import Network
from chainrule.training.metrics import true_classes
from chainrule.training.scores import TargetKind

BALANCED = "balanced"


@dataclass(frozen=True)
class ClassWeights(Metadata):
    """``balanced``, a weight for each class by name, or all weights in the classes' order."""

    def check(self, value: Any) -> str | dict[str, float] | list[float]:
        """See `Metadata.check`."""
        if isinstance(value, str):
            return Word("way to weigh classes", (BALANCED,)).check(value)
        if isinstance(value, list) and value:
            return [_weight(weight, at) for at, weight in enumerate(value)]
        if isinstance(value, dict) and value:
            return {str(name): _weight(weight, name) for name, weight in value.items()}
        raise expected(f"{BALANCED}, a mapping of classes to weights, or a list of weights")

    def json_schema(self) -> dict[str, Any]:
        """A word, a mapping of numbers, or a list of them."""
        weight = {"type": "number", "exclusiveMinimum": 0}
        by_name = {"type": "object", "additionalProperties": weight, "minProperties": 1}
        in_order = {"type": "array", "items": weight, "minItems": 1}
        return {"anyOf": [{"type": "string", "enum": [BALANCED]}, by_name, in_order]}


def _weight(value: Any, at: str | int) -> float:
    if not is_finite(value) or not value > 0:
        raise expected("a finite number above 0", at)
    return float(value)


def class_weights(
    given: str | Mapping[str, float] | Sequence[float],
    classes: Sequence[str],
    numbers: Array,
    weights: Array | None = None,
) -> Array:
    """The weight of each class, (classes,).

    ``balanced`` gives every class that occurs the same total weight, n / (k nⱼ) for n cases of k
    classes of which nⱼ are of class j; where cases have weights, nⱼ and n are sums of weights. It
    is the formula of scikit-learn's ``compute_class_weight``, after King and Zeng, *Logistic
    regression in rare events data* (2001).

    Args:
        given: ``balanced``, weights by the names of classes, of which those left out have 1, or
            a weight for each class in order.
        classes: the names of the classes.
        numbers: the class number of each training case, (cases,).
        weights: those of the cases, or None.

    Raises:
        ConfigError: a class is unknown, or there is another number of weights than classes.

    Example:
        >>> class_weights("balanced", ["no", "yes"], np.array([0, 0, 0, 1]))
        array([0.66666667, 2.        ])
        >>> class_weights({"yes": 5}, ["no", "yes"], np.array([0, 1]))
        array([1., 5.])
    """
    if isinstance(given, str):
        totals = np.bincount(numbers, weights, len(classes)).astype(np.float64)
        there = totals > 0
        # Of a class that does not occur the weight has no effect.
        balanced: Array = totals.sum() / np.count_nonzero(there) / np.where(there, totals, 1.0)
        return balanced
    if isinstance(given, Mapping):
        places = {name: number for number, name in enumerate(classes)}
        problems = [
            Problem(unknown("class", name, classes), key=f"class_weights.{name}")
            for name in given
            if name not in places
        ]
        if problems:
            raise ConfigError(problems)
        return np.array([given.get(name, 1.0) for name in classes], np.float64)
    if len(given) != len(classes):
        named = f"{len(classes)} classes ({', '.join(classes[:10])})"
        message = f"class_weights has one weight for each of the {named}, found {len(given)}"
        raise ConfigError(Problem(message, key="class_weights"))
    return np.array(given, np.float64)


def weights_by_class(
    given: str | Mapping[str, float] | Sequence[float] | None,
    kind: TargetKind,
    network: Network,
    t: Array,
    weights: Array | None,
) -> Array | None:
    """The weights of training cases, each times the weight of its class, (cases,).

    Args:
        given: as in `class_weights`; None for weights that stay as they are.
        kind: what the targets are.
        network: whose outputs stand for the classes.
        t: prepared targets.
        weights: those of the cases, or None.

    Raises:
        ConfigError: the targets are no classes, or several a case; or as `class_weights`.
    """
    if given is None:
        return weights
    if not kind.classes or are_sequences(t):
        message = f"class_weights is for targets that are one class a case; {_instead(kind)}"
        raise ConfigError(Problem(message, key="class_weights"))
    names = kind.names or [str(number) for number in range(max(2, network.outputs))]
    numbers = true_classes(t)
    factors = class_weights(given, names, numbers, weights)[numbers]
    if weights is None:
        return factors
    # Neither overflow nor underflow may take the weight from a case that has one.
    product = (weights / weights.max()) * (factors / factors.max())
    return np.where(weights > 0, np.maximum(product, np.finfo(product.dtype).tiny), 0.0)


def _instead(kind: TargetKind) -> str:
    if kind.classes:
        return "these are sequences with a class at every step"
    if kind.multi_label:
        return "these are labels of which a case may have several"
    return "these are values; data: weight: names a column of weights of cases"
