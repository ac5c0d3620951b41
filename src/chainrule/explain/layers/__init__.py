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
- A symbol is introduced by the sentence of the first step that has it: ask
  ``at.lesson.first_time(topic)``, so that a second layer of a kind does not repeat it.
- Indices are flat and counted from 0; names count from 1 on each axis of the array's own shape.
"""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.core.errors import ConfigError
from chainrule.explain.layers.base import LayerExplainer
from chainrule.explain.layers.dense import DenseExplainer
from chainrule.explain.layers.rows import FlattenExplainer, SoftmaxExplainer
from chainrule.nn.layer_types import Dense, Flatten, Layer, Softmax

EXPLAINERS: Mapping[type[Layer], LayerExplainer] = {
    Dense: DenseExplainer(),
    Softmax: SoftmaxExplainer(),
    Flatten: FlattenExplainer(),
}
"""The explainers by the class of the layer."""


def explainer_of(layer: Layer) -> LayerExplainer:
    """The explainer of the layer's class, or of the nearest class that it derives from.

    Raises:
        ConfigError: there is none.
    """
    for kind in type(layer).__mro__:
        if kind in EXPLAINERS:
            return EXPLAINERS[kind]
    raise ConfigError(f"{layer.name}: layers of type {layer.type} are not explained yet")
