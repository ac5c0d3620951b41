"""The update on the board: how the first step of each optimiser changes a weight."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.core.arguments import require_above_0, require_at_least_0
from chainrule.core.arrays import Array
from chainrule.core.registry import name_in
from chainrule.explain.blocks import Block, Sentence, Step
from chainrule.explain.expressions import (
    Expression,
    Name,
    Number,
    Variable,
    function,
)
from chainrule.explain.layers.base import matrix
from chainrule.explain.lesson import MOST_CELLS, Lesson, Place, largest
from chainrule.explain.naming import number_text, upper
from chainrule.explain.numbers import DIGITS
from chainrule.nn.parameters import Parameters
from chainrule.training.optimizers import (
    LBFGS,
    OPTIMIZERS,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nadam,
    Optimizer,
    RMSProp,
    norm,
)


@dataclass(frozen=True)
class Update:
    """The update that follows the backward pass of a lesson.

    Attributes:
        lesson: after its passes.
        optimizer: bound, after its first step.
        after: θ after the step.
        clip: the factor by which the whole gradient was multiplied; None if it was not.
        most: the largest norm that the gradient may have; None for any.
        loss: the loss of the same cases after the step.
    """

    lesson: Lesson
    optimizer: Optimizer
    after: Parameters
    clip: float | None
    most: float | None
    loss: float

    @cached_property
    def rates(self) -> dict[str, float]:
        """The learning rate of each array by its full name, times the schedule's factor."""
        rates = self.lesson.network.rates(self.optimizer.default_rate)
        return {name: rate * self.optimizer.scale for name, rate in rates.items()}

    @property
    def rate(self) -> float:
        """The learning rate of the network, times the schedule's factor."""
        own = self.lesson.network.learning_rate
        return (self.optimizer.default_rate if own is None else own) * self.optimizer.scale

    @property
    def word(self) -> str:
        """The optimiser's name, as a configuration writes it."""
        return name_in(OPTIMIZERS, self.optimizer)


def updated(
    lesson: Lesson, rule: Optimizer, *, scale: float = 1.0, most: float | None = None
) -> Update:
    """Take the first step of an optimiser, on copies of θ and of the gradient.

    Args:
        lesson: after its passes.
        rule: the optimiser, not bound yet.
        scale: the schedule's factor of the learning rate.
        most: the largest norm of the gradient, or None.

    Raises:
        ConfigError: the factor or the norm is no such number.
    """
    require_at_least_0("scale", scale)
    if most is not None:
        require_above_0("clip_gradient_norm", most)
    network = lesson.network
    layout = network.parameters.layout
    theta, gradient = network.theta.copy(), network.gradients.vector.copy()
    biases = [segment.slice for segment in layout.trained if segment.is_bias]
    rule.bind(theta, gradient, layout.runs(network.rates(rule.default_rate)), biases)
    rule.scale = scale
    length = norm(gradient)
    clip = most / length if most is not None and length > most else None
    if clip is not None:
        gradient *= clip
    if isinstance(rule, LBFGS):
        rule.iterate(lambda: (_differentiated(lesson, theta, gradient), 0.0))
        rule.close()
    else:
        rule.step()
    loss = network.loss(lesson.x, lesson.t, theta=theta, weights=lesson.weights)
    return Update(lesson, rule, Parameters(layout, theta), clip, most, float(loss))


def _differentiated(lesson: Lesson, theta: Array, gradient: Array) -> float:
    """The loss at another θ, whose gradient is written into ``gradient``."""
    network, before = lesson.network, lesson.network.theta.copy()
    own = network.gradients.vector.copy()
    network.theta = theta
    network.propagate(lesson.x.copy())
    loss = float(network.loss_of_pass(lesson.t, lesson.weights))
    network.backpropagate(lesson.t, weights=lesson.weights)
    gradient[...] = network.gradients.vector
    network.theta, network.gradients.vector = before, own
    return loss


# The rules


