"""How functions of layers are called, as a well-known course writes them, and which program fits.

A pair such as ``affine_forward(x, w, b)`` and ``affine_backward(dout, cache)`` is known by its
name. Its arguments are told by the names of its parameters, or else by their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.marking.assignments.assignment import Part
from chainrule.marking.programs import PROGRAMS
from chainrule.marking.programs.functions import known_name
from chainrule.marking.sandbox.running import Calls

HELPERS = """
from itertools import permutations

def halves(found):
    # The output of a forward function, and its cache; without one the output stands for it.
    if isinstance(found, tuple) and len(found) > 1:
        return found[0], found[1] if len(found) == 2 else found[1:]
    return found, found

def arranged(found, names, like):
    # The gradients in the order of the names: by key, by shape, or as they stand.
    if isinstance(found, dict):
        keys = {key.lower().lstrip('d').strip('_'): key for key in found}
        return [found[keys[name]] for name in names]
    found = list(found) if isinstance(found, (tuple, list)) else [found]
    orders = permutations(range(len(like)))
    fits = [o for o in orders if len(found) == len(like)
            and all(np.shape(found[k]) == np.shape(a) for k, a in zip(o, like))]
    if 'order' not in seen and len(fits) == 1:
        seen['order'] = fits[0]
    order = seen.get('order', tuple(range(len(like))))
    return [found[k] for k in order]
"""
"""Python that the calls use within the sandbox."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


UPSTREAM = _words(
    "dout dy dz da grad_out grad_output upstream y_grad delta d_out gradient grad d dl dloss "
    "output_gradient error dnext dl_dout dh dnext_h dldy g"
)
"""Names of the parameter that holds ∂L/∂(output)."""

CACHE = _words("cache saved ctx memory context state c back mem caches tape")
"""Names of the parameter that holds what forward kept for backward."""

INPUT = _words("x inputs input a_prev data z features images h a")
WEIGHTS = _words("w weights weight theta kernel kernels filters")
BIAS = _words("b bias biases")
TARGETS = _words("t target targets y_true true label labels ytrue truth d onehot y_onehot")
OUTPUTS = _words(
    "y_pred pred prediction predictions yhat y_hat ypred p a out output outputs probs x o z "
    "scores logits s"
)


@dataclass(frozen=True)
class Defined:
    """A function of a submission's file, or a method of an object of one of its classes.

    Attributes:
        module: the file's name without its ending.
        name: of the function.
        parameters: the names of those without a default value.
        keywords: the names of those that are given by name alone and have no default value.
        is_known: whether the parameters could be read; an alias has none that could.
        is_made: whether a call at the top level of the file gives it, so that the file must be
            run as it is.
        owner: the class whose method it is; empty of a function.
    """

    module: str
    name: str
    parameters: tuple[str, ...] = ()
    is_known: bool = True
    is_made: bool = False
    owner: str = ""
    keywords: tuple[str, ...] = ()

    @property
    def call(self) -> str:
        """As it is written in a call."""
        return f"made.{self.name}" if self.owner else f"{self.module}.{self.name}"

    @property
    def shown(self) -> str:
        """As it is called in a text."""
        return f"{self.owner}.{self.name}" if self.owner else self.name


@dataclass(frozen=True)
class Layer:
    """A pair of functions that is known by its name.

    Attributes:
        words: what its name is without ``_forward`` and ``_naive``.
        program: its name in `PROGRAMS`.
        says: what it is, for the title.
        inputs: for each parameter of the forward function, in order: the names it may have and
            the expression that is handed to it.
        gradients: the lines of the program that the backward function returns, in order, each with
            the expression that has its shape.
        options: of the program.
        returns: further lines of the program, with their expressions.
        before: Python before the call.
    """

    words: tuple[str, ...]
    program: str
    says: str
    inputs: Sequence[tuple[frozenset[str], str]]
    gradients: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    returns: Mapping[str, str] = field(default_factory=dict)
    before: str = ""


