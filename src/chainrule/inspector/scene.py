"""The scene: what a page is told of a network, its data and the arrays of a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from inspect import Parameter
from typing import Any

import numpy as np

from chainrule.core.registry import name_in
from chainrule.core.sequences import are_sequences, has_target, lengths_of
from chainrule.inspector.bugs import bugs_for
from chainrule.inspector.film import AnyFilm
from chainrule.inspector.record import Record
from chainrule.inspector.telling import Scaling, TableColumn
from chainrule.inspector.words import words
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.graph import INPUT_WORD
from chainrule.nn.layer_types import LAYERS, arguments_of
from chainrule.nn.losses import LOSSES
from chainrule.nn.sequences.losses import loss_of_a_step
from chainrule.training.optimizers import OPTIMIZERS

VERSION = 1


@dataclass(frozen=True)
class Told:
    """What the page says of a record beside its numbers.

    Attributes:
        title: the heading.
        inputs: what the inputs are called, one for each, or None.
        outputs: what the outputs stand for, or None.
        cases: for each case its number in the data and its label.
        notes: sentences on the data.
        case: which of the cases is looked at first, an index into them.
        scaling: that of the inputs, or None.
        target_scaling: that of the targets, or None.
        columns: those of the table that the inputs come from, or None.
        classes: the names of the classes, two of them where there is one output; or None.
        target: what the label is called, or None.
        image: the height and width of the images that rows of inputs are, or None.
        film: that of the training, or None.
        plane: what is told of the planes of two inputs, see `plane_told`; or None.
    """

    title: str
    inputs: Sequence[str] | None = None
    outputs: Sequence[str] | None = None
    cases: Sequence[tuple[int, str]] = ()
    notes: Sequence[str] = ()
    case: int = 0
    scaling: Scaling | None = None
    target_scaling: Scaling | None = None
    columns: Sequence[TableColumn] | None = None
    classes: Sequence[str] | None = None
    target: str | None = None
    image: Sequence[int] | None = None
    film: AnyFilm | None = None
    plane: Mapping[str, Any] | None = None


def scene(record: Record, told: Told) -> dict[str, Any]:
    """The description of a record as JSON; ``page/scene.js`` says what each entry means."""
    network = record.network
    return {
        "version": VERSION,
        "title": told.title,
        "notes": list(told.notes),
        "names": {
            "inputs": None if told.inputs is None else list(told.inputs),
            "outputs": None if told.outputs is None else list(told.outputs),
            "classes": None if told.classes is None else list(told.classes),
            "target": told.target,
        },
        "cases": [{"number": number, "label": label} for number, label in told.cases],
        "case": told.case,
        "scaling": {
            "inputs": None if told.scaling is None else asdict(told.scaling),
            "targets": None if told.target_scaling is None else asdict(told.target_scaling),
        },
        "columns": None if told.columns is None else [asdict(one) for one in told.columns],
        "input_shape": list(network.input_shape),
        "image": None if told.image is None else list(told.image),
        "lengths": _lengths(record),
        "targets": _steps_with_target(record),
        "loss": _named(loss_of_a_step(network.loss_function), LOSSES),
        "loss_from_logits": network.from_logits is not None,
        "loss_value": record.loss if np.isfinite(record.loss) else None,
        "optimizer": _named(record.step.rule, OPTIMIZERS),
        "clip_norm": record.step.most,
        "output": network.layers[network.graph.order[-1]].name,
        "layers": [_layer(record, n) for n in range(len(network.layers))],
        "arrays": [_array(record, key) for key in record.entries],
        "film": None if told.film is None else told.film.scene(network),
        "plane": told.plane,
        "words": words(),
        "bugs": [bug.told() for bug in bugs_for(record)],
    }


def _lengths(record: Record) -> list[int] | None:
    """How many steps of each case are not padding; None where no case is padded."""
    shape = record.network.input_shape
    found = lengths_of(record.x.reshape(len(record.x), *shape)) if len(shape) == 2 else None
    return None if found is None else [int(length) for length in found]


def _steps_with_target(record: Record) -> list[list[int]] | None:
    """For each case the steps that have a target; None where all have one."""
    t = record.t
    if not are_sequences(t) or has_target(t).all():
        return None
    return [[int(step) for step in np.flatnonzero(row)] for row in has_target(t)]


def _named(part: Any, table: Any) -> dict[str, Any]:
    """A part by its name in a table, with all its options."""
    options = {}
    if is_dataclass(part):
        options = {f.name: getattr(part, f.name) for f in fields(part) if f.init}
    return {"type": name_in(table, part), **options}


def _layer(record: Record, n: int) -> dict[str, Any]:
    """The n-th layer in the order of the forward pass."""
    network, step = record.network, record.step
    rates = network.rates(step.rule.default_rate)
    k = network.graph.order[n]
    layer: Any = record.layer(k)
    phi = getattr(layer, "activation", None)
    known = layer.__class__ in LAYERS.values()
    names = {-1: INPUT_WORD} | {j: one.name for j, one in enumerate(network.layers)}
    return {
        "name": layer.name,
        "type": layer.type if known else "",
        "number": n + 1,
        "sources": [names[source] for source in network.graph.sources[k]],
        "input_shape": list(layer.input_shape),
        "z_shape": list(layer.z_shape),
        "output_shape": list(layer.output_shape),
        "activation": None if phi is None else _named(phi, ACTIVATIONS),
        "options": _options(layer),
        "at_each_step": layer.at_each_step,
        "by_formula": known and (phi is None or type(phi) in ACTIVATIONS.values()),
        "parameters": [
            {
                "name": segment.name,
                "shape": list(segment.shape),
                "trained": segment.trained,
                "is_bias": segment.is_bias,
                "rate": rates[segment.full_name] * step.scale,
                "penalty": dict(network.penalty_rates(segment.full_name))
                if segment.trained
                else {},
            }
            for segment in network.parameters.layout.of_layer(layer.name)
        ],
    }


_ATTRIBUTES = {"size": ("filter_size", "window_size", "size"), "outputs": ("only_last",)}
"""The attributes that may hold an argument, where it is another than the argument's name."""


def _options(layer: Any) -> dict[str, Any]:
    """The arguments of a layer that change what it computes, by name; those that are plain."""
    found: dict[str, Any] = {}
    for key, argument in arguments_of(layer.__class__).items():
        if argument.kind is Parameter.VAR_KEYWORD:
            continue
        names = (name for name in _ATTRIBUTES.get(key, (key,)) if hasattr(layer, name))
        value = getattr(layer, next(names, ""), argument.default)
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if isinstance(value, tuple):
            value = list(value)
        if isinstance(value, bool | int | float | str | list):
            found[key] = value
    return found


def _array(record: Record, key: str) -> dict[str, Any]:
    """What the page is told of an array."""
    entry = record.entries[key]
    layer, _, name = key.rpartition(".")
    return {
        "key": key,
        "layer": layer,
        "name": name,
        "role": entry.role,
        "letter": entry.letter,
        "shape": list(entry.values.shape),
        "cases": entry.of_cases,
        "says": entry.says,
    }