@dataclass(frozen=True)
class Cell:
    """One weight in its update.

    Attributes:
        update: the update.
        place: its layer.
        name: its array's name in the layer.
        index: its place there.
    """

    update: Update
    place: Place
    name: str
    index: tuple[int, ...]

    @property
    def w(self) -> Variable:
        """The weight before the update."""
        return self.place.parameter(self.name, *self.index)

    @property
    def new(self) -> Variable:
        """The weight after it, by the same name."""
        value = self.update.after[f"{self.place.layer.name}.{self.name}"][self.index]
        return Variable(float(value), self.w.name)

    @property
    def g(self) -> Variable:
        """Its gradient, after clipping if the gradient is clipped."""
        found = self.place.gradient(self.name, *self.index)
        if self.update.clip is None:
            return found
        return Variable(found.value * self.update.clip, self.own("g"))

    @property
    def rate(self) -> Variable:
        """η, by a name of its own where it is not that of the network."""
        value = self.update.rates[f"{self.place.layer.name}.{self.name}"]
        own = value != self.update.rate
        return Variable(value, Name("η", self.place.number if own else None))

    def own(self, letter: str) -> Name:
        """The name of a number that the optimiser keeps for this weight."""
        return Name(letter, where=self.w.name)

    @property
    def decays(self) -> bool:
        """Whether it is a weight, rather than a bias, which a decay spares."""
        segment = self.update.after.layout[f"{self.place.layer.name}.{self.name}"]
        return not segment.is_bias


def _kept(cell: Cell, letter: str, rule: Expression, why: str = "") -> Step:
    return Step(Variable(rule.evaluate(), cell.own(letter)), (rule,), why=why)


def _root(square: Expression, epsilon: float) -> Expression:
    return function("sqrt", square) + Number(epsilon)


def _sgd(rule: SGD, cell: Cell) -> Iterator[Step]:
    yield _becomes(cell, cell.w - cell.rate * cell.g)


def _momentum(rule: Momentum, cell: Cell) -> Iterator[Step]:
    velocity = _kept(cell, "u", Number(rule.momentum) * Number(0.0) + cell.g)
    yield velocity
    u: Expression = velocity.result
    step = cell.g + Number(rule.momentum) * u if rule.nesterov else u
    yield _becomes(cell, cell.w - cell.rate * step)


def _adagrad(rule: AdaGrad, cell: Cell) -> Iterator[Step]:
    square = _kept(cell, "s", Number(rule.initial) + cell.g**2)
    yield square
    yield _becomes(cell, cell.w - cell.rate * cell.g / _root(square.result, rule.epsilon))


def _rmsprop(rule: RMSProp, cell: Cell) -> Iterator[Step]:
    alpha = Number(rule.alpha)
    square = _kept(cell, "s", alpha * Number(0.0) + (1 - alpha) * cell.g**2)
    yield square
    inner: Expression = square.result
    if rule.centered:
        mean = _kept(cell, "m", alpha * Number(0.0) + (1 - alpha) * cell.g)
        yield mean
        inner = square.result - mean.result**2
    step: Expression = cell.g / _root(inner, rule.epsilon)
    if rule.momentum:
        velocity = _kept(cell, "u", Number(rule.momentum) * Number(0.0) + step)
        yield velocity
        step = velocity.result
    yield _becomes(cell, cell.w - cell.rate * step)


def _moments(rule: Adam, cell: Cell) -> Iterator[Step]:
    """m, v, and v̂, as Adam and its relatives have them after their first step."""
    first, second = Number(rule.beta1), Number(rule.beta2)
    m = _kept(cell, "m", first * Number(0.0) + (1 - first) * cell.g)
    v = _kept(cell, "v", second * Number(0.0) + (1 - second) * cell.g**2)
    yield m
    yield v
    yield _kept(cell, "v̂", v.result / (1 - second))


def _adam(rule: Adam, cell: Cell) -> Iterator[Step]:
    m, v, v_hat = _moments(rule, cell)
    m_hat = _kept(cell, "m̂", m.result / (1 - Number(rule.beta1)))
    yield from (m, v, m_hat, v_hat)
    w: Expression = cell.w
    if isinstance(rule, AdamW) and (cell.decays or rule.biases):
        w = (1 - cell.rate * Number(rule.weight_decay)) * w
    yield _becomes(cell, w - cell.rate * m_hat.result / _root(v_hat.result, rule.epsilon))