_IMAGES = (INPUT, "x")
_POOL = "{'pool_height': height, 'pool_width': width, 'stride': stride}"

LAYERS = (
    Layer(
        ("affine", "linear", "dense", "fc", "fully_connected", "full"),
        "full",
        "a fully connected layer",
        ((INPUT, "x"), (WEIGHTS, "W"), (BIAS, "b")),
        {"dx": "x", "dW": "W", "db": "b"},
        {"images": True},
    ),
    Layer(
        ("softmax", "softmax_layer"),
        "softmax_layer",
        "softmax",
        ((INPUT | OUTPUTS, "x"),),
        {"dx": "x"},
    ),
    Layer(
        ("conv", "convolution", "conv2d", "conv_2d"),
        "convolution",
        "a convolution",
        (
            _IMAGES,
            (WEIGHTS | {"f"}, "w"),
            (BIAS, "b"),
            (_words("conv_param param params hparameters"), "conv_param"),
        ),
        {"dx": "x", "dw": "w", "db": "b"},
        before="conv_param = {'stride': stride, 'pad': pad}",
    ),
    Layer(
        ("max_pool", "maxpool", "pool", "max_pooling", "maxpool2d", "pooling"),
        "max_pool",
        "max pooling",
        (_IMAGES, (_words("pool_param param params hparameters"), "pool_param")),
        {"dx": "x"},
        before=f"pool_param = {_POOL}",
    ),
    Layer(
        ("avg_pool", "average_pool", "mean_pool", "avgpool", "average_pooling"),
        "average_pool",
        "average pooling",
        (_IMAGES, (_words("pool_param param params hparameters"), "pool_param")),
        {"dx": "x"},
        before=f"pool_param = {_POOL}",
    ),
    Layer(
        ("batchnorm", "batch_norm", "bn", "batch_normalization"),
        "batch_norm",
        "batch normalisation while training",
        (
            (INPUT, "x"),
            (_words("gamma scale g"), "gamma"),
            (_words("beta shift b"), "beta"),
            (_words("bn_param param params"), "bn_param"),
        ),
        {"dx": "x", "dgamma": "gamma", "dbeta": "beta"},
        returns={
            "running_mean": "bn_param['running_mean']",
            "running_var": "bn_param['running_var']",
        },
        before=(
            "bn_param = {'mode': 'train', 'eps': eps, 'momentum': momentum, "
            "'running_mean': mean_before.copy(), 'running_var': var_before.copy()}"
        ),
    ),
    *(
        Layer(
            words,
            "recurrent",
            says,
            (
                (INPUT, "x"),
                (_words("prev_h h_prev h0 h hprev state"), "h0"),
                (_words("wx w_x wxh u"), "Wx"),
                (_words("wh w_h whh w"), "Wh"),
                (BIAS | {"bh"}, "b"),
            ),
            {"dx": "x", "dh0": "h0", "dWx": "Wx", "dWh": "Wh", "db": "b"},
            {"steps": steps},
        )
        for words, says, steps in (
            (("rnn_step", "rnn_cell", "step", "cell"), "a recurrent step", 1),
            (("rnn",), "a recurrent layer over time", 3),
        )
    ),
    Layer(
        ("layernorm", "layer_norm", "ln", "layer_normalization"),
        "layer_norm",
        "layer normalisation",
        (
            (INPUT, "x"),
            (_words("gamma scale g"), "gamma"),
            (_words("beta shift b"), "beta"),
            (_words("ln_param param params"), "ln_param"),
        ),
        {"dx": "x", "dgamma": "gamma", "dbeta": "beta"},
        before="ln_param = {'eps': eps}",
    ),
)
"""The pairs that are known; relu and its like are known by the table of functions."""

DROPOUT = ("dropout", "drop_out", "inverted_dropout")

