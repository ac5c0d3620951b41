"""What a reader of the page changes, checked and applied to a copy of what there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError, unknown
from chainrule.explain.lesson import in_float64
from chainrule.inspector.bugs import BUGS
from chainrule.inspector.bugs.bug import Planted
from chainrule.inspector.inspected import Inspected, require_minibatch
from chainrule.inspector.passes import shown_targets
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.building import loss_problems, output_losses
from chainrule.nn.network import Network
from chainrule.nn.sequences.losses import loss_of_a_step

MOST_EDITS = 5_000
MOST_CASES = 2_000

Name = Annotated[str, Field(max_length=2_000)]
Index = Annotated[int, Field(ge=0)]
Place = Annotated[list[Index], Field(max_length=8)]
Row = list[FiniteFloat | None]
"""The numbers of a case; None is a missing one, NaN."""


class Checked(BaseModel):
    """What comes from a page: of exactly these fields and types."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ParameterEdit(Checked):
    """Another number in a parameter, such as ``dense_1.W``."""

    kind: Literal["parameter"]
    key: Name
    at: Place
    value: FiniteFloat


class InputEdit(Checked):
    """Another input; the place is one of ``input.out``."""

    kind: Literal["input"]
    at: Place
    value: FiniteFloat


class TargetEdit(Checked):
    """Another target; the place is one of ``loss.t``."""

    kind: Literal["target"]
    at: Place
    value: FiniteFloat


class ActivationEdit(Checked):
    """Another activation of a layer, with its default options."""

    kind: Literal["activation"]
    layer: Name
    value: Name


class CasesEdit(Checked):
    """Other cases in place of all; each row holds a case of ``input.out`` or ``loss.t``."""

    kind: Literal["cases"]
    x: Annotated[list[Row], Field(min_length=1, max_length=MOST_CASES)]
    t: Annotated[list[Row], Field(min_length=1, max_length=MOST_CASES)]
    labels: Annotated[list[Name], Field(max_length=MOST_CASES)]


Edit = Annotated[
    ParameterEdit | InputEdit | TargetEdit | ActivationEdit | CasesEdit,
    Field(discriminator="kind"),
]


class PassWanted(Checked):
    """Which pass; everything that its numbers depend on, see ``page/source.js``."""

    edits: Annotated[list[Edit], Field(max_length=MOST_EDITS)]
    bugs: Annotated[list[Name], Field(max_length=50)]
    frame: Index | None
    only: Index | None

    @property
    def keeps_scene(self) -> bool:
        """Whether the pass has the cases and the layers that the first one has."""
        others = (ActivationEdit, CasesEdit)
        return self.only is None and not any(isinstance(edit, others) for edit in self.edits)


def edited(base: Inspected, wanted: PassWanted) -> Inspected:
    """A copy of what there is, with the edits of a pass applied, the oldest first.

    Raises:
        ChainruleError: an edit does not fit; the message says what would.
    """
    made = replace(base, network=in_float64(base.network), x=base.x.copy())
    if wanted.frame is not None:
        if base.told.film is None:
            raise ShapeError("there is no film of the training here")
        made.network.theta = base.told.film.theta(wanted.frame)
    made = replace(made, bugs=tuple(_bug(name) for name in wanted.bugs))
    rows = shown_targets(made.network, made.t)
    has_other_targets = False
    for edit in wanted.edits:
        if isinstance(edit, ParameterEdit):
            _set_parameter(made.network, edit)
        elif isinstance(edit, ActivationEdit):
            _set_activation(made.network, edit)
        elif isinstance(edit, InputEdit):
            _set(made.x.reshape(-1, *made.network.input_shape), "input.out", edit.at, edit.value)
        elif isinstance(edit, TargetEdit):
            _set(rows, "loss.t", edit.at, edit.value)
            has_other_targets = True
        else:
            made, rows = _with_cases(made, edit, rows)
            has_other_targets = True
    if has_other_targets:
        made = replace(made, t=made.network.prepare_targets(rows.reshape(len(rows), -1)))
    x, t = made.network.prepare(made.x, made.t)
    made = replace(made, x=x, t=t)
    return made if wanted.only is None else made.of_case(wanted.only)


def _bug(name: str) -> Planted:
    """The bug of a name.

    Raises:
        ShapeError: there is none.
    """
    if name not in BUGS:
        raise ShapeError(unknown("bug", name, BUGS))
    return BUGS[name]


def _set(array: Array, key: str, at: Sequence[int], value: float) -> None:
    """Put a number into a place of an array.

    Raises:
        ShapeError: there is no such place.
    """
    if len(at) != array.ndim or any(k >= n for k, n in zip(at, array.shape, strict=True)):
        raise ShapeError(f"there is no place {[*at]} in {key}, which has the shape {array.shape}")
    array[tuple(at)] = value


def _set_parameter(network: Network, edit: ParameterEdit) -> None:
    _set(network.parameters[edit.key], edit.key, edit.at, edit.value)


def _set_activation(network: Network, edit: ActivationEdit) -> None:
    """Give a layer another activation, and the loss the form that goes with it.

    Raises:
        ChainruleError: there is no such layer or activation, or the network refuses it.
    """
    layers = {layer.name: layer for layer in network.layers}
    if edit.layer not in layers:
        raise ShapeError(unknown("layer", edit.layer, layers))
    if edit.value not in ACTIVATIONS:
        raise ShapeError(unknown("activation", edit.value, ACTIVATIONS))
    layer: Any = layers[edit.layer]
    if getattr(layer, "activation", None) is None:
        raise ShapeError(f"{edit.layer} has no activation")
    layer.activation = edit.value
    loss = loss_of_a_step(network.loss_function)
    for problem in loss_problems(network.layers[-1], loss):
        raise ShapeError(problem.message)
    network.loss_function, network.from_logits = output_losses(network.layers[-1], loss)


def _with_cases(made: Inspected, edit: CasesEdit, rows: Array) -> tuple[Inspected, Array]:
    """Other cases in place of all, and their targets as rows.

    Raises:
        ShapeError: they do not fit the network.
    """
    if not len(edit.x) == len(edit.t) == len(edit.labels):
        found = f"{len(edit.x)}, {len(edit.t)} and {len(edit.labels)}"
        raise ShapeError(f"there are as many inputs as targets and labels, found {found}")
    x = _as_rows(edit.x, made.network.input, "inputs")
    t = _as_rows(edit.t, rows[0].size, "targets")
    require_minibatch(made.network, len(x))
    told = replace(made.told, cases=[*enumerate(edit.labels)], case=0)
    new = replace(made, x=x, t=np.zeros(0), weights=None, told=told)
    return new, t.reshape(len(t), *rows.shape[1:])


def _as_rows(given: Sequence[Row], width: int, what: str) -> Array:
    for n, row in enumerate(given):
        if len(row) != width:
            raise ShapeError(f"case {n} has {width} {what}, found {len(row)}")
    return np.array([[np.nan if one is None else one for one in row] for row in given])