def _nadam(rule: Nadam, cell: Cell) -> Iterator[Step]:
    m, v, v_hat = _moments(rule, cell)
    mu, later = Variable(rule.mu(1), Name("μ", at=(1,))), Variable(rule.mu(2), Name("μ", at=(2,)))
    # The product of the momenta so far is μ₁ after the first step.
    ahead = later / (1 - mu * later) * m.result
    m_hat = _kept(cell, "m̂", (1 - mu) / (1 - mu) * cell.g + ahead)
    yield from (m, v, m_hat, v_hat)
    yield _becomes(cell, cell.w - cell.rate * m_hat.result / _root(v_hat.result, rule.epsilon))


def _lbfgs(rule: LBFGS, cell: Cell) -> Iterator[Step]:
    yield _becomes(cell, cell.w - Variable(_length(cell.update), Name("α")) * cell.g)


def _length(update: Update) -> float:
    """The length of L-BFGS's first step, which is along the gradient."""
    network = update.lesson.network
    gradient, moved = network.gradients.vector, network.theta - update.after.vector
    square = float(gradient @ gradient)
    return float(gradient @ moved) / square if square else 0.0


def _becomes(cell: Cell, rule: Expression) -> Step:
    return Step(cell.new, (rule,), becomes=True)


@dataclass(frozen=True)
class Rule:
    """An optimiser on the board.

    Attributes:
        steps: from the optimiser and a cell to the steps that end in its new value.
        about: what it does and what it keeps, in sentences.
    """

    steps: Callable[[Any, Cell], Iterator[Step]]
    about: Callable[[Any], str]


def _about_momentum(rule: Momentum) -> str:
    ahead = " Nesterov's form looks one step ahead, and adds the gradient." * rule.nesterov
    return (
        f"A velocity u keeps {rule.momentum:g} of itself from step to step and adds the gradient; "
        f"it begins at 0. The weight moves against the velocity.{ahead}"
    )


def _about_rmsprop(rule: RMSProp) -> str:
    centred = " Its mean m is kept as well, and its square is taken off." * rule.centered
    moving = (
        f" A velocity u keeps {rule.momentum:g} of itself and adds the quotient."
        if rule.momentum
        else ""
    )
    return (
        "A running mean s of the squared gradients, which begins at 0, says how large this "
        f"weight's gradients are; the gradient is divided by its root.{centred}{moving}"
    )


_ADAM = (
    "Two running means begin at 0: m of the gradients, and v of their squares. As both are too "
    "small in the first steps, m̂ and v̂ correct them. The weight moves by the mean over the root "
    "of the mean square, so that the first step of every weight is about η long."
)


RULES: Mapping[type[Optimizer], Rule] = {
    SGD: Rule(
        _sgd,
        lambda _: (
            "L grows with the weight where the gradient is above 0, and falls where it is below. "
            "So each weight takes a small step the other way, minus its gradient times a small "
            "number, the learning rate η."
        ),
    ),
    Momentum: Rule(_momentum, _about_momentum),
    AdaGrad: Rule(
        _adagrad,
        lambda _: (
            "The sum s of all squared gradients so far makes the steps of a weight smaller "
            "the more it was moved."
        ),
    ),
    RMSProp: Rule(_rmsprop, _about_rmsprop),
    Adam: Rule(_adam, lambda _: _ADAM),
    AdamW: Rule(_adam, lambda _: f"{_ADAM} Beforehand each weight shrinks by a fixed share."),
    Nadam: Rule(
        _nadam,
        lambda rule: (
            f"{_ADAM} The momentum μ grows slowly: μ₁ = {rule.mu(1):.9g} in the first "
            f"step, μ₂ = {rule.mu(2):.9g} in the second; m̂ looks one step ahead."
        ),
    ),
    LBFGS: Rule(
        _lbfgs,
        lambda _: (
            "The first step of L-BFGS goes against the gradient. Its length α is found by "
            "trying: a search along that line takes one where L is clearly lower."
        ),
    ),
}
"""The optimisers that have a rule here."""


# The blocks


def blocks(update: Update) -> Iterator[Block]:
    """The rule, each weight's step, the new weights, and the loss afterwards."""
    rule = _rule(update.optimizer)
    if rule is None:
        yield Sentence(f"The optimiser {update.word} is one of your own; its result is shown.")
    else:
        arrow = "An arrow ← means that the weight gets this value in place of the one it had."
        yield Sentence(f"{rule.about(update.optimizer)} {_rate_text(update)} {arrow}")
    if _is_short(update):
        yield Sentence(
            "There are many weights, so that this is worked out for one alone, "
            f"{update.lesson.looked_at}; all others go the same way."
        )
    yield from _clipping(update)
    for place in update.lesson.places():
        yield from _of_layer(update, rule, place)
    yield _afterwards(update)


