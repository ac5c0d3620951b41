"""What every format of an export gets: a network, and the meaning of its inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import prod
from typing import Any

from chainrule.config.load import Config
from chainrule.core.errors import ChainruleError, Problem
from chainrule.data.readers.cases import LabelType
from chainrule.data.standardization import Standardization
from chainrule.data.tables.encoding import TableEncoding
from chainrule.nn.activations import Sigmoid
from chainrule.nn.network import Network
from chainrule.runs.predictions import output_names


@dataclass(eq=False)
class Model:
    """A trained network without its history and its data.

    Attributes:
        network: as trained; a format reads it and changes nothing.
        config: whose ``network`` mapping describes the layers.
        name: for titles and identifiers.
        classes: the names of the classes in the order of their numbers, or None.
        scaling: the standardisation of the inputs, (inputs,) each, or None.
        encoding: how the columns of a table become inputs, or None.
        label_type: the type of the classes' labels.
        target_names: the names of labels or values, or None.
        target_scaling: by which outputs get back into their own units, or None.
        multi_label: whether a case may have several labels.
    """

    network: Network
    config: Config
    name: str
    classes: tuple[str, ...] | None = None
    scaling: Standardization | None = None
    encoding: TableEncoding | None = None
    label_type: LabelType = "text"
    target_names: tuple[str, ...] | None = None
    target_scaling: Standardization | None = None
    multi_label: bool = False

    @classmethod
    def of(cls, run: Any) -> Model:
        """The model of a `chainrule.runs.run.Run`, or of what has the same attributes."""
        return cls(**{field.name: getattr(run, field.name) for field in fields(cls)})

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
        by_sigmoid = isinstance(getattr(self.last, "activation", None), Sigmoid)
        return self.last.gives_distribution or by_sigmoid

    @property
    def input_names(self) -> tuple[str, ...] | None:
        """The names of the network's inputs, such as ``city=Oslo``, where they come of a table."""
        return None if self.encoding is None else self.encoding.feature_names

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
