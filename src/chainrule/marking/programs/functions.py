"""Elementwise functions a = φ(z) and their derivatives, alone or as a layer under an upstream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import Gradient, Line, Probe, Program, Variation, evaluated
from chainrule.marking.programs.known_functions import FUNCTIONS, HELPERS, Known
from chainrule.marking.programs.variations import bug, convention


def known_name(name: str) -> str | None:
    """The known function that a name of a submission's function means; None if it means none.

    Args:
        name: such as ``Swish`` or ``my_sigmoid``.

    Example:
        >>> known_name("Swish"), known_name("sigmoid_activation"), known_name("frob")
        ('silu', 'sigmoid', None)
    """
    plain = name.lower().strip("_")
    for word in ("my_", "_activation", "_function", "_fn", "_func", "activation_", "_np", "act_"):
        plain = plain.replace(word, "")
    for known, entry in FUNCTIONS.items():
        if plain.replace("_", "") in {o.replace("_", "") for o in (known, *entry.others)}:
            return known
    return None


def value_of(name: str, z: Array, until: str = "a") -> Array:
    """The value of a known function at z, or of its derivative with ``until="da"``."""
    values: dict[str, Any] = {"np": np, **HELPERS, "z": z}
    for line, rule in FUNCTIONS[name].rules.items():
        values[line] = evaluated(rule, values)
        if line == until:
            break
    return values[until]


def elementwise(
    name: str,
    upstream: bool = False,
    takes: str = "either",
    value: str = "φ",
    slope: str = "φ′",
) -> Program:
    """A function a = φ(z) of every entry, and its derivative.

    Inputs: ``z`` (N, D), and with an upstream ``dout`` of the same shape.

    Args:
        name: one of `FUNCTIONS`.
        upstream: whether ∂L/∂z = dout · φ′(z) is asked for, in place of φ′(z).
        takes: what the derivative is handed: ``z``, or ``either``, where a rule in the output a is
            right for those who hand it a.
        value: what the function is called in messages.
        slope: what its derivative is called there.
    """
    known = FUNCTIONS[name]
    says = {"a": f"{value}(z)", "da": f"{slope}(z)"}
    lines = [_line(known, line, rule, says) for line, rule in known.rules.items()]
    if upstream:
        lines.append(Line("dz", "dout * da", "∂L/∂z", "backward"))
    return Program(
        name,
        tuple(lines),
        tuple(_variations(name, known, upstream, takes)),
        tuple(_probes(name, upstream)),
        functions={
            **HELPERS,
            "phi": partial(value_of, name),
            "phi_slope": partial(value_of, name, until="da"),
        },
        gradients={"dz": Gradient("a", "z", "dout")} if upstream else {},
    )


def _line(known: Known, name: str, rule: str, called: Mapping[str, str]) -> Line:
    order = list(known.rules)
    stage = "forward" if order.index(name) <= order.index("a") else "backward"
    says = called.get(name) or known.says[name]
    return Line(name, rule, says, stage)


def _variations(name: str, known: Known, upstream: bool, takes: str) -> Iterator[Variation]:
    for bug_name, (title, sentence, hint, rule) in known.bugs.items():
        if upstream and rule == "a":
            continue
        yield bug(f"{bug_name}@{name}", title, sentence, hint, 2, da=rule)
    for choice, (group, title, sentence, rules) in known.choices.items():
        yield convention(choice, group, title, sentence, **rules)
    yield from _at_wrong_place(name, known, upstream, takes)
    yield from _any_function(name, upstream)
    if upstream:
        yield from _upstream(name)


def _at_wrong_place(name: str, known: Known, upstream: bool, takes: str) -> Iterator[Variation]:
    if name == "relu":
        yield from _other_relus()
    if name not in ("relu", "leaky_relu"):
        yield bug(
            f"slope_at_a@{name}",
            f"the derivative of {name} is taken at the output",
            "φ′ must be taken at z. The code hands it a = φ(z), so that the function is applied "
            "once too often.",
            "Which array does your derivative get: the one before φ or the one after it?",
            3,
            da="phi_slope(a)",
        )
    if not known.by_output:
        return
    at_z = known.by_output.format("z")
    if takes == "z" or upstream:
        yield bug(
            f"formula_at_z@{name}",
            f"the formula of {name}′ for the output a is used with z",
            f"{known.by_output.format('a').replace('**2', '²').replace(' * ', '·')} is the "
            "derivative in terms of a = φ(z); the code puts z itself in.",
            "What do a and z stand for in the formula?",
            3,
            da=at_z,
        )
    else:
        yield convention(
            "takes_a",
            "argument",
            f"the derivative of {name} is written for the output a",
            "It is right if you hand it a = φ(z), and wrong if you hand it z: then the formula "
            "needs φ(z) inside. Look at how your network calls it.",
            da=at_z,
        )


def _other_relus() -> Iterator[Variation]:
    """Functions that are like relu and no relu."""
    rules = {
        "leaky": (
            "negative z is let through a little: this is the leaky relu",
            "relu gives 0 for every negative z, and its slope there is 0.",
            {"a": "np.where(z > 0, z, 0.01 * z)", "da": "np.where(z > 0, 1.0, 0.01)"},
        ),
        "leaky_tenth": (
            "negative z is let through a little: this is the leaky relu",
            "relu gives 0 for every negative z, and its slope there is 0.",
            {"a": "np.where(z > 0, z, 0.1 * z)", "da": "np.where(z > 0, 1.0, 0.1)"},
        ),
        "leaky_slope": (
            "the slope of the negative side is that of the leaky relu",
            "The output is 0 for every negative z, so the slope there is 0.",
            {"da": "np.where(z > 0, 1.0, 0.01)"},
        ),
        "capped": (
            "the output is cut off at 1",
            "relu has no upper end: positive z goes through as it is.",
            {"a": "np.clip(z, 0.0, 1.0)"},
        ),
        "capped_throughout": (
            "the output is cut off at 1, and the slope is 0 above",
            "relu has no upper end: positive z goes through as it is.",
            {"a": "np.clip(z, 0.0, 1.0)", "da": "np.where((z > 0) & (z < 1), 1.0, 0.0)"},
        ),
        "absolute": (
            "the absolute value is taken",
            "relu gives 0 for negative z, not −z.",
            {"a": "np.abs(z)"},
        ),
        "identity": (
            "negative z is let through",
            "relu gives 0 for negative z; the code returns z as it is.",
            {"a": "z"},
        ),
        "minimum": (
            "the smaller of 0 and z is taken",
            "relu is the larger of the two.",
            {"a": "np.minimum(z, 0.0)"},
        ),
        "step": (
            "the output is 1 for positive z: this is a step",
            "relu lets positive z through as it is.",
            {"a": "np.where(z > 0, 1.0, 0.0)"},
        ),
    }
    for kind, (title, sentence, changes) in rules.items():
        yield bug(f"{kind}@relu", title, sentence, "What comes out for z = −2, 0, 3?", **changes)


def _any_function(name: str, upstream: bool) -> Iterator[Variation]:
    rules = {
        "wrong_sign": (
            "the sign of φ′ is wrong",
            "φ′ comes out with the opposite sign.",
            "-RIGHT",
        ),
        "slope_twice": (
            "φ′ is multiplied by itself",
            "The factor φ′ stands there twice; once for the chain rule is enough.",
            "RIGHT**2",
        ),
        "value_again": (
            "the function itself is returned as its derivative",
            "The code returns φ(z) where φ′(z) belongs.",
            "a",
        ),
        "times_z": (
            "φ′ is multiplied by z",
            "φ′(z) alone is the factor of the chain rule; z belongs in the gradient of the "
            "weights.",
            "RIGHT * z",
        ),
        "times_a": (
            "φ′ is multiplied by the output a",
            "φ′(z) alone is the factor of the chain rule; the output is one too many.",
            "RIGHT * a",
        ),
    }
    own = FUNCTIONS[name].bugs
    for kind, (title, sentence, rule) in rules.items():
        is_known = any(other == "a" for *_, other in own.values())
        if kind == "value_again" and (upstream or is_known):
            continue
        if (name, kind) in _SAME_AS_ANOTHER:
            continue
        yield bug(
            f"{kind}@{name}",
            title.replace("φ", name),
            sentence.replace("φ", name),
            "Compare with (φ(z + h) − φ(z − h))/2h at three points.".replace("φ", name),
            da=rule,
        )


_SAME_AS_ANOTHER = {
    ("relu", "slope_twice"),
    ("relu", "times_z"),
    ("relu", "times_a"),
    ("leaky_relu", "times_z"),
    ("exp", "value_again"),
    ("exp", "times_a"),
}
"""What gives the same numbers as a bug with a better sentence, or as no bug at all."""


def _upstream(name: str) -> Iterator[Variation]:
    yield bug(
        "no_upstream@dz",
        "dout is left out of ∂L/∂z",
        "By the chain rule ∂L/∂z is dout times φ′; the code returns φ′ alone.",
        "Call backward twice, the second time with 2·dout: what has to happen?",
        3,
        dz="da",
    )
    yield bug(
        "no_slope@dz",
        "φ′ is left out of ∂L/∂z",
        "By the chain rule ∂L/∂z is dout times φ′; the code hands dout on.",
        "Where φ is flat, what has ∂L/∂z to be?",
        3,
        dz="dout",
    )
    if name != "exp":
        yield bug(
            "output_for_slope@dz",
            "dout is multiplied by the output in place of φ′",
            "By the chain rule ∂L/∂z is dout times φ′(z); the code takes φ(z).",
            "How steep is φ where its output is large?",
            2,
            dz="dout * a",
        )
    yield bug(
        "mask_from_delta@dz",
        "the mask is taken from dout in place of z",
        "Whether a unit was on is decided by its own z in the forward pass; the code looks at the "
        "sign of the gradient that comes back.",
        "Can a gradient be negative where the unit was on?",
        2,
        dz="np.maximum(dout, 0.0)",
    )
    yield bug(
        "shared_with_another_layer@dz",
        "the slope is that of another layer's input",
        "A layer's arrays belong to its object. Kept in the class, or in a global variable, they "
        "are those of whichever layer ran last, and two layers of one network disturb each other.",
        "Make two layers, call forward of both, then backward of the first.",
        2,
        dz="dout * da[::-1]",
    )
    yield bug(
        "averaged_again@dz",
        "∂L/∂z is divided by N within the layer",
        "Each row belongs to one case, so there is nothing to average; the 1/N of a mean loss is "
        "in dout already.",
        "Which line of the derivation of the *layer* has the number of cases in it?",
        dz="RIGHT / len(z)",
    )
    yield bug(
        "stale_input@dz",
        "the slope is that of the batch before",
        "backward needs what the last forward was given; what was kept from an earlier batch is "
        "used.",
        "Where does forward keep its input, and is that done at every call?",
        dz="dout * (da if before is None else before.da)",
    )


def _probes(name: str, upstream: bool) -> Iterator[Probe]:
    for probe in _all_probes(name):
        calls = [
            {k: v for k, v in call.items() if upstream or k != "dout"} for call in probe.calls
        ]
        yield replace(probe, calls=tuple(calls))


def _all_probes(name: str) -> Iterator[Probe]:
    rng = np.random.default_rng(41)

    def case(n: int, d: int) -> dict[str, Any]:
        z, dout = rng.normal(size=(2, n, d))
        return {"z": 1.5 * z, "dout": dout}

    yield Probe("five cases", "the batch of a usual call", (case(5, 4),))
    yield Probe("square", "as many cases as units", (case(4, 4),))
    yield Probe("second batch", "what is kept from the batch before", (case(3, 4), case(3, 4)))
    has_kink = any(group == "slope at 0" for group, *_ in FUNCTIONS[name].choices.values())
    grid = np.array([[-6.0, -2.5, -1.0, -0.25], [0.25, 1.0, 2.5, 6.0]])
    grid[0, 3] = -0.25 if has_kink else 0.0
    yield Probe("far", "where the function is flat", ({"z": grid, "dout": np.ones((2, 4))},))
    far = {"z": np.array([[-800.0, -100.0, 100.0, 700.0]]), "dout": np.ones((1, 4))}
    if name not in ("exp", "gelu"):
        yield Probe("very far", "e^800 overflows", (far,), True)
    if has_kink:
        zeros = {"z": np.array([[0.0, 1.0, -1.0, 0.0]]), "dout": np.array([[2.0, 1.0, 3.0, -1.0]])}
        yield Probe("exact zeros", "the kink, where the slope is a choice", (zeros,))
