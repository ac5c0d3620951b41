"""What a planted bug is: a wrong rule at some stages of the backward pass, with its story."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.explain.activations import is_linear
from chainrule.inspector.record import Record
from chainrule.nn.graph import INPUT, INPUT_WORD


def _without_nan(values: Array) -> Array:
    return np.where(np.isnan(values), 0.0, values)


@dataclass(frozen=True)
class At:
    """A stage of a backward pass, as a wrong rule sees it.

    Attributes:
        record: what has been computed so far.
        k: the index of the layer.
        stage: see `chainrule.inspector.record.Bug`.
        right: what the right rule computes.
    """

    record: Record
    k: int
    stage: str
    right: Array

    @cached_property
    def layer(self) -> Any:
        """The layer itself."""
        return self.record.layer(self.k)

    @property
    def type(self) -> str:
        """The type of the layer, such as ``dense``."""
        return str(self.layer.type)

    @property
    def cases(self) -> int:
        """The number of cases."""
        return len(self.record.x)

    @property
    def is_last(self) -> bool:
        """Whether the layer is the network's output."""
        return self.k == self.record.network.graph.order[-1]

    @property
    def is_given(self) -> bool:
        """Whether the loss gives δ of the layer from the logits, so that no slope is used."""
        return self.is_last and self.record.network.from_logits is not None

    @property
    def parameter(self) -> str:
        """The name of the parameter whose gradient or penalty is computed."""
        return self.stage.rpartition("_")[0]

    def array(self, name: str) -> Array:
        """An array of the layer; 0 at padding."""
        return _without_nan(self.record[f"{self.layer.name}.{name}"])

    @property
    def x(self) -> Array:
        """What feeds a layer of one source; 0 at padding."""
        (source,) = self.record.network.graph.sources[self.k]
        name = INPUT_WORD if source == INPUT else self.record.layer(source).name
        return _without_nan(self.record[f"{name}.out"])

    @property
    def delta(self) -> Array:
        """δ of the layer, whether right or wrong."""
        return self.array("delta" if self.has("delta") else "J")

    def has(self, name: str) -> bool:
        """Whether the layer has computed an array."""
        return f"{self.layer.name}.{name}" in self.record.entries

    @property
    def rate(self) -> float:
        """The learning rate of the layer's weights."""
        step = self.record.step
        rates = self.record.network.rates(step.rule.default_rate)
        return rates[f"{self.layer.name}.W"] * step.scale


Rule = Callable[[At], Array | None]
"""What a wrong rule computes at a stage; None where the layer is none of its kind."""


@dataclass(frozen=True)
class Planted:
    """A bug that can be planted into a backward pass.

    Attributes:
        name: a word.
        title: what is wrong, in a few words.
        sentence: what went wrong, in the words of someone who made it.
        rule: the rule that it violates.
        hint: where to look; it does not give the bug away.
        right: the right rule as a line of NumPy.
        line: the wrong rule as a line of NumPy.
        stages: those at which the wrong rule stands, such as ``delta``; ``grad`` and ``penalty``
            are those of every parameter.
        instead: the wrong rule.
        fits: whether it changes anything in a network.
    """

    name: str
    title: str
    sentence: str
    rule: str
    hint: str
    right: str
    line: str
    stages: tuple[str, ...]
    instead: Rule
    fits: Callable[[Record], bool]

    def wrong(self, stage: str, record: Record, k: int, right: Array) -> Array | None:
        """See `chainrule.inspector.record.Bug`."""
        if stage in self.stages or stage.rpartition("_")[2] in self.stages:
            return self.instead(At(record, k, stage, right))
        return None

    def told(self) -> dict[str, str]:
        """What a page is told of it."""
        return {
            "name": self.name,
            "title": self.title,
            "sentence": self.sentence,
            "rule": self.rule,
            "hint": self.hint,
            "right": self.right,
            "wrong": self.line,
        }


# Which networks a bug changes something in


def is_reached(record: Record, layer: Any, name: str = "delta") -> bool:
    """Whether a gradient reaches a layer: some number of its δ is not 0, or of ∂L/∂output."""
    key = f"{layer.name}.{name}"
    found = record[key if key in record.entries else f"{layer.name}.J"]
    return bool(np.any(np.nan_to_num(found)))


def layers_of(record: Record, *types: str) -> Iterator[Any]:
    """The layers of some types that a gradient reaches."""
    for layer in record.network.layers:
        if layer.type in types and is_reached(record, layer):
            yield layer


def bent_layers(record: Record) -> Iterator[Any]:
    """The layers whose δ is found by the slope of an activation that is not the identity."""
    for k in record.network.graph.order:
        layer: Any = record.layer(k)
        phi = getattr(layer, "activation", None)
        given = k == record.network.graph.order[-1] and record.network.from_logits is not None
        if phi is not None and not is_linear(phi) and not given and is_reached(record, layer, "J"):
            yield layer


def moved(record: Record, *names: str) -> Iterator[Any]:
    """The segments of trained parameters of some names whose gradient is not 0."""
    for segment in record.network.parameters.layout.trained:
        if segment.name in names and record[f"{segment.full_name}_grad"].any():
            yield segment
