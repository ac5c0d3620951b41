"""What every format of an export gets: a network, and the meaning of its inputs and outputs."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, fields
from math import prod
from typing import Any

import numpy as np

from chainrule.config.load import Config
from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, Problem, shown
from chainrule.core.registry import name_in
from chainrule.data.readers.cases import LabelType
from chainrule.data.readers.encoding import has_type
from chainrule.data.standardization import Standardization
from chainrule.data.tables.encoding import TableEncoding
from chainrule.nn.activations import ACTIVATIONS, Activation
from chainrule.nn.layer_types import Layer
from chainrule.nn.network import Network
from chainrule.runs.export.architecture import architecture
from chainrule.runs.predictions import output_names
from chainrule.training.scores import outputs_of


@dataclass(eq=False)
class Model:
    """A trained network without its history and its data.

    Attributes:
        network: as trained; a format reads it and changes nothing.
        name: for titles and identifiers.
        config: whose ``network`` mapping describes the layers; None for one made of the layers.
        classes: the names of the classes in the order of their numbers, or None.
        scaling: the standardisation of the inputs, (inputs,) each, or None.
        encoding: how the columns of a table become inputs, or None.
        label_type: the type of the classes' labels.
        target_names: the names of labels or values, or None.
        target_scaling: by which outputs get back into their own units, or None.
        multi_label: whether a case may have several labels.
        feature_names: the names of the inputs, if they are known and there is no encoding.
    """

    network: Network
    name: str
    config: Config | None = None
    classes: tuple[str, ...] | None = None
    scaling: Standardization | None = None
    encoding: TableEncoding | None = None
    label_type: LabelType = "text"
    target_names: tuple[str, ...] | None = None
    target_scaling: Standardization | None = None
    multi_label: bool = False
    feature_names: tuple[str, ...] | None = None

    @classmethod
    def of(cls, source: Any) -> Model:
        """The model of a `chainrule.runs.run.Run`, of a fitted estimator, or of a network.

        Raises:
            ChainruleError: it is none of these.
        """
        if isinstance(source, Model):
            return source
        if isinstance(source, Network):
            return cls(source, "network")
        if isinstance(getattr(source, "network_", None), Network):
            return _of_estimator(source)
        if not isinstance(getattr(source, "network", None), Network):
            raise ChainruleError(_of_what(source))
        own = [field.name for field in fields(cls) if hasattr(source, field.name)]
        return cls(**{name: getattr(source, name) for name in own})

    @property
    def architecture(self) -> Mapping[str, Any]:
        """The layers and the loss as a configuration writes them."""
        return architecture(self.network) if self.config is None else self.config.network

    @property
    def channels(self) -> str | None:
        """The order of colour images in the inputs, ``first`` or ``last``; None for others."""
        return None if self.config is None else self.config.data.get("channels")

    @property
    def last(self) -> Any:
        """The layer whose output is the network's."""
        return self.network.layers[-1]

    @property
    def steps(self) -> int | None:
        """The number of steps that have outputs; None if a case has one output."""
        return self.last.output_shape[0] if self.last.gives_sequences else None

    @property
    def takes_padding(self) -> bool:
        """Whether cases are sequences that may be shorter: steps of NaN are padding at the end."""
        layers = [layer for layer in self.network.layers if layer.reads_sequences]
        return self.network.reads_sequences and all(layer.knows_padding for layer in layers)

    @property
    def of_probabilities(self) -> bool:
        """Whether the outputs are probabilities, by a softmax layer or the sigmoid function."""
        return outputs_of(self.network) != "any"

    @property
    def input_names(self) -> tuple[str, ...] | None:
        """The names of the network's inputs, such as ``city=Oslo``, where they come of a table."""
        return self.feature_names if self.encoding is None else self.encoding.feature_names

    @property
    def output_names(self) -> list[str]:
        """The names of the network's outputs, see `chainrule.runs.predictions.output_names`."""
        return output_names(self)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of the outputs of one case."""
        return tuple(self.last.output_shape)

    @property
    def inputs(self) -> int:
        """The number of inputs of one case."""
        return prod(self.network.input_shape)


def _of_what(source: Any) -> str:
    """What is said of a source that has no network."""
    message = f"an export is of a run, a fitted estimator or a network, found {shown(source)}"
    if hasattr(source, "steps"):
        return f"{message}; its last step, [-1], takes what the steps before it make of X"
    return f"{message}, which is not fitted yet" if hasattr(source, "fit") else message


def _of_estimator(source: Any) -> Model:
    """The model of a fitted `chainrule.Classifier` or `chainrule.Regressor`."""
    network, classes = source.network_, getattr(source, "classes_", None)
    several = bool(getattr(source, "multi_label_", False))
    names: tuple[str, ...] | None = None
    kind: LabelType = "text"
    if classes is not None and not several:
        names, kind = _labels(np.asarray(classes))
    features = getattr(source, "feature_names_in_", None)
    features = None if features is None or len(features) != network.input else features
    return Model(
        network,
        type(source).__name__,
        classes=names,
        label_type=kind,
        scaling=_of_each_input(getattr(source, "scaling_", None), network.input_shape),
        target_scaling=getattr(source, "target_scaling_", None),
        multi_label=several,
        feature_names=None if features is None else tuple(map(str, features)),
    )


def _labels(classes: Array) -> tuple[tuple[str, ...], LabelType]:
    """The names of the classes of an estimator, and the type of its labels.

    Whole numbers that no int64 holds are texts, since files and graphs have labels of that type.
    """
    types: dict[str, LabelType] = {"b": "bool", "i": "int", "u": "int", "f": "float"}
    kind = types.get(classes.dtype.kind, "text")
    values = classes.astype(int) if kind == "bool" else classes
    names = tuple(map(str, values.tolist()))
    return names, kind if has_type(names, kind) else "text"


def _of_each_input(
    scaling: Standardization | None, shape: tuple[int, ...]
) -> Standardization | None:
    """A scaling with a number for each input, of one that may be for each feature or channel."""
    if scaling is None or scaling.mean.size == prod(shape):
        return scaling
    aligned = (-1, 1, 1) if len(shape) == 3 else (-1,)
    mean, scale = (
        np.broadcast_to(each.reshape(aligned), shape).ravel()
        for each in (scaling.mean, scaling.scale)
    )
    return Standardization(mean, scale)


def without_form(
    model: Model, layers: Container[type[Layer]], activations: Container[type[Activation]]
) -> Iterator[str]:
    """The layers and activations of a model for which a format has no form, as reasons.

    Args:
        model: the model.
        layers: the types of layers that the format has a form for.
        activations: those of activations.
    """
    for layer in model.network.layers:
        phi = getattr(layer, "activation", None)
        if layer.__class__ not in layers:
            yield f"{layer.name} is a layer {layer.type}, which has no form there"
        elif phi is not None and type(phi) not in activations:
            name = name_in(ACTIVATIONS, phi)
            yield f"{layer.name} has the activation {name}, which has no form there"


def not_finite(arrays: Mapping[str, Array], dtype: np.dtype[Any]) -> Iterator[str]:
    """Why arrays, by name, cannot be written in a type of numbers.

    Example:
        >>> [*not_finite({"b": np.array([1e200])}, np.dtype("float32"))]
        ['b has numbers that are not finite in float32']
    """
    for name, values in arrays.items():
        with np.errstate(over="ignore"):
            if not np.isfinite(values.astype(dtype)).all():
                yield f"{name} has numbers that are not finite in {dtype}"


def refused(model: Model, what: str, reasons: list[str]) -> None:
    """Refuse a model that a format has no form for, with all reasons at once.

    Args:
        model: the model.
        what: the format, as the subject of a sentence.
        reasons: such as ``dense_1: the activation gelu has no form in float64``.

    Raises:
        ChainruleError: there are reasons.
    """
    if reasons:
        head = f"{what} cannot hold the network of {model.name}"
        raise ChainruleError([Problem(f"{head}: {reason}") for reason in reasons])
