"""`explain`: the passes of one case, worked out as on the board."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.arguments import is_whole
from chainrule.core.errors import DivergenceError, ShapeError
from chainrule.core.notation import sizes_text
from chainrule.core.registry import name_in
from chainrule.explain import losses, one_weight, updates
from chainrule.explain.blocks import Block, Given, Matrix, Section, Sentence, Step
from chainrule.explain.explanation import Explanation
from chainrule.explain.expressions import Name, Others, Sum
from chainrule.explain.layers import explainer_of
from chainrule.explain.lesson import Lesson, Place, in_float64, weight_named
from chainrule.explain.naming import name_text
from chainrule.explain.numbers import DIGITS, EXACT
from chainrule.explain.unseen import with_unseen
from chainrule.nn.losses import LOSSES
from chainrule.nn.network import Network
from chainrule.nn.sequences.losses import loss_of_a_step
from chainrule.training.optimizers import Optimizer
from chainrule.training.optimizers import optimizer as make_optimizer


def explain(
    network: Network,
    x: Any,
    t: Any,
    weight: str | None = None,
    *,
    case: int = 0,
    weights: Any = None,
    digits: int = DIGITS,
    names: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    title: str = "One pass worked out",
    about: str = "",
    seed: int = 0,
    optimizer: str | Mapping[str, Any] | Optimizer = "sgd",
    scale: float = 1.0,
    clip_gradient_norm: float | None = None,
) -> Explanation:
    """The forward pass, the backward pass and the gradients of one case, worked out.

    The network is in training mode, and not changed. A network in float32 is worked out in
    float64.

    Args:
        network: evaluated at its present θ.
        x: inputs, (cases, input).
        t: the targets, as `Network.loss` takes them.
        weight: the weight to look at, such as ``dense_1.W[0,2]``, its place counted from 0.
        case: the case that is worked out, an index into x. The loss is the mean over all cases of
            x; those that are not worked out enter the gradients as one number.
        weights: those of the cases, as `Network.loss` takes them.
        digits: how many significant digits are shown, where not more are needed.
        names: what the inputs are called.
        outputs: what the outputs stand for, such as the names of the classes.
        notes: sentences on the inputs, to print beside them.
        title: the heading.
        about: what is worked out, as sentences to begin with.
        seed: the seed of the random numbers of layers such as dropout.
        optimizer: the rule of the update: a name, ``type`` with options, or an object.
        scale: the factor by which a schedule multiplies every learning rate.
        clip_gradient_norm: the largest norm of the gradient; None for any.

    Raises:
        ChainruleError: x, t, the weight or the case do not fit.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(1, "linear")], input=1, loss="mse")
        >>> network.layers[0].W, network.layers[0].b = [[3.0]], [1.0]
        >>> found = explain(network, [[2.0]], [[5.0]])
        >>> print(found.step("∂L/∂W⁽¹⁾₁₁").result.value)
        8.0
    """
    _require_digits(digits)
    rule = make_optimizer(optimizer)
    made = in_float64(network)
    x, t = made.prepare(x, t)
    _require_case(case, len(x))
    lesson = Lesson(
        made,
        x,
        t,
        explainer_of,
        made.prepare_weights(weights, len(x)),
        case,
        None if names is None else tuple(names),
        None if outputs is None else tuple(outputs),
        tuple(notes),
        None if weight is None else weight_named(made, weight),
    )
    _require_minibatch(made, len(x))
    with made.training_mode(seed), np.errstate(all="ignore"):
        lesson.run()
        _require_finite(lesson)
        worked_out = [*_forward(lesson), *_backward(lesson), *_gradients(lesson)]
        beginning = _beginning(lesson, about, worked_out)
        sections = [beginning, *with_unseen(worked_out, len(lesson.order))]
        update = updates.updated(lesson, rule, scale=scale, most=clip_gradient_norm)
        sections.append(Section("The update of the weights", tuple(updates.blocks(update))))
        sections += one_weight.sections(lesson)
    return Explanation(title, tuple(sections), digits)


def _require_digits(digits: Any) -> None:
    if not is_whole(digits) or not 2 <= digits <= EXACT:
        raise ShapeError(f"digits is a whole number from 2 to {EXACT}, found {digits!r}")


def _require_case(case: Any, cases: int) -> None:
    if not is_whole(case) or not 0 <= case < cases:
        there = "there is no case" if not cases else f"there are cases 0 to {cases - 1}"
        raise ShapeError(f"{there}, found case {case!r}")


def _require_finite(lesson: Lesson) -> None:
    if not (np.isfinite(lesson.loss) and np.isfinite(lesson.network.gradients.vector).all()):
        raise DivergenceError(
            f"the loss is {lesson.loss:g}, or a gradient is not finite, so that there is nothing "
            "to work out; smaller inputs or weights are needed, and chainrule doctor says more"
        )


def _require_minibatch(network: Network, cases: int) -> None:
    for layer in network.layers:
        if cases < layer.least_cases:
            raise ShapeError(
                f"{layer.name} makes the numbers of a case depend on the others of its minibatch; "
                f"pass at least {layer.least_cases} cases as x, and say by case=... which of them "
                "is worked out"
            )


def _beginning(lesson: Lesson, about: str, sections: Sequence[Section]) -> Section:
    """What there is: the layers, the case, and how numbers are written."""
    network = lesson.network
    chain = " → ".join(
        f"{place.layer.name} ({explainer_of(place.layer).what(place.layer)})"
        for place in lesson.places()
    )
    inputs = f"{sizes_text(network.input_shape)} input{'s' * (network.input > 1)}"
    loss = name_in(LOSSES, loss_of_a_step(network.loss_function))
    what = (
        "A network makes outputs of inputs, layer by layer. A layer has units; each of them "
        "computes one number from those of the layer before, by numbers of its own, the weights "
        "and biases. Training changes these a little, again and again, so that the outputs come "
        "closer to what they should be, the targets. Here is one such change, with every number "
        "that leads to it, for one case: one example of inputs with their targets."
    )
    others = (
        f" It is one of a minibatch of {lesson.cases} cases, and the loss is the mean over them. "
        f"Within it the cases are counted from 1, and this one is number {lesson.case + 1}. A "
        "name alone, such as z, is a number of this case, and z(case 2) that of number 2."
        if lesson.cases > 1
        else ""
    )
    asked = _asked(lesson)
    digits = (
        "Each number has its rule, then the rule with the numbers put in, then the result. "
        "Numbers are rounded. Where the rounded ones would not give the result, they are written "
        "with more digits."
    )
    if any(_is_shortened(block) for section in sections for block in section.blocks):
        digits += (
            " Of a long sum the largest terms are written out, and the others are added up to one "
            "number, for which there is … in the rule."
        )
    told = f"{about}{others}{asked}".strip()
    blocks = (
        Sentence(what),
        Sentence(f"The network: {inputs} → {chain} → loss ({loss})."),
        *([Sentence(told)] if told else []),
        Sentence(digits),
    )
    return Section("What is worked out", blocks)


def _is_shortened(block: Block) -> bool:
    """Whether terms of a sum are not written out."""
    if not isinstance(block, Step) or not block.rules:
        return False
    return any(isinstance(one, Others) for one in block.rules[-1].leaves())


def _asked(lesson: Lesson) -> str:
    """Which weight was asked for, and its name on the board."""
    weight = lesson.weight
    if weight is None:
        return ""
    layer, _, array = weight.array.rpartition(".")
    place = next(place for place in lesson.places() if place.layer.name == layer)
    name = name_text(place.parameter_name(array, *weight.index))
    return f" The weight to look at is {weight}, below called {name}."


def _heading(place: Place) -> str:
    what = explainer_of(place.layer).what(place.layer)
    return f"Layer {place.number}, {place.layer.name}: {what}"


def _forward(lesson: Lesson) -> Iterator[Section]:
    yield Section("The forward pass: from the inputs to the loss", tuple(_inputs(lesson)))
    for place in lesson.places():
        blocks = tuple(explainer_of(place.layer).forward(place))
        yield Section(_heading(place), blocks, 2, place.number)
    yield Section("The loss", tuple(losses.value(lesson)), 2)


MOST_INPUTS = 12
"""The most inputs that are listed one by one."""


MOST_PIXELS = 8
"""An image of no more rows, columns and channels is shown whole."""


def _inputs(lesson: Lesson) -> Iterator[Block]:
    yield Sentence(
        "The inputs of the case are called x. They go through one layer after the other, until "
        "the loss says how wrong the result is."
    )
    yield from map(Sentence, lesson.notes)
    shape = lesson.network.input_shape
    alone = lesson.cases == 1  # else those of other cases are given, one by one
    if alone and len(shape) == 3 and max(shape) <= MOST_PIXELS:
        yield Sentence("They are an image, of which the rows and columns are counted from 1.")
        for c, channel in enumerate(lesson.x[0].reshape(shape), start=1):
            yield Matrix(Name("x", at=(c,)), channel)
        return
    real = np.flatnonzero(~np.isnan(lesson.x[lesson.case])).tolist()  # no padding
    if len(real) > MOST_INPUTS:  # those that formulas use are added by `with_unseen`
        yield Given((), f"There are {len(real):,} of them. Those that are written out below are")
    else:
        names = lesson.input_names or ()
        remarks = tuple(names[i] for i in real) if names else ()
        yield Given(tuple(map(lesson.input, real)), "They are", remarks)


def _backward(lesson: Lesson) -> Iterator[Section]:
    start = Sentence(
        "Training wants to know how L would change if a weight were changed a little. The way "
        "from a weight to L leads through many numbers. The backward pass goes that way from its "
        "end: first how each output moves L, then how each z does, layer by layer back."
    )
    yield Section("The backward pass: from the loss back to every z", (start,))
    yield Section("From the loss to the outputs", tuple(losses.slopes(lesson)), 2)
    for k in reversed(lesson.order):
        place = lesson.place(k)
        explainer = explainer_of(place.layer)
        back, on = explainer.backward(place), explainer.to_input(place)
        short_cut = losses.short_cut(lesson) if place.is_last else ()
        # It is about δ, which softmax sends to the layer before.
        is_softmax = place.layer.gives_distribution
        rest = (*on, *short_cut) if is_softmax else (*short_cut, *on)
        blocks = [*_added_up(place), *back, *rest]
        if blocks:
            title = f"Back through layer {place.number}, {place.layer.name}"
            yield Section(title, tuple(blocks), 2, place.number, backward=True)


def _added_up(place: Place) -> Iterator[Block]:
    """∂L/∂output of a layer that feeds several: the sum of what they send back."""
    consumers = place.lesson.consumers(place.k)
    why = "Several layers take these outputs. Each of them is a way to L, and the ways add up."
    for j in place.chosen if len(consumers) > 1 else ():
        parts = [place.lesson.place(c).sent_to(source, j) for c, source in consumers]
        yield Step(place.received(j), (Sum(tuple(parts)),), why=why)
        why = ""


def _gradients(lesson: Lesson) -> Iterator[Section]:
    start = Sentence(
        "Now every δ is known. From them follows what training wants to know: the slope of L "
        "along each weight, ∂L/∂W. It is called the gradient of the weight."
    )
    yield Section("The gradients of the weights and biases", (start,))
    for place in lesson.places():
        blocks = tuple(explainer_of(place.layer).gradients(place))
        if blocks:
            yield Section(f"Layer {place.number}, {place.layer.name}", blocks, 2)