_DROPOUT_HELPERS = """
from math import erf, sqrt

def differ(rows):
    # Whether the rows of a mask are not all the same, or the mask has one value only.
    return float((rows != rows[:1]).any() or rows.all() or not rows.any())

def one(values):
    # The number that all of them are; -1 where they differ, 0 where there are none.
    found = np.unique(np.round(np.asarray(values, float), 9))
    return float(found[0]) if len(found) == 1 else 0.0 if len(found) == 0 else -1.0

def snapped(there):
    # One entry for each that was drawn: a mask may be the same for all rows or all columns.
    share, size = there.mean(), there.size
    size = there.shape[1] if not differ(there) else size
    size = there.shape[0] if not differ(there.T) else size
    # The share that a mask keeps by its rule, where chance alone explains the difference.
    below = 0.5 * (1 + erf(p / sqrt(2)))
    for known in (p, 1 - p, 1.0, 0.0, below, 1 - below):
        if abs(share - known) <= 4.5 * sqrt(max(known * (1 - known), 1e-12) / size):
            return known
    return share
"""

_DROPOUT_CALL = """
out, cache = halves({forward}(x, {{'p': p, 'mode': 'train'}}))
dx = np.asarray({backward}(dout, cache))
there = np.asarray(out) != 0
tested, kept_for_test = halves({forward}(x, {{'p': p, 'mode': 'test'}}))
dtested = {backward}(dout, kept_for_test)
"""


def layer_parts(word: str, forward: Defined, backward: Defined) -> Iterator[Part]:
    """The parts that judge a pair of functions of a layer; none where it is not known.

    Args:
        word: the name without ``_forward``.
        forward: the forward function.
        backward: the backward function.
    """
    plain = word.lower().removesuffix("_naive").removesuffix("_fast")
    known = known_name(plain)
    if plain in DROPOUT:
        yield _dropout_part(forward, backward)
        return
    layer = next((layer for layer in LAYERS if plain in layer.words), None)
    if layer is None and known is not None:
        layer = Layer(
            (known,),
            "elementwise",
            known,
            ((INPUT, "z"),),
            {"dz": "z"},
            {"name": known, "upstream": True},
        )
    if layer is None:
        return
    given = _forward_arguments(layer, forward)
    taken = _backward_arguments(layer, forward, backward)
    if given is None or taken is None:
        return
    yield _pair_part(layer, forward, backward, given, taken)
    if layer.program == "batch_norm":
        yield _test_part(forward, given)


def _forward_arguments(layer: Layer, forward: Defined) -> str | None:
    """The arguments of a forward function, by the names of its parameters or their order."""
    values = [expression for _, expression in layer.inputs]
    if not forward.is_known:
        return ", ".join(values)
    by_name = [
        next((e for names, e in layer.inputs if name.lower() in names), None)
        for name in forward.parameters
    ]
    if None not in by_name and len(set(by_name)) == len(by_name) == len(values):
        return ", ".join(e for e in by_name if e is not None)
    if len(forward.parameters) <= len(values):
        return ", ".join(values[: len(forward.parameters)])
    return None


def _backward_arguments(layer: Layer, forward: Defined, backward: Defined) -> str | None:
    if backward.is_known and len(backward.parameters) == 1:
        return "dout"
    if not backward.is_known or len(backward.parameters) == 2:
        first = backward.parameters[0].lower() if backward.is_known else "dout"
        second = backward.parameters[1].lower() if backward.is_known else "cache"
        if first in CACHE and second not in CACHE:
            return "cache, dout"
        is_input = forward.is_known and second == forward.parameters[0].lower()
        if is_input and second not in CACHE:
            return f"dout, {layer.inputs[0][1]}"
        if second in OUTPUTS and second not in INPUT:
            return "dout, out if cache is None else cache"
        if second in CACHE or second not in INPUT:
            return "dout, cache"
    found = [_taken(layer, name.lower()) for name in backward.parameters]
    return None if None in found else ", ".join(e for e in found if e is not None)