def _rule(optimizer: Optimizer) -> Rule | None:
    return next((RULES[kind] for kind in type(optimizer).__mro__ if kind in RULES), None)


def _rate_text(update: Update) -> str:
    if isinstance(update.optimizer, LBFGS):
        return f"Here α = {number_text(_length(update), DIGITS)}."
    own = [
        f"η⁽{upper(place.number)}⁾ = {number_text(rate, DIGITS)} in {name}"
        for place, name, rate in _own(update)
    ]
    return f"Here {', and '.join([f'η = {number_text(update.rate, DIGITS)}', *own])}."


def _own(update: Update) -> Iterator[tuple[Place, str, float]]:
    """The arrays with a learning rate of their own, other than 0."""
    for place in update.lesson.places():
        for segment in update.after.layout.of_layer(place.layer.name):
            rate = update.rates[segment.full_name]
            if segment.trained and rate not in (0.0, update.rate):
                yield place, segment.full_name, rate


def _clipping(update: Update) -> Iterator[Block]:
    """How the whole gradient is scaled down, if it is."""
    if update.clip is None or update.most is None:
        return
    lesson = update.lesson
    gradients = lesson.network.gradients
    squares = np.full(gradients.layout.size, np.nan)
    for segment in gradients.layout.trained:
        squares[segment.slice] = gradients.vector[segment.slice] ** 2
    total = largest(lesson, squares, lambda g: g**2, gradients)
    length = Variable(norm(lesson.network.gradients.vector), Name("‖g‖"))
    why = (
        f"The gradient of all weights together is longer than the {update.most:g} that it may "
        "be, so that it is scaled down to that length."
    )
    yield Step(length, (function("sqrt", total),), why=why)
    yield Step(Variable(update.clip, Name("c")), (Number(update.most) / length,))


def _of_layer(update: Update, rule: Rule | None, place: Place) -> Iterator[Block]:
    layout = update.lesson.network.parameters.layout
    for segment in layout.of_layer(place.layer.name):
        if not segment.trained:
            continue
        if update.rates[segment.full_name] == 0:
            yield Sentence(f"{segment.full_name} stays as it is: its learning rate is 0.")
            continue
        for index in _worked_out(update, place, segment.name):
            cell = Cell(update, place, segment.name, index)
            if update.clip is not None:
                gradient = place.gradient(segment.name, *index)
                yield Step(cell.g, (Variable(update.clip, Name("c")) * gradient,))
            if rule is not None:
                yield from rule.steps(update.optimizer, cell)
        if len(segment.shape) <= 2 and _worked_out(update, place, segment.name):
            new = update.after[segment.full_name]
            why = f"{segment.full_name} after the update:"
            shown = _worked_out(update, place, segment.name)
            yield matrix(place, segment.name, new, why, cells=shown)


def _is_short(update: Update) -> bool:
    """Whether so many weights, of several lines each, would be worked out that one will do."""
    lesson = update.lesson
    weights = sum(
        len(place.cells(segment.name))
        for place in lesson.places()
        for segment in update.after.layout.of_layer(place.layer.name)
    )
    is_long = update.clip is not None or not isinstance(update.optimizer, SGD | LBFGS)
    return is_long and weights > MOST_CELLS


def _worked_out(update: Update, place: Place, name: str) -> tuple[tuple[int, ...], ...]:
    """The weights of an array whose update is written out."""
    if not _is_short(update):
        return place.cells(name)
    looked_at = update.lesson.looked_at
    return (looked_at.index,) if looked_at.array == f"{place.layer.name}.{name}" else ()


def _afterwards(update: Update) -> Sentence:
    before, after = (number_text(v, DIGITS) for v in (update.lesson.loss, update.loss))
    cases = "the same case" if update.lesson.cases == 1 else "the same minibatch"
    falls = update.loss < update.lesson.loss
    verdict = "the step has made it smaller" if falls else "this step has not made it smaller"
    return Sentence(
        f"All weights are changed at once. A new forward pass of {cases} gives L = {after}; "
        f"before it was {before}: {verdict}."
    )
