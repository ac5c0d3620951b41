"""The losses on the board: L of the case, and its slope ∂L/∂y by each output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from chainrule.core.arrays import one_hot
from chainrule.explain.blocks import Block, Given, Sentence, Step
from chainrule.explain.expressions import (
    LOSS,
    Expression,
    Fraction,
    Name,
    Negative,
    Number,
    Others,
    Product,
    Sum,
    Variable,
    function,
    shortened,
)
from chainrule.explain.lesson import Lesson, largest
from chainrule.nn.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    Huber,
    LogCosh,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SmoothedLoss,
)
from chainrule.nn.network import Network
from chainrule.nn.sequences.losses import loss_of_a_step

Formulas = tuple[Expression, ...]
"""Equal formulas, the most instructive first."""


@dataclass(frozen=True)
class Row:
    """The outputs for which there is one target: those of the case, or of one of its steps.

    Attributes:
        y: the outputs.
        t: the targets, as rows, smoothed where labels are.
        z: what a softmax or a sigmoid makes the outputs of; empty if there is none.
        loss: the loss function.
    """

    y: tuple[Variable, ...]
    t: tuple[Variable, ...]
    z: tuple[Variable, ...]
    loss: Any

    @property
    def true(self) -> int:
        """The index of the largest target, which is the class of a row of classes."""
        return max(range(len(self.t)), key=lambda j: self.t[j].value)

    @property
    def is_class(self) -> bool:
        """Whether one target is 1 and the others are 0."""
        return sorted(t.value for t in self.t) == [0.0] * (len(self.t) - 1) + [1.0]


@dataclass(frozen=True)
class LossRule:
    """A loss on the board.

    Attributes:
        about: what it measures, as a sentence.
        value: from a row to formulas of its loss.
        slope: from a row and j to formulas of ∂L/∂y_j.
        slope_about: how the slope follows, as a sentence.
        is_mean: whether it is a mean over the outputs.
    """

    about: str
    value: Callable[[Row], Formulas]
    slope: Callable[[Row, int], Formulas]
    slope_about: str
    is_mean: bool = True


def _mean(row: Row, each: Callable[[Variable, Variable], Expression], what: str) -> Formulas:
    terms = [each(y, t) for y, t in zip(row.y, row.t, strict=True)]
    return (_over(row, shortened(terms, what=what)),)


def _over(row: Row, one: Expression) -> Expression:
    """The expression divided by the number of outputs, where there are several."""
    return Fraction(Number(1.0), Number(float(len(row.y)))) * one if len(row.y) > 1 else one


def _residual(row: Row, j: int) -> Expression:
    return row.y[j] - row.t[j]


def _huber(row: Row) -> Formulas:
    delta = Number(row.loss.delta)

    def each(y: Variable, t: Variable) -> Expression:
        d = y - t
        if abs(y.value - t.value) <= row.loss.delta:
            return Fraction(Number(1.0), Number(2.0)) * d**2
        half = Fraction(Number(1.0), Number(2.0)) * delta
        return delta * (function("abs", d) - half)

    return _mean(row, each, "terms")


def _huber_slope(row: Row, j: int) -> Formulas:
    delta = Number(row.loss.delta)
    d = row.y[j].value - row.t[j].value
    if abs(d) <= row.loss.delta:
        return (_over(row, _residual(row, j)),)
    return (_over(row, delta * function("sign", _residual(row, j))),)


def _cross_entropy(row: Row) -> Formulas:
    counted = [j for j in range(len(row.y)) if row.t[j].value]
    if row.is_class:
        return (-function("ln", row.y[row.true]), *_from_logits(row))
    terms = [row.t[j] * function("ln", row.y[j]) for j in counted]
    return (Negative(shortened(terms)),)


def _from_logits(row: Row) -> Formulas:
    """The cross-entropy of a class by the logits, for a y so near to 1 that ln y has no digits."""
    if not row.z:
        return ()
    true = row.z[row.true]
    others = [function("exp", z - true) for j, z in enumerate(row.z) if j != row.true]
    top = max(row.z, key=lambda z: z.value)
    below = [function("exp", z - top) for z in row.z if z is not top]
    far = (top - true) + function("ln", 1 + shortened(below))
    return (function("ln", 1 + shortened(others)), shortened(others), far)


def _cross_entropy_slope(row: Row, j: int) -> Formulas:
    plain = Negative(row.t[j] / row.y[j])
    return (plain,) if row.t[j].value else (plain, Number(0.0))  # y may be 0 as well


def _binary(row: Row) -> Formulas:
    def each(y: Variable, t: Variable) -> Expression:
        right = [t * function("ln", y)] if t.value else []
        wrong = [(1 - t) * function("ln", 1 - y)] if t.value != 1 else []
        both = [*right, *wrong]
        return Sum(tuple(both)) if len(both) > 1 else both[0]

    terms = [each(y, t) for y, t in zip(row.y, row.t, strict=True)]
    flat = [part for term in terms for part in (term.terms if isinstance(term, Sum) else (term,))]
    return (Negative(_over(row, shortened(flat))), *_binary_from_logits(row))


def _binary_from_logits(row: Row) -> Formulas:
    if not row.z:
        return ()
    terms = []
    for z, t in zip(row.z, row.t, strict=True):
        terms.append((1 - t) * _softplus(z, 1))
        terms.append(t * _softplus(z, -1))
    return (_over(row, shortened(terms)),)


def _softplus(z: Variable, sign: int) -> Expression:
    """ln(1 + e^(sign z)), by e^ of a negative number alone."""
    x: Expression = z if sign > 0 else -z
    if sign * z.value > 0:
        return x + function("ln", 1 + function("exp", -x))
    return function("exp", x) if sign * z.value < -36 else function("ln", 1 + function("exp", x))


def _binary_slope(row: Row, j: int) -> Formulas:
    y, t = row.y[j], row.t[j]
    if t.value == 1:
        far: list[Expression] = [-(t * (1 + function("exp", -row.z[j])))] if row.z else []
        return (_over(row, Negative(t / y)), *(_over(row, one) for one in far))
    if t.value == 0:
        far = [(1 - t) * (1 + function("exp", row.z[j]))] if row.z else []
        return (_over(row, (1 - t) / (1 - y)), *(_over(row, one) for one in far))
    return (_over(row, (y - t) / (y * (1 - y))),)


def _hinge(row: Row) -> Formulas:
    true = row.y[row.true]
    terms = [function("max", 0.0, 1 + y - true) for j, y in enumerate(row.y) if j != row.true]
    return (shortened(terms),)


def _hinge_slope(row: Row, j: int) -> Formulas:
    true = row.y[row.true].value
    active = [k for k, y in enumerate(row.y) if k != row.true and 1 + y.value - true > 0]
    if j == row.true:
        return (Number(-float(len(active))),)
    return (Number(float(j in active)),)


def _log_cosh(y: Variable, t: Variable) -> Expression:
    d = y - t
    if abs(y.value - t.value) < 300:
        return function("ln", function("cosh", d))
    return function("abs", d) - function("ln", Number(2.0))


RULES: Mapping[type[Loss], LossRule] = {
    MeanSquaredError: LossRule(
        "the mean squared error: how far each output y is from its target t, squared, and the "
        "mean of that over the outputs",
        lambda row: _mean(row, lambda y, t: (y - t) ** 2, "squares"),
        lambda row, j: (
            (Fraction(Number(2.0), Number(float(len(row.y)))) if len(row.y) > 1 else Number(2.0))
            * _residual(row, j),
        ),
        "The slope of a square (y − t)² is 2 (y − t); the other terms do not have this y.",
    ),
    MeanAbsoluteError: LossRule(
        "the mean absolute error: how far each output y is from its target t, and the mean of "
        "that over the outputs",
        lambda row: _mean(row, lambda y, t: function("abs", y - t), "terms"),
        lambda row, j: (_over(row, function("sign", _residual(row, j))),),
        "The slope of |y − t| is 1 where y is above t and −1 where it is below: sign(y − t).",
    ),
    Huber: LossRule(
        "the Huber loss: half the square of y − t where that is small, and a straight line where "
        "it is large; the mean over the outputs",
        _huber,
        _huber_slope,
        "The slope of the square is y − t, and that of the straight line ±delta.",
    ),
    LogCosh: LossRule(
        "the mean of ln cosh(y − t), nearly a square for small differences and nearly straight "
        "for large ones",
        lambda row: _mean(row, _log_cosh, "terms"),
        lambda row, j: (_over(row, function("tanh", _residual(row, j))),),
        "The slope of ln cosh(y − t) is tanh(y − t).",
    ),
    CrossEntropy: LossRule(
        "the cross-entropy: minus the logarithm of the probability y that the network gives to "
        "the true class; it is 0 where the network is sure and right, and large where it is sure "
        "and wrong",
        _cross_entropy,
        _cross_entropy_slope,
        "The slope of ln y is 1/y.",
        is_mean=False,
    ),
    BinaryCrossEntropy: LossRule(
        "the binary cross-entropy: minus the logarithm of the probability that the network gives "
        "to what is true, y where the target is 1 and 1 − y where it is 0; the mean over the "
        "outputs",
        _binary,
        _binary_slope,
        "The slope of ln y is 1/y, and that of ln(1 − y) is −1/(1 − y).",
    ),
    Hinge: LossRule(
        "the hinge loss: for each wrong class, by how much its output comes closer than 1 to "
        "that of the true class, or exceeds it",
        _hinge,
        _hinge_slope,
        "Each wrong class within the margin counts +1 by its own y and −1 by that of the true "
        "class.",
        is_mean=False,
    ),
}
"""The losses that have a formula here; one of your own is shown by its values."""


def rows_of(lesson: Lesson) -> list[Row]:
    """The rows of outputs that have targets, with their variables."""
    loss = loss_of_a_step(lesson.network.loss_function)
    place = lesson.place(lesson.last)
    found = []
    for first, targets in _targets(lesson):
        chosen = range(first, first + len(targets))
        y = tuple(place.output(j) for j in chosen)
        letter = "t′" if _smoothing(loss) else "t"
        names = [Name(letter, at=one.name.at) for one in y if isinstance(one.name, Name)]
        t = tuple(Variable(float(v), n) for v, n in zip(targets, names, strict=True))
        z = _logits(lesson, chosen)
        found.append(Row(y, t, z, loss))
    return found


def _logits(lesson: Lesson, chosen: range) -> tuple[Variable, ...]:
    if lesson.network.from_logits is None:
        return ()
    place = lesson.place(lesson.last)
    if place.layer.gives_distribution:
        return tuple(place.input(j) for j in chosen)
    return tuple(place.z(j) for j in chosen)


def _smoothing(loss: Loss) -> float:
    return loss.label_smoothing if isinstance(loss, SmoothedLoss) else 0.0


def _targets(lesson: Lesson, *, smoothed: bool = True) -> list[tuple[int, np.ndarray]]:
    """For each row that has targets the index of its first output, and the targets."""
    network, t = lesson.network, lesson.t[lesson.case]
    steps = network.layers[lesson.last].output_shape[:-1]
    width = network.outputs // (steps[0] if steps else 1)
    loss = loss_of_a_step(network.loss_function)
    rows = np.atleast_1d(t) if network.loss_function is not loss else np.asarray(t)[None]
    found = []
    for k, row in enumerate(rows):
        if (row.ndim == 0 and row < 0) or (row.ndim and np.isnan(row).any()):
            continue
        each = row[None]
        if smoothed:
            each = loss.smoothed(each, width, np.float64)
        each = one_hot(each, width, np.float64) if each.ndim == 1 else each
        found.append((k * width, each[0]))
    return found


# The blocks


def value(lesson: Lesson) -> Iterator[Block]:
    """From the outputs and targets to L."""
    rows = rows_of(lesson)
    loss = loss_of_a_step(lesson.network.loss_function)
    yield from _smoothed_targets(lesson, rows)
    rule = RULES.get(type(loss))
    about = rule.about if rule else "a function of your own, of which the value is shown"
    penalised = bool(lesson.network.penalised)
    symbol = "L, without the penalty that follows, is called D." if penalised else ""
    yield Sentence(
        f"The loss L says in one number how wrong the outputs are. Here it is {about}. The "
        f"smaller, the better. {symbol}".strip()
    )
    yield from _targets_shown(rows, lesson.output_names or ())
    parts = _parts(lesson)
    data = _data_loss(lesson)
    if rule is None:
        yield Given((Variable(data, Name("D") if penalised else LOSS),), "It gives")
    elif len(rows) == 1 and not parts.wrapped:
        name = Name("D") if penalised else LOSS
        yield Step(Variable(data, name), rule.value(rows[0])[:1], rule.value(rows[0])[1:])
    else:
        yield from _composed(lesson, rows, rule, Name("D") if penalised else LOSS)
    if penalised:
        yield from _penalty(lesson, data)


@dataclass(frozen=True)
class _Parts:
    """What stands around the loss of the case.

    Attributes:
        weight: w of the case, if cases have weights.
        cases: the number of cases that the mean is over.
    """

    weight: Variable | None
    cases: int

    @property
    def wrapped(self) -> bool:
        """Whether the loss is not simply that of the case."""
        return self.weight is not None or self.cases > 1

    def times(self, one: Expression) -> Expression:
        """The expression times the weight, over the number of cases."""
        if self.weight is not None:
            one = Product((self.weight, *(one.factors if isinstance(one, Product) else (one,))))
        if self.cases > 1:
            one = Fraction(Number(1.0), Number(float(self.cases))) * one
        return one


def _parts(lesson: Lesson) -> _Parts:
    w = lesson.weights
    weight = None if w is None else Variable(float(w[lesson.case]), Name("w"))
    return _Parts(weight, lesson.cases)


def _data_loss(lesson: Lesson) -> float:
    return lesson.loss - lesson.network.penalty_loss() if lesson.network.penalised else lesson.loss


def _by_case(lesson: Lesson) -> np.ndarray:
    """The loss of each case, without weights and penalty."""
    network = lesson.network
    if network.from_logits is not None:
        return network.from_logits.by_case(network.logits, lesson.t)
    return network.loss_function.by_case(lesson.out[lesson.last], lesson.t)


def _composed(lesson: Lesson, rows: list[Row], rule: LossRule, name: Name) -> Iterator[Block]:
    """The loss of each row, then of the case, then the weighted mean over the cases."""
    each = []
    for k, row in enumerate(rows):
        first, *others = rule.value(row)
        own = Name("ℓ", at=(k + 1,) if len(rows) > 1 else ())
        step = Step(Variable(first.evaluate(), own), (first,), tuple(others))
        each.append(step.result)
        yield step
    parts = _parts(lesson)
    whole = shortened(each, what="steps") if each else Number(0.0)  # no step has a target
    if parts.cases == 1:
        yield Step(Variable(_data_loss(lesson), name), (parts.times(whole),))
        return
    w, by_case = lesson.weights, _by_case(lesson)
    all_cases = by_case if w is None else by_case * w
    rest = float(all_cases.sum() - all_cases[lesson.case])
    own_part: Expression = whole if parts.weight is None else parts.weight * whole
    total = own_part + Others(rest, lesson.cases - 1, "cases")
    mean = Fraction(total, Number(float(lesson.cases)))
    why = "The loss of the minibatch is the mean over its cases."
    yield Step(Variable(_data_loss(lesson), name), (mean,), why=why)


def _targets_shown(rows: list[Row], names: tuple[str, ...]) -> Iterator[Block]:
    for row in rows[:1]:
        about = "The targets are what the outputs should be:"
        classes = tuple(f"class {name}" for name in names)
        yield Given(row.t, about, classes if row.is_class and len(row.t) > 1 else names)


def _smoothed_targets(lesson: Lesson, rows: list[Row]) -> Iterator[Block]:
    loss: Any = loss_of_a_step(lesson.network.loss_function)
    epsilon = _smoothing(loss)
    if not epsilon:
        return
    plain = _targets(lesson, smoothed=False)
    why = "The labels are smoothed: t′ lies a little closer to the target that says nothing."
    for (_, targets), row in zip(plain, rows, strict=True):
        for j, t in enumerate(row.t[:12]):
            assert isinstance(t.name, Name), "a target has a simple name"
            known = Variable(float(targets[j]), Name("t", at=t.name.at))
            uninformed = Number(loss.uninformed(len(row.t)))
            rule = (1 - Number(epsilon)) * known + Number(epsilon) * uninformed
            yield Step(t, (rule,), why=why if j == 0 else "")


def _penalty(lesson: Lesson, data: float) -> Iterator[Block]:
    """The penalty R, and L = D + R."""
    network = lesson.network
    terms = [_penalty_term(lesson, kind, rate) for kind, rate in _penalties(network)]
    R = Variable(network.penalty_loss(), Name("R"))
    why = (
        "A penalty R on the size of the weights is added to D, so that training keeps the "
        "weights small."
    )
    yield Step(R, (Sum(tuple(terms)) if len(terms) > 1 else terms[0],), why=why)
    yield Step(Variable(lesson.loss, LOSS), (Variable(data, Name("D")) + R,))


def _penalties(network: Network) -> list[tuple[str, float]]:
    """The types of penalty with their rates, each once."""
    return list(dict.fromkeys((term.type, term.rate) for term in network.penalised))


def _penalty_term(lesson: Lesson, kind: str, rate: float) -> Expression:
    """The penalty of one type and rate: of all numbers of θ that have it."""
    network = lesson.network
    values = np.full(network.theta.shape, np.nan)
    for term in network.penalised:
        if (term.type, term.rate) == (kind, rate):
            values[term.part] = network.theta[term.part]
    theta = network.parameters
    if kind == "L2":
        half = Fraction(Number(rate), Number(2.0))
        return half * largest(lesson, values**2, lambda w: w**2, theta)
    return Number(rate) * largest(lesson, np.abs(values), lambda w: function("abs", w), theta)


def slopes(lesson: Lesson) -> Iterator[Block]:
    """∂L/∂y by each chosen output."""
    place, loss = lesson.place(lesson.last), loss_of_a_step(lesson.network.loss_function)
    rule, rows = RULES.get(type(loss)), rows_of(lesson)
    parts = _parts(lesson)
    chosen = set(place.chosen)
    why = (
        "How does L change if an output changes a little? That is the derivative ∂L/∂y, the "
        "slope of L along y, with all else kept as it is."
    )
    if rule is None:
        given = tuple(map(place.received, place.chosen))
        yield Given(given, f"{why} The loss, a function of your own, gives")
        return
    several = len(rows[0].y) > 1 if rows else False
    mean = " The mean divides by the number of outputs." if several and rule.is_mean else ""
    if parts.cases > 1:
        mean += f" The mean over the cases divides by their number, {parts.cases}."
    why = f"{why} {rule.slope_about}{mean}"
    if not all(isfinite(place.received(j).value) for j in chosen):
        yield Sentence(
            f"{why} Here an output is so close to its limit that this slope is too large for a "
            "number, and that of the output too small; below, their product is found from z."
        )
        return
    for first, row in zip((f for f, _ in _targets(lesson)), rows, strict=True):
        for j in range(len(row.y)):
            if first + j not in chosen:
                continue
            formulas = [parts.times(one) for one in rule.slope(row, j)]
            yield Step(place.received(first + j), tuple(formulas[:1]), tuple(formulas[1:]), why)
            why = ""


def short_cut(lesson: Lesson) -> Iterator[Block]:
    """δ = y − t for softmax with cross-entropy, and sigmoid with binary cross-entropy."""
    network = lesson.network
    if network.from_logits is None:
        return
    place = lesson.place(lesson.last)
    softmax = place.layer.gives_distribution
    rows = rows_of(lesson)
    parts = _parts(lesson)
    why = (
        "Most of this cancels: y in the slope of the output cancels 1/y in that of the logarithm, "
        "and what remains of δ is the output minus its target. (The library computes it so.)"
    )
    for (first, _), row in zip(_targets(lesson), rows, strict=True):
        for j in range(len(row.y)):
            if first + j not in place.chosen:
                continue
            result = place.sent(first + j) if softmax else place.delta(first + j)
            formulas = _short_cuts(row, j, softmax=softmax)
            weighed = [parts.times(one if softmax else _over(row, one)) for one in formulas]
            yield Step(result, (weighed[0],), tuple(weighed[1:]), why)
            why = ""


def _short_cuts(row: Row, j: int, *, softmax: bool) -> Formulas:
    plain = row.y[j] - row.t[j]
    if not softmax:
        other = (1 - row.t[j]) * row.y[j] - row.t[j] * function("σ", -row.z[j])
        return plain, other
    if row.is_class and row.t[j].value == 1:
        return plain, Negative(shortened([y for k, y in enumerate(row.y) if k != j]))
    return (plain,)