def _taken(layer: Layer, name: str) -> str | None:
    if name in CACHE:
        return "cache"
    if name in UPSTREAM:
        return "dout"
    return next((e for names, e in layer.inputs if name in names), None)


def _part(name: str, says: str, program: str, options: Mapping[str, Any], calls: Calls) -> Part:
    made = PROGRAMS[program](**options)
    return Part(name, says, 1.0, calls, made, tuple(calls.returns))


def _calls(
    functions: Sequence[Defined | None], setup: str, call: str, returns: Mapping[str, str]
) -> Calls:
    given = [function for function in functions if function is not None]
    first = given[0]
    if first.owner:
        setup = f"{setup}\nmade = {first.module}.{first.owner}()"
    modules = tuple(dict.fromkeys(function.module for function in given))
    load = "all" if any(function.is_made for function in given) else "definitions"
    return Calls(modules, setup, call, returns, load)


def _pair_part(layer: Layer, forward: Defined, backward: Defined, given: str, taken: str) -> Part:
    lines = list(layer.gradients)
    keys = [line[1:].lower() for line in lines]
    shapes = "".join(f"{shape}, " for shape in layer.gradients.values())
    call = (
        f"{layer.before}\n"
        f"out, cache = halves({forward.call}({given}))\n"
        f"grads = arranged({backward.call}({taken}), {keys}, ({shapes}))"
    )
    output = "a" if layer.program == "elementwise" else "out"
    returns = {output: "out", **layer.returns}
    returns |= {line: f"grads[{k}]" for k, line in enumerate(lines)}
    return _part(
        f"{forward.shown} + {backward.shown}",
        layer.says,
        layer.program,
        layer.options,
        _calls((forward, backward), HELPERS, call, returns),
    )


def _test_part(forward: Defined, given: str) -> Part:
    call = (
        "bn_param = {'mode': 'test', 'eps': eps, 'momentum': 0.9, "
        "'running_mean': running_mean.copy(), 'running_var': running_var.copy()}\n"
        f"out, cache = halves({forward.call}({given}))"
    )
    return _part(
        f"{forward.shown} in test mode",
        "batch normalisation in test mode",
        "batch_norm_test",
        {},
        _calls((forward,), HELPERS, call, {"out": "out"}),
    )


def _dropout_part(forward: Defined, backward: Defined) -> Part:
    returns = {
        "share": "snapped(there)",
        "rows_differ": "differ(there)",
        "columns_differ": "differ(there.T)",
        "kept": "one(np.asarray(out)[there])",
        "dropped": "one(np.asarray(out)[~there])",
        "tested": "one(tested)",
        "dkept": "one(dx[there])",
        "ddropped": "one(dx[~there])",
        "dtested": "one(dtested)",
    }
    call = _DROPOUT_CALL.format(forward=forward.call, backward=backward.call)
    return _part(
        f"{forward.shown} + {backward.shown}",
        "dropout",
        "dropout",
        {},
        _calls((forward, backward), HELPERS + _DROPOUT_HELPERS, call, returns),
    )


VECTORISED = """
def each(function, values):
    # A function of arrays, one of a list of numbers, or one that is called for each number.
    try:
        found = np.asarray(function(values.copy()), float)
        if found.shape == values.shape:
            return found
    except (ValueError, TypeError):
        pass
    try:
        found = np.asarray(function([float(v) for v in values.ravel()]), float)
        if found.shape == (values.size,):
            return found.reshape(values.shape)
    except (ValueError, TypeError):
        pass
    return np.array([float(function(float(v))) for v in values.ravel()]).reshape(values.shape)
"""
"""Python that calls a function which may be written for lists, or for numbers alone."""


