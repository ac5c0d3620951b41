"""The explainers of layers: one file a family, in a table by the layer's class.

**What an explainer returns.** `LayerExplainer` has four methods that yield blocks for the board
(`Step`, `Sentence`, `Matrix`), asked in this order for every layer: ``forward`` in the order of
the forward pass; ``backward`` and then ``to_input`` from the last layer to the first;
``gradients`` for every layer with parameters. Each is given a `Place`, which knows all numbers of
the case that is worked out as variables, with a name and the value that the library computed:

==================  =========================================================================
forward             from ``at.input(i)`` and ``at.parameter(name, *index)`` to ``at.output(j)``
                    for each ``j in at.chosen``; numbers in between, such as ``at.z(j)``, are
                    steps of their own, or variables ``Variable(value, Name(...))``
backward            from ``at.received(j)``, ∂L/∂output, to ``at.delta(j)`` for each chosen j;
                    nothing if ``letter`` is ``z`` and the layer is not the last, since the two
                    are then one number
to_input            from δ to ``at.sent(i)`` for each ``i in at.chosen_inputs``
gradients           from δ to ``at.gradient(name, *index)`` for each ``index in at.cells(name)``,
                    summed over the cases: those that are not worked out are one number, and the
                    penalty is part of it (`penalty_terms`)
==================  =========================================================================

Rules that keep an explanation true:

- The result of a step is a variable of the place, so that its value is the library's. Its last
  rule is a formula whose variables are all printed: no number enters unseen. The digits follow by
  themselves (`Step.fit`); where a formula cancels, give an equal one in ``others``.
- A sum of many terms goes through `shortened`, with what its terms are called.
- A symbol is introduced by the sentence of the first step that has it: write it as
  ``at.once(sentence)``, so that a second layer of a kind does not repeat it.
- Indices are flat and counted from 0; names count from 1 on each axis of the array's own shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.explain.layers.base import LayerExplainer
from chainrule.explain.layers.by_jacobians import AnyExplainer
from chainrule.explain.layers.dense import DenseExplainer
from chainrule.explain.layers.each_step import DenseEachStepExplainer, EachStepExplainer
from chainrule.explain.layers.gates import GRUExplainer, LSTMExplainer
from chainrule.explain.layers.images import FilteredExplainer, LocalExplainer
from chainrule.explain.layers.normalization import NormalizedExplainer
from chainrule.explain.layers.pooling import (
    AveragePoolExplainer,
    GlobalAverageExplainer,
    MaxPoolExplainer,
)
from chainrule.explain.layers.rest import (
    AddExplainer,
    ConcatenateExplainer,
    DropoutExplainer,
    EmbeddingExplainer,
)
from chainrule.explain.layers.rows import FlattenExplainer, SoftmaxExplainer
from chainrule.explain.layers.unrolled import RecurrentExplainer
from chainrule.nn import layer_types as layers

EXPLAINERS: Mapping[Any, LayerExplainer] = {
    layers.Dense: DenseExplainer(),
    layers.Softmax: SoftmaxExplainer(),
    layers.Flatten: FlattenExplainer(),
    layers.Conv2D: FilteredExplainer(),
    layers.LocallyConnected2D: LocalExplainer(),
    layers.MaxPool2D: MaxPoolExplainer(),
    layers.AveragePool2D: AveragePoolExplainer(),
    layers.GlobalAveragePool2D: GlobalAverageExplainer(),
    layers.Recurrent: RecurrentExplainer(),
    layers.LSTM: LSTMExplainer(),
    layers.GRU: GRUExplainer(),
    layers.Embedding: EmbeddingExplainer(),
    layers.BatchNorm: NormalizedExplainer(),
    layers.LayerNorm: NormalizedExplainer(),
    layers.Dropout: DropoutExplainer(),
    layers.Add: AddExplainer(),
    layers.Concatenate: ConcatenateExplainer(),
    layers.Layer: AnyExplainer(),
}
"""The explainers by the class of the layer; the last one takes what is no other."""

COMPUTES = ("evaluate", "forward_pass", "jacobians", "backward_from_delta")
"""The methods that say what a layer computes."""

AT_EACH_STEP: Mapping[Any, LayerExplainer] = {
    layers.Dense: DenseEachStepExplainer(DenseExplainer()),
    layers.Softmax: EachStepExplainer(SoftmaxExplainer()),
}
"""The explainers of layers of rows that are applied to every step of a sequence."""


def explainer_of(layer: layers.Layer) -> LayerExplainer:
    """The explainer of the layer's class, or of the nearest class that it computes like.

    A class that derives from one of the table and computes something else has its formula no more.
    """
    own = layer.__class__  # of a layer at each step, the layer's own
    table = {**EXPLAINERS, **AT_EACH_STEP} if layer.at_each_step else EXPLAINERS
    kind = next(kind for kind in own.__mro__ if kind in table)
    is_same = all(getattr(own, name) is getattr(kind, name) for name in COMPUTES)
    return table[kind] if is_same else EXPLAINERS[layers.Layer]
