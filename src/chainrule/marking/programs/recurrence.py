"""A recurrent step h = tanh(xWx + h₀Wh + b), and the same over time with its backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.marking.program import Case, Gradient, Line, Probe, Program, Variation
from chainrule.marking.programs.variations import bug


def recurrent(steps: int = 1) -> Program:
    """A recurrent layer with tanh over some steps, and backpropagation through time.

    Inputs: ``x`` (N, D) for one step, else (N, steps, D); ``h0`` (N, H); ``Wx`` (D, H), ``Wh``
    (H, H), ``b`` (H,); ``dout``, ∂L/∂h of the shape of the output.

    Args:
        steps: how many there are.
    """
    return Program(
        "recurrent layer",
        tuple(_lines(steps)),
        (*_forward(steps), *_within_step(steps), *_weights(steps), *_through_time(steps)),
        tuple(_probes(steps)),
        gradients={
            f"d{name}": Gradient("out", name, "dout") for name in ("x", "h0", "Wx", "Wh", "b")
        },
    )


def _at(array: str, step: int, steps: int) -> str:
    """An array of one step."""
    return array if steps == 1 else f"{array}[:, {step - 1}]"


def _added(terms: list[str]) -> str:
    return " + ".join(terms)


def _lines(steps: int) -> Iterator[Line]:
    for k in range(1, steps + 1):
        rule = f"{_at('x', k, steps)} @ Wx + h{k - 1} @ Wh + b"
        yield Line(f"a{k}", rule, f"a of step {k}", "forward")
        yield Line(f"h{k}", f"np.tanh(a{k})", f"h of step {k}", "forward")
    outputs = ", ".join(f"h{k}" for k in range(1, steps + 1))
    rule = "h1" if steps == 1 else f"np.stack([{outputs}], axis=1)"
    yield Line("out", rule, "the output", "forward")
    for k in range(steps, 0, -1):
        later = f" + back{k + 1}" if k < steps else ""
        yield Line(f"dh{k}", f"{_at('dout', k, steps)}{later}", f"∂L/∂h of step {k}", "backward")
        yield Line(f"slope{k}", f"1 - h{k}**2", f"tanh′ of step {k}", "backward")
        yield Line(f"da{k}", f"dh{k} * slope{k}", f"∂L/∂a of step {k}", "backward")
        says = f"the gradient that step {k} hands to the one before"
        yield Line(f"back{k}", f"da{k} @ Wh.T", says, "backward")
        yield Line(f"dx{k}", f"da{k} @ Wx.T", f"∂L/∂x of step {k}", "backward")
    every = range(1, steps + 1)
    rule = "dx1" if steps == 1 else f"np.stack([{', '.join(f'dx{k}' for k in every)}], axis=1)"
    yield Line("dx", rule, "∂L/∂x", "backward")
    yield Line("dh0", "back1", "∂L/∂h₀", "backward")
    terms = [f"{_at('x', k, steps)}.T @ da{k}" for k in every]
    yield Line("dWx", _added(terms), "∂L/∂Wx", "backward")
    yield Line("dWh", _added([f"h{k - 1}.T @ da{k}" for k in every]), "∂L/∂Wh", "backward")
    yield Line("db", _added([f"da{k}.sum(axis=0)" for k in every]), "∂L/∂b", "backward")


def _forward(steps: int) -> Iterator[Variation]:
    every = range(1, steps + 1)
    rules = {
        "no_slope_function": (
            "tanh is left out",
            "h = tanh(a); the code hands on a itself.",
            {f"h{k}": f"a{k}" for k in every},
        ),
        "bias_left_out": (
            "the bias is left out of the forward pass",
            "a = xWx + hWh + b; without b the units cannot shift.",
            {f"a{k}": "RIGHT - b" for k in every},
        ),
        "no_recurrence": (
            "the state of the step before is left out",
            "a = xWx + hWh + b; without hWh nothing is remembered.",
            {f"a{k}": f"{_at('x', k, steps)} @ Wx + b" for k in every},
        ),
        "transposed": (
            "the state is multiplied by Whᵀ in place of Wh",
            "Wh is (H, H), so that no shape gives it away; the text has h·Wh.",
            {f"a{k}": f"{_at('x', k, steps)} @ Wx + h{k - 1} @ Wh.T + b" for k in every},
        ),
    }
    if steps > 1:
        rules["first_state_always"] = (
            "every step starts from h₀",
            "Each step takes the h of the step before; here h is not handed on in the loop.",
            {f"a{k}": f"{_at('x', k, steps)} @ Wx + h0 @ Wh + b" for k in every},
        )
    for name, (title, sentence, changes) in rules.items():
        yield bug(f"{name}@out", title, sentence, "Follow one case through two steps.", **changes)


def _within_step(steps: int) -> Iterator[Variation]:
    every = range(1, steps + 1)
    rules = {
        "no_slope@da": (
            "tanh′ is left out",
            "By the chain rule ∂L/∂a = ∂L/∂h · (1 − h²); the code goes on with ∂L/∂h.",
            {f"slope{k}": "1.0" for k in every},
        ),
        "slope_at_a@da": (
            "tanh′ is taken of h again",
            "1 − h² is tanh′ in terms of the output; the code applies tanh once more.",
            {f"slope{k}": f"1 - np.tanh(h{k})**2" for k in every},
        ),
        "formula_at_z@da": (
            "the formula 1 − h² is used with a",
            "1 − h² needs the output h = tanh(a); the code puts a in.",
            {f"slope{k}": f"1 - a{k}**2" for k in every},
        ),
        "no_square@da": (
            "the square in 1 − h² is missing",
            "tanh′ = 1 − h²; the code has 1 − h.",
            {f"slope{k}": f"1 - h{k}" for k in every},
        ),
        "state_before_in_slope@da": (
            "tanh′ uses the state before the step",
            "1 − h² needs the h that this step made.",
            {f"slope{k}": f"1 - h{k - 1}**2" for k in every},
        ),
        "transposed@dh0": (
            "the gradient of the state before uses Wh untransposed",
            "The signal goes back through the same connections: ∂L/∂h = ∂L/∂a · Whᵀ. Wh is "
            "square, so that no shape gives it away.",
            {f"back{k}": f"da{k} @ Wh" for k in every},
        ),
    }
    for name, (title, sentence, changes) in rules.items():
        hint = "Write ∂L/∂a, and from it ∂L/∂h of the step before, on paper."
        yield bug(name, title, sentence, hint, 2, **changes)


def _weights(steps: int) -> Iterator[Variation]:
    every = range(1, steps + 1)
    hint = "Which arrays does this weight meet in the forward pass, and at how many steps?"
    yield bug(
        "new_state@dWh",
        "∂L/∂Wh uses the state after the step",
        "Wh is multiplied by the state *before* the step; the code takes the one after it.",
        hint,
        2,
        dWh=_added([f"h{k}.T @ da{k}" for k in every]),
    )
    yield bug(
        "transposed@dWh",
        "∂L/∂Wh is transposed",
        "∂L/∂Wh = hᵀ·∂L/∂a; the two factors stand the other way round. Wh is square, so that no "
        "shape gives it away.",
        hint,
        dWh="RIGHT.T",
    )
    yield bug(
        "bias_averaged@db",
        "∂L/∂b is a mean where it is a sum",
        "b enters every case, so its gradient is a sum over the cases.",
        "How does b enter a of each case?",
        db="RIGHT / len(x)",
    )
    arrays = {
        "dWx": [f"{_at('x', k, steps)}.T @ da{k}" for k in every],
        "dWh": [f"h{k - 1}.T @ da{k}" for k in every],
        "db": [f"da{k}.sum(axis=0)" for k in every],
    }
    if steps == 1:
        return
    for which, step in (("first", 0), ("last", -1)):
        sentence = (
            "The same weights are used at every step, so each adds its part. With = in place of "
            f"+= in the loop, or a return within it, only the {which} step is left."
        )
        for array, terms in arrays.items():
            yield bug(
                f"{which}_step@{array}",
                f"only the {which} step is in ∂L/∂{array[1:]}",
                sentence,
                hint,
                **{array: terms[step]},
            )
        yield bug(
            f"{which}_step",
            f"only the {which} step is in the gradients of the weights",
            sentence,
            hint,
            2,
            **{array: terms[step] for array, terms in arrays.items()},
        )


def _through_time(steps: int) -> Iterator[Variation]:
    if steps == 1:
        return
    inner = range(1, steps)
    hint = "On which ways does h of step 1 reach the loss?"
    yield bug(
        "no_way_through_time",
        "the gradient does not go back through time",
        "h of a step reaches the loss by its own output and through the next step; the second way "
        "is left out.",
        hint,
        3,
        **{f"dh{k}": _at("dout", k, steps) for k in inner},
    )
    yield bug(
        "last_output_only",
        "only the last step's upstream gradient is used",
        "Every step has an output of its own, whose ∂L/∂h has to be added when the loop comes to "
        "it.",
        hint,
        2,
        **{f"dh{k}": f"back{k + 1}" for k in inner},
    )
    yield bug(
        "upstream_before_slope",
        "what comes from the next step is added after tanh′",
        "Both ways go through tanh of this step, so they are added before the factor 1 − h².",
        hint,
        **{f"da{k}": f"{_at('dout', k, steps)} * slope{k} + back{k + 1}" for k in inner},
    )
    shifted = {f"dh{k}": f"{_at('dout', k - 1, steps)} + RIGHT - {_at('dout', k, steps)}"
               for k in range(2, steps + 1)}  # fmt: skip
    yield bug(
        "off_by_one@dh",
        "the upstream gradient of the step before is used",
        "The loop goes backward over the steps; dh[:, t] belongs to step t.",
        "Print t and the arrays of the first turn of the loop.",
        **shifted,
        dh1=f"{_at('dout', steps, steps)} + back2",
    )
    yield bug(
        "last_state_for_first@dh0",
        "∂L/∂h₀ is the gradient of the first state, not of the one before it",
        "The loop's last turn still has to go through tanh and Wh of step 1.",
        "How many times does the gradient pass Wh on its way to h₀?",
        dh0="dh1",
    )


def _probes(steps: int) -> Iterator[Probe]:
    rng = np.random.default_rng(43)

    def case(n: int, inputs: int, units: int) -> Case:
        over = () if steps == 1 else (steps,)
        made: dict[str, Any] = {
            "x": rng.normal(size=(n, *over, inputs)),
            "h0": 0.5 * rng.normal(size=(n, units)),
            "Wx": 0.5 * rng.normal(size=(inputs, units)),
            "Wh": 0.5 * rng.normal(size=(units, units)),
            "b": 0.5 * rng.normal(size=units),
            "dout": rng.normal(size=(n, *over, units)),
        }
        return made

    yield Probe("five cases", "the batch of a usual call", (case(5, 4, 3),))
    yield Probe("one case", "N = 1: a mean and a sum are the same here", (case(1, 2, 4),))
    yield Probe("square", "as many cases, inputs and units", (case(3, 3, 3),))
