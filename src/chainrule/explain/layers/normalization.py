"""Batch and layer normalisation on the board, with the three ways through which an input moves L.

An input x of a group of n numbers, which share the mean m and the variance v, moves L in three
ways: directly through its own x̂, through m, and through v, which move every x̂ of the group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.explain.activations import activation_word
from chainrule.explain.blocks import Block, Sentence, Step
from chainrule.explain.expressions import (
    Expression,
    Fraction,
    Name,
    Number,
    Variable,
    by,
    function,
    shortened,
)
from chainrule.explain.layers.common import added, flat, gradient_step, renamed, unflat
from chainrule.explain.layers.dense import ActivatedExplainer, activated
from chainrule.nn.layers.normalization import BatchNorm

if TYPE_CHECKING:
    from chainrule.explain.lesson import Place

Number_ = tuple[int, int]
"""A number of the minibatch: the case, and its flat index."""


@dataclass(frozen=True)
class Group:
    """The numbers that share a mean and a variance, and what is computed from them.

    Attributes:
        at: the layer.
        members: the numbers.
        tag: the index in the names of mean and variance, counted from 1; empty for a single group.
    """

    at: Place
    members: tuple[Number_, ...]
    tag: tuple[int, ...]

    def _variable(self, letter: str, value: float) -> Variable:
        return Variable(value, Name(letter, self.at.number, self.tag))

    def _rows(self, arrays: Any) -> np.ndarray:
        return np.array([arrays[case, j] for case, j in self.members], float)

    @cached_property
    def x(self) -> np.ndarray:
        """The numbers."""
        return self._rows(self.at.lesson.fed[self.at.k])

    @cached_property
    def mean(self) -> Variable:
        """m, their mean."""
        x = self.x
        first = x.mean()
        return self._variable("m", float(first + (x - first).mean()))

    @cached_property
    def variance(self) -> Variable:
        """v, the mean squared distance from it."""
        return self._variable("v", float(((self.x - self.mean.value) ** 2).mean()))

    @cached_property
    def root(self) -> Variable:
        """s = √(v + ε)."""
        value = float(np.sqrt(self.variance.value + self.at.layer.epsilon))
        return self._variable("s", value)

    @cached_property
    def slopes(self) -> np.ndarray:
        """∂L/∂x̂ = δ γ of each number."""
        gamma = [self.at.parameter("gamma", *gain(self.at, j)).value for _, j in self.members]
        return self._rows(np.asarray(self.at.layer.delta)) * np.array(gamma)

    @cached_property
    def standard(self) -> np.ndarray:
        """x̂ of each number."""
        return (self.x - self.mean.value) / self.root.value

    @cached_property
    def by_mean(self) -> Variable:
        """∂L/∂m with v held fixed."""
        value = -float(self.slopes.sum()) / self.root.value
        return Variable(value, _by(self.mean))

    @cached_property
    def by_variance(self) -> Variable:
        """∂L/∂v."""
        value = -float((self.slopes * self.standard).sum()) / (2 * self.root.value**2)
        return Variable(value, _by(self.variance))

    def input(self, member: Number_) -> Variable:
        """x of a number, which belongs to another case perhaps."""
        case, j = member
        own = self.at.input(j)
        value = float(self.at.lesson.fed[self.at.k][case, j])
        return self._of(Variable(value, own.name), case)

    def x_hat(self, k: int) -> Variable:
        """x̂ of member k."""
        case, j = self.members[k]
        own = Variable(float(self.standard[k]), Name("x̂", self.at.number, at_of(self.at, j)))
        return self._of(own, case)

    def by_x_hat(self, k: int) -> Variable:
        """∂L/∂x̂ of member k."""
        name = self.x_hat(k).name
        assert isinstance(name, Name), "x̂ has a simple name"
        return Variable(float(self.slopes[k]), by(name))

    def delta(self, k: int) -> Variable:
        """δ of member k."""
        case, j = self.members[k]
        own = self.at.delta(j)
        return self._of(Variable(float(self.at.layer.delta[case, j]), own.name), case)

    def _of(self, one: Variable, case: int) -> Variable:
        """The variable, with the case behind its name if it is another one."""
        return one if case == self.at.lesson.case else renamed(one, f"case {case + 1}")

    def place_of(self, j: int) -> int:
        """Where number j of the case that is worked out stands among the members."""
        return self.order[self.at.lesson.case, j]

    @cached_property
    def order(self) -> dict[Number_, int]:
        """Where each number stands among the members."""
        return {member: k for k, member in enumerate(self.members)}


def _by(one: Variable) -> Any:
    assert isinstance(one.name, Name), "mean and variance have simple names"
    return by(one.name)


def at_of(at: Place, j: int) -> tuple[int, ...]:
    """The place of number j in the shape of a case, counted from 1."""
    return tuple(k + 1 for k in unflat(j, at.layer.output_shape))


def gain(at: Place, j: int) -> tuple[int, ...]:
    """The index in γ and β of those that number j is multiplied by and moved by."""
    place, layer = unflat(j, at.layer.output_shape), at.layer
    if isinstance(layer, BatchNorm):
        return (place[0] if len(place) == 3 else place[-1],)
    return place[1:] if layer.at_each_step else place


def with_gain(at: Place, index: tuple[int, ...]) -> range:
    """The numbers of a case that the γ and the β of an index belong to."""
    width, shape = len(at.outputs), at.layer.output_shape
    if isinstance(at.layer, BatchNorm) and len(shape) == 3:
        places = width // shape[0]
        return range(index[0] * places, (index[0] + 1) * places)
    if isinstance(at.layer, BatchNorm) or at.layer.at_each_step:
        return range(index[0], width, shape[-1])
    first = flat(index, shape)
    return range(first, first + 1)


def group_of(at: Place, j: int) -> Group:
    """The numbers that share mean and variance with number j; padding is left out."""
    layer, lesson = at.layer, at.lesson
    x, shape = lesson.fed[at.k], layer.output_shape
    place = unflat(j, shape)
    if isinstance(layer, BatchNorm):
        own = gain(at, j)
        same = with_gain(at, own)
        members = [(c, i) for c in range(lesson.cases) for i in same if not np.isnan(x[c, i])]
        return Group(at, tuple(members), (own[0] + 1,))
    if layer.at_each_step:
        first = place[0] * shape[1]
        step = range(first, first + shape[1])
        return Group(at, tuple((lesson.case, i) for i in step), (place[0] + 1,))
    return Group(at, tuple((lesson.case, i) for i in range(x.shape[1])), ())


class NormalizedExplainer(ActivatedExplainer):
    """Mean and variance, x̂ = (x − m)/s, z = γ x̂ + β; and the three ways back."""

    def what(self, layer: Any) -> str:
        """Such as ``3 features, tanh``."""
        size = super().what(layer)
        if len(layer.output_shape) == 1:
            size += " feature" + "s" * (layer.output_shape[0] > 1)
        return f"{size}, {activation_word(layer.activation)}"

    # The forward pass

    def forward(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.forward`."""
        if at.lesson.first_time("normalisation"):
            yield Sentence(self._about(at))
        for group, chosen in _groups(at, at.chosen):
            yield from self._mean_and_variance(at, group)
            for j in chosen:
                yield from self._standardised(at, group, j)
                yield from activated(at, j)

    def _about(self, at: Place) -> str:
        is_batch = isinstance(at.layer, BatchNorm)
        numbers = (
            "each feature (of images: each channel) over all cases of the minibatch"
            if is_batch
            else "the numbers of one case"
        )
        more = " So the cases of a minibatch move each other." if is_batch else ""
        return (
            f"Normalisation gives {numbers} the mean 0 and the variance 1: the mean m is "
            "subtracted, and the difference divided by s, the root of the variance v. ε is a "
            f"tiny number that keeps s above 0.{more} Then the layer's own weights γ and β scale "
            "and shift the result."
        )

    def _mean_and_variance(self, at: Place, group: Group) -> Iterator[Block]:
        n, x = Number(float(len(group.members))), [group.input(one) for one in group.members]
        mean, variance, root = group.mean, group.variance, group.root
        yield Step(mean, (shortened(x, what="numbers") / n,), why=self._about_group(at, group))
        squares: list[Expression] = [(one - mean) ** 2 for one in x]
        yield Step(variance, (shortened(squares, what="squares") / n,))
        yield Step(root, (function("sqrt", variance + Number(at.layer.epsilon)),))

    def _about_group(self, at: Place, group: Group) -> str:
        if not at.lesson.first_time("mean of a group"):
            return ""
        return (
            f"The mean m is that of {len(group.members)} numbers, and the variance v is the mean "
            "of their squared distances from m."
        )

    def _standardised(self, at: Place, group: Group, j: int) -> Iterator[Block]:
        k = group.place_of(j)
        x_hat = group.x_hat(k)
        yield Step(x_hat, ((group.input(group.members[k]) - group.mean) / group.root,))
        index = gain(at, j)
        gamma, beta = at.parameter("gamma", *index), at.parameter("beta", *index)
        yield Step(at.z(j), (gamma * x_hat + beta,))

    # The backward pass

    def to_input(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.to_input`."""
        wanted = [i for i in at.chosen_inputs if not np.isnan(at.input(i).value)]
        if wanted and at.lesson.first_time("normalisation backward"):
            yield Sentence(
                "An input x of the layer moves L in three ways, which add up. Directly: x moves "
                "its own x̂ by 1/s. Through the mean: x moves m by 1/n, where n numbers share the "
                "mean, and m moves every x̂ of theirs by −1/s. Through the variance: x moves v by "
                "2 (x − m)/n; v moves its root s by 1/(2 s), and s moves every x̂ by −x̂/s. (v "
                "depends on m as well, but its slope along m is 0 at the mean.)"
            )
        for group, inputs in _groups(at, wanted):
            yield from self._shared_slopes(at, group, inputs)
            for i in inputs:
                yield from self._three_ways(at, group, i)

    def _shared_slopes(self, at: Place, group: Group, inputs: Sequence[int]) -> Iterator[Block]:
        """∂L/∂x̂ of the numbers shown, ∂L/∂m and ∂L/∂v."""
        n = len(group.members)
        shown = range(n) if n <= 6 else [group.place_of(i) for i in inputs]
        why = "z = γ x̂ + β, so that ∂L/∂x̂ = δ γ."
        for k in shown:
            gamma = at.parameter("gamma", *gain(at, group.members[k][1]))
            yield Step(group.by_x_hat(k), (group.delta(k) * gamma,), why=at.once(why, "x̂"))
        root, two = group.root, Number(2.0)
        slopes = [group.by_x_hat(k) for k in range(n)]
        why = "The mean moves every x̂ of the group by −1/s."
        mean = -(shortened(slopes, what="numbers") / root)
        yield Step(group.by_mean, (mean,), why=at.once(why, "∂L/∂m"))
        products: list[Expression] = [slope * group.x_hat(k) for k, slope in enumerate(slopes)]
        why = "The variance moves every x̂ by −x̂/(2 s²)."
        variance = -(shortened(products, what="numbers") / (two * root**2))
        yield Step(group.by_variance, (variance,), why=at.once(why, "∂L/∂v"))

    def _three_ways(self, at: Place, group: Group, i: int) -> Iterator[Block]:
        k, n = group.place_of(i), Number(float(len(group.members)))
        x = group.input(group.members[k])
        ways = (
            ("directly", group.by_x_hat(k) / group.root),
            ("through m", group.by_mean / n),
            ("through v", group.by_variance * Fraction(2 * (x - group.mean), n)),
        )
        name, parts = x.name, []
        assert isinstance(name, Name), "an input has a simple name"
        for where, rule in ways:
            part = Variable(rule.evaluate(), by(Name(name.letter, name.layer, name.at, where)))
            parts.append(part)
            yield Step(part, (rule,))
        why = "The three ways added up."
        yield Step(at.sent(i), (added(parts),), why=at.once(why, "three ways"))

    def gradients(self, at: Place) -> Iterator[Block]:
        """See `LayerExplainer.gradients`."""
        for name in ("gamma", "beta"):
            for index in at.cells(name):
                yield self._gradient(at, name, index)

    def _gradient(self, at: Place, name: str, index: tuple[int, ...]) -> Step:
        x = at.lesson.fed[at.k][at.lesson.case]
        is_batch = isinstance(at.layer, BatchNorm)  # the cases of the minibatch are all here
        terms: list[Expression] = []
        for group, numbers in _groups(at, (j for j in with_gain(at, index) if not np.isnan(x[j]))):
            for k in range(len(group.members)) if is_batch else map(group.place_of, numbers):
                delta = group.delta(k)
                terms.append(delta * group.x_hat(k) if name == "gamma" else delta)
        why = {
            "gamma": "γ is multiplied by x̂, so that it moves z by x̂: its gradient is Σ δ x̂.",
            "beta": "β is added: its gradient is Σ δ.",
        }[name]
        said = at.once(why, f"∂L/∂{name}")
        return gradient_step(at, name, index, terms, said, "numbers", all_cases=is_batch)

    def outputs_of(self, at: Place, name: str, index: tuple[int, ...]) -> Iterable[int]:
        """The outputs that γ or β belongs to, the first of them."""
        return with_gain(at, index)[:4]


def _groups(at: Place, chosen: Iterable[int]) -> list[tuple[Group, list[int]]]:
    """The numbers ``chosen``, those that share a mean together."""
    found: list[tuple[Group, list[int]]] = []
    for j in chosen:
        for group, members in found:
            if (at.lesson.case, j) in group.order:
                members.append(j)
                break
        else:
            found.append((group_of(at, j), [j]))
    return found