def function_part(known: str, value: Defined, slope: Defined) -> Part:
    """The part that judges a function of every entry and its derivative.

    Args:
        known: the function that it is by its name.
        value: the function.
        slope: its derivative.
    """
    returns = {"a": f"each({value.call}, z)", "da": f"each({slope.call}, z)"}
    first = slope.parameters[0].lower() if slope.parameters else "x"
    takes = "z" if first in ("z", "preactivation", "pre", "net", "net_input") else "either"
    return _part(
        f"{value.shown} + {slope.shown}",
        known,
        "elementwise",
        {"name": known, "takes": takes, "value": value.shown, "slope": slope.shown},
        _calls((value, slope), VECTORISED, "pass", returns),
    )


SQUARED = _words(
    "mse mse_loss mean_squared_error squared_error quadratic_loss quadratic_cost l2_loss "
    "squared_loss mean_square_error sse sum_squared_error half_mse"
)
CROSS_ENTROPY = _words(
    "cross_entropy crossentropy cross_entropy_loss ce ce_loss nll categorical_cross_entropy "
    "categorical_crossentropy xent log_loss"
)
SOFTMAX_LOSS = _words(
    "softmax_loss softmax_cross_entropy softmax_cross_entropy_loss cross_entropy_with_logits "
    "softmax_crossentropy softmax_ce cross_entropy_softmax softmaxloss softmax_with_loss"
)


def loss_part(word: str, loss: Defined, gradient: Defined | None) -> Part | None:
    """The part that judges a loss and its gradient; None where it is not known.

    Args:
        word: the loss's name.
        loss: the function; it returns the pair (loss, gradient) where there is no other.
        gradient: the function of its gradient.
    """
    plain = word.lower().strip("_")
    for words, program, output, target, line in (
        (SQUARED, "squared_error", "a", "t", "da"),
        (CROSS_ENTROPY, "cross_entropy", "p", "t", "dp"),
        (SOFTMAX_LOSS, "softmax_loss", "x", "y", "dx"),
    ):
        if plain in words:
            given = _ordered(loss, output, target)
            if given is None:
                return None
            call = f"loss, gradient = {loss.call}({given})"
            if gradient is not None:
                taken = _ordered(gradient, output, target) or given
                call = f"loss = {loss.call}({given})\ngradient = {gradient.call}({taken})"
            if program == "softmax_loss":
                call = _either_labels(call)
            if program == "cross_entropy":
                call = _either_targets(call)
            name = loss.shown + (f" + {gradient.shown}" if gradient else "")
            returns = {"loss": "loss", line: "gradient"}
            calls = _calls((loss, gradient), "", call, returns)
            return _part(name, _LOSSES[program], program, {}, calls)
    return None


_LOSSES = {
    "squared_error": "the squared error",
    "cross_entropy": "cross-entropy of probabilities",
    "softmax_loss": "softmax and cross-entropy in one",
}


def _ordered(function: Defined, output: str, target: str) -> str | None:
    """The two arguments of a loss, in its order: outputs first, if its names do not tell."""
    names = [name.lower() for name in function.parameters]
    if function.is_known and len(names) != 2:
        return None
    if len(names) == 2:
        first, second = names
        if first in TARGETS and second not in TARGETS:
            return f"{target}, {output}"
        if first == "y" and second in OUTPUTS:
            return f"{target}, {output}"
    return f"{output}, {target}"


def _indented(code: str) -> str:
    return "\n".join(f"    {line}" for line in code.split("\n"))


def _either_labels(call: str) -> str:
    """A call with class numbers, and where that fails, with one-hot labels."""
    return (
        f"numbers = y\ntry:\n{_indented(call)}\nexcept (IndexError, ValueError, TypeError):\n"
        f"    y = np.eye(x.shape[1])[numbers]\n{_indented(call)}"
    )


def _either_targets(call: str) -> str:
    """A call with one-hot targets, and where that fails, with class numbers."""
    return (
        f"one_hot = t\ntry:\n{_indented(call)}\nexcept IndexError:\n"
        f"    t = one_hot.argmax(axis=1)\n{_indented(call)}"
    )
