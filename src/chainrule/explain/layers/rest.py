"""Joins, dropout and the embedding on the board."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from chainrule.core.sequences import NO_CLASS
from chainrule.explain.blocks import Block, Matrix, Sentence, Step
from chainrule.explain.expressions import Fraction, Name, Number, Variable
from chainrule.explain.layers.base import LayerExplainer, kept_of
from chainrule.explain.layers.common import added, gradient_step
from chainrule.explain.layers.pooling import Unslanted
from chainrule.explain.naming import name_text

if TYPE_CHECKING:
    from chainrule.explain.lesson import Place


class AddExplainer(Unslanted):
    """The sum of several layers' outputs."""

    def what(self, layer: Any) -> str:
        """Such as ``the sum of a and b``."""
        return f"the sum of {' and '.join(layer.sources)}"

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        width = len(at.outputs)
        for j in at.chosen:
            terms = [at.input(i) for i in range(j, len(at.inputs), width)]
            why = "The outputs of several layers are added, number by number."
            yield Step(at.output(j), (added(terms),), why=at.once(why, "add"))

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        why = (
            "A sum moves as much as each of its terms: every layer that was added gets the "
            "gradient of the sum as it is."
        )
        for i in at.chosen_inputs:
            rule = at.received(i % len(at.outputs))
            yield Step(at.sent(i), (rule,), why=at.once(why, "add backward"))


class ConcatenateExplainer(Unslanted):
    """Several layers' outputs side by side."""

    def what(self, layer: Any) -> str:
        """Such as ``a and b side by side``."""
        return f"{' and '.join(layer.sources)} side by side"

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        why = "The outputs of several layers are laid side by side; no number changes."
        for j in at.chosen:
            rule = at.input(int(at.layer.order[j]))
            yield Step(at.output(j), (rule,), why=at.once(why, "concatenate"))

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        why = "Each gradient goes back to where its number came from."
        order = at.layer.order.tolist()
        for i in at.chosen_inputs:
            rule = at.received(order.index(i))
            yield Step(at.sent(i), (rule,), why=at.once(why, "concatenate backward"))


class DropoutExplainer(Unslanted):
    """y = x · m: some numbers are left out, and the others are made larger."""

    def what(self, layer: Any) -> str:
        """Such as ``leaves out a number with probability 0.5``."""
        return f"leaves out a number with probability {layer.rate:g}"

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        if at.layer.mask is None:
            yield Sentence("In evaluation nothing is left out, and no number changes.")
        elif at.lesson.first_time("dropout"):
            yield Sentence(
                "In training each number is left out with the layer's probability: it is "
                "multiplied by a mask m that is 0 there. Where a number stays, m is 1 over the "
                "probability to stay, so that the mean stays what it was. The mask is drawn anew "
                "for every minibatch."
            )
        for j in at.chosen:
            if at.layer.mask is None:
                yield Step(at.output(j), (at.input(j),))
                continue
            m = self._mask(at, j)
            stays = Fraction(Number(1.0), 1 - Number(at.layer.rate))
            yield Step(m, (stays if m.value else Number(0.0),))
            yield Step(at.output(j), (at.input(j) * m,))

    def _mask(self, at: Place, j: int) -> Variable:
        name = at.output(j).name
        assert isinstance(name, Name), "an output has a simple name"
        return Variable(float(at.layer.mask[at.lesson.case, j]), Name("m", at.number, name.at))

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        why = (
            "The output moves m times as much as the input: a number that was left out gets no "
            "gradient."
        )
        for i in at.chosen_inputs:
            received = at.received(i)
            rule = received if at.layer.mask is None else received * self._mask(at, i)
            yield Step(at.sent(i), (rule,), why=at.once(why, "dropout backward"))


class EmbeddingExplainer(LayerExplainer):
    """A row of E for each class number."""

    def what(self, layer: Any) -> str:
        """Such as ``6 classes, vectors of 3``."""
        return f"{layer.classes} classes, vectors of {layer.size}"

    def _class_of(self, at: Place, place: int) -> int | None:
        """The class number at a place of the input; None for none, and for padding."""
        value = at.lesson.fed[at.k][at.lesson.case, place]
        return int(value) if value == value and int(value) != NO_CLASS else None

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        size = at.layer.size
        if at.lesson.first_time("embedding"):
            yield Sentence(
                "An input is the number of a class, such as a letter, and no quantity. It "
                "chooses a row of the matrix E, the class's vector: class 0 the first row, class "
                "1 the second, and so on. Nothing is multiplied."
            )
        yield from self._rows(at)
        for j in at.chosen:
            place, unit = divmod(j, size)
            found = self._class_of(at, place)
            rule = Number(0.0) if found is None else at.parameter("E", found, unit)
            yield Step(at.output(j), (rule,), why=self._about_class(at, place, found))

    def _rows(self, at: Place) -> Iterator[Block]:
        """The rows of E that the outputs worked out have chosen."""
        found = {self._class_of(at, j // at.layer.size) for j in at.chosen}
        rows = tuple(sorted(one for one in found if one is not None))
        values = at.lesson.network.parameters[f"{at.layer.name}.E"]
        columns = kept_of(values.shape[1], tuple(j % at.layer.size for j in at.chosen))
        if rows:
            yield Matrix(at.parameter_name("E"), values, rows, columns)

    def _about_class(self, at: Place, place: int, found: int | None) -> str:
        if not at.lesson.first_time(f"class at {place} of {at.layer.name}"):
            return ""
        x = name_text(at.input(place).name)
        if found is None:
            return f"{x} is −1, no class: its vector is 0."
        return f"{x} = {found} chooses row {found + 1} of E."

    def backward(self, at: Place) -> Iterator[Block]:
        """Nothing: its output has no activation."""
        yield from ()

    def to_input(self, at: Place) -> Iterator[Block]:
        """Nothing: class numbers are no quantities, so there is no slope along them."""
        yield from ()

    def gradients(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.gradients`."""
        size = at.layer.size
        places = range(len(at.inputs))
        chosen = {found for place in places if (found := self._class_of(at, place)) is not None}
        if at.lesson.first_time("∂L/∂E"):
            rows = ", ".join(str(one + 1) for one in sorted(chosen)[:12])
            more = ", …" if len(chosen) > 12 else ""
            yield Sentence(
                f"Only the rows of E that the case has chosen move L ({rows or 'none'}{more}); "
                "all others have the gradient 0. A row that was chosen several times gets the "
                "sum."
            )
        for row, unit in at.cells("E"):
            used = [place for place in places if self._class_of(at, place) == row]
            terms = [at.received(place * size + unit) for place in used]
            yield gradient_step(at, "E", (row, unit), terms, what="places")

    def outputs_of(self, at: Place, name: str, index: tuple[int, ...]) -> Iterable[int]:
        """The outputs at which the vector was chosen."""
        row, unit = index
        used = [place for place in at.inputs if self._class_of(at, place) == row]
        return [place * at.layer.size + unit for place in used]
