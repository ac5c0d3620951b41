"""Each activation and each layer in C: the functions, and two tables with an entry each.

In the texts, ``@`` is the prefix of all names, ``real`` the type of numbers, ``$exp`` a function
of ``math.h`` for that type and ``0.5R`` a number of it; see `Program`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.nn import activations, layer_types
from chainrule.nn.activations import Activation
from chainrule.nn.images.geometry import Windows
from chainrule.nn.layer_types import Layer
from chainrule.runs.export.c_program import Program

FUNCTIONS: dict[str, str] = {}
"""The functions that layers use, by name, each behind those that it uses."""


def _elementwise(name: str, value: str, *options: str) -> None:
    """Declare the function that replaces each number z of an array by a value."""
    arguments = "".join(f", real {option}" for option in options)
    FUNCTIONS[name] = f"""\
static void @{name}(real *y, long count{arguments})
{{
    for (long k = 0; k < count; k++) {{
        const real z = y[k];
        y[k] = {value};
    }}
}}
"""


_elementwise("sigmoid", "z >= 0 ? 1.0R / (1.0R + $exp(-z)) : $exp(z) / (1.0R + $exp(z))")
_elementwise("tanh", "$tanh(z)")
_elementwise("relu", "z > 0 ? z : 0.0R")
_elementwise("leaky_relu", "z > 0 ? z : slope * z", "slope")
_elementwise("elu", "z > 0 ? z : alpha * $expm1(z)", "alpha")
_elementwise("selu", "scale * (z > 0 ? z : alpha * $expm1(z))", "alpha", "scale")
_elementwise("gelu", "z * (0.5R * $erfc(-z * 0.70710678118654752440R))")
_elementwise("silu", "z >= 0 ? z / (1.0R + $exp(-z)) : z * $exp(z) / (1.0R + $exp(z))")
_elementwise("softplus", "(z > 0 ? z : 0.0R) + $log1p($exp(-$fabs(z)))")
_elementwise("mish", "z * $tanh((z > 0 ? z : 0.0R) + $log1p($exp(-$fabs(z))))")
_elementwise("softsign", "z / (1.0R + $fabs(z))")

ACTIVATIONS: Mapping[type[Activation], Callable[[Any], tuple[str, tuple[float, ...]]]] = {
    activations.Linear: lambda phi: ("", ()),
    activations.Sigmoid: lambda phi: ("sigmoid", ()),
    activations.Tanh: lambda phi: ("tanh", ()),
    activations.ReLU: lambda phi: ("relu", ()),
    activations.LeakyReLU: lambda phi: ("leaky_relu", (phi.slope,)),
    activations.ELU: lambda phi: ("elu", (phi.alpha,)),
    activations.SELU: lambda phi: ("selu", (activations._SELU_ALPHA, activations._SELU_SCALE)),
    activations.GELU: lambda phi: ("gelu", ()),
    activations.SiLU: lambda phi: ("silu", ()),
    activations.Mish: lambda phi: ("mish", ()),
    activations.Softplus: lambda phi: ("softplus", ()),
    activations.Softsign: lambda phi: ("softsign", ()),
}
"""The function of each activation and its options."""

FUNCTIONS |= {
    "biases": """\
static void @biases(const real *b, real *z, long size)
{
    for (long j = 0; j < size; j++)
        z[j] = b ? b[j] : 0.0R;
}
""",
    "product": """\
/* z += x W, with W of (inputs, size) */
static void @product(const real *x, const real *W, real *z, long inputs, long size)
{
    for (long i = 0; i < inputs; i++)
        for (long j = 0; j < size; j++)
            z[j] += x[i] * W[i * size + j];
}
""",
    "length": """\
/* How many steps a case has before its padding, the steps whose numbers are all NAN */
static long @length(const real *x, long steps, long features)
{
    for (long n = 0; n < steps; n++) {
        long lost = 0;
        for (long k = 0; k < features; k++)
            lost += x[n * features + k] != x[n * features + k];
        if (lost == features)
            return n;
    }
    return steps;
}
""",
    "copy": """\
static void @copy(const real *x, real *y, long count)
{
    for (long k = 0; k < count; k++)
        y[k] = x[k];
}
""",
    "add": """\
static void @add(const real *x, real *y, long count)
{
    for (long k = 0; k < count; k++)
        y[k] += x[k];
}
""",
    "softmax": """\
static void @softmax(const real *z, real *s, long size)
{
    real most = z[0], total = 0;
    for (long k = 1; k < size; k++)
        most = z[k] > most ? z[k] : most;
    for (long k = 0; k < size; k++)
        total += s[k] = $exp(z[k] - most);
    for (long k = 0; k < size; k++)
        s[k] /= total;
}
""",
    "sigma": """\
static real @sigma(real z)
{
    return z >= 0 ? 1.0R / (1.0R + $exp(-z)) : $exp(z) / (1.0R + $exp(z));
}
""",
    "lstm": """\
/* The states h and c after a step, for z of the gates i, f, g, o side by side */
static void @lstm(const real *z, real *h, real *c, long size)
{
    for (long k = 0; k < size; k++) {
        c[k] = @sigma(z[size + k]) * c[k] + @sigma(z[k]) * $tanh(z[2 * size + k]);
        h[k] = @sigma(z[3 * size + k]) * $tanh(c[k]);
    }
}
""",
    "gru": """\
/* The state h after a step, for x W + b and h U of the gates r, u, g side by side */
static void @gru(const real *z, const real *m, real *h, long size)
{
    for (long k = 0; k < size; k++) {
        const real r = @sigma(z[k] + m[k]), u = z[size + k] + m[size + k];
        const real g = $tanh(z[2 * size + k] + r * m[2 * size + k]);
        h[k] = @sigma(-u) * g + @sigma(u) * h[k];
    }
}
""",
    "embed": """\
/* The vectors of class numbers, one behind the other: 0 for -1, NAN for a number of no class */
static void @embed(const real *x, const real *vectors, real *y, long count, long classes,
                   long size)
{
    for (long i = 0; i < count; i++) {
        const real number = x[i];
        for (long k = 0; k < size; k++) {
            if (number >= 0 && number < (real)classes && number == $floor(number))
                *y++ = vectors[(long)number * size + k];
            else
                *y++ = number == -1 ? 0.0R : (real)NAN;
        }
    }
}
""",
    "channel_means": """\
static void @channel_means(const real *x, real *y, long channels, long places)
{
    for (long c = 0; c < channels; c++) {
        real sum = 0;
        for (long k = 0; k < places; k++)
            sum += *x++;
        y[c] = sum / (real)places;
    }
}
""",
    "windows": """\
/* Where windows stand on an image: its sizes, those of a window and of the output, strides, and
 * the rows and columns of padding before the image. */
struct @windows {
    long channels, height, width, rows, columns, down, across, by_rows, by_columns, top, left;
};
""",
    "under": """\
/* The sum of W times what is under the window at place (i, j); padding is 0 */
static real @under(const real *x, const real *W, const struct @windows *at, long i, long j)
{
    real sum = 0;
    for (long c = 0; c < at->channels; c++)
        for (long p = 0; p < at->rows; p++)
            for (long q = 0; q < at->columns; q++) {
                const long row = i * at->by_rows + p - at->top;
                const long column = j * at->by_columns + q - at->left;
                const real w = *W++;
                if (row >= 0 && row < at->height && column >= 0 && column < at->width)
                    sum += w * x[(c * at->height + row) * at->width + column];
            }
    return sum;
}
""",
    "convolve": """\
static void @convolve(const real *x, const real *W, const real *b, real *z,
                      const struct @windows *at, long filters)
{
    const long size = at->channels * at->rows * at->columns;
    for (long f = 0; f < filters; f++)
        for (long i = 0; i < at->down; i++)
            for (long j = 0; j < at->across; j++)
                *z++ = (b ? b[f] : 0.0R) + @under(x, W + f * size, at, i, j);
}
""",
    "connect_locally": """\
static void @connect_locally(const real *x, const real *W, const real *b, real *z,
                             const struct @windows *at, long filters)
{
    const long size = at->channels * at->rows * at->columns;
    for (long f = 0; f < filters; f++)
        for (long i = 0; i < at->down; i++)
            for (long j = 0; j < at->across; j++) {
                const long own = (i * at->across + j) * filters + f;
                *z++ = (b ? b[own] : 0.0R) + @under(x, W + own * size, at, i, j);
            }
}
""",
    "max_pool": """\
static void @max_pool(const real *x, real *y, const struct @windows *at)
{
    for (long c = 0; c < at->channels; c++)
        for (long i = 0; i < at->down; i++)
            for (long j = 0; j < at->across; j++) {
                real most = 0;
                int found = 0;
                for (long p = 0; p < at->rows; p++)
                    for (long q = 0; q < at->columns; q++) {
                        const long row = i * at->by_rows + p - at->top;
                        const long column = j * at->by_columns + q - at->left;
                        if (row < 0 || row >= at->height || column < 0 || column >= at->width)
                            continue;
                        const real value = x[(c * at->height + row) * at->width + column];
                        if (!found || value > most || value != value)
                            most = value;
                        found = 1;
                    }
                *y++ = most;
            }
}
""",
    "average_pool": """\
static void @average_pool(const real *x, real *y, const struct @windows *at)
{
    for (long c = 0; c < at->channels; c++)
        for (long i = 0; i < at->down; i++)
            for (long j = 0; j < at->across; j++) {
                real sum = 0;
                for (long p = 0; p < at->rows; p++)
                    for (long q = 0; q < at->columns; q++) {
                        const long row = i * at->by_rows + p - at->top;
                        const long column = j * at->by_columns + q - at->left;
                        if (row >= 0 && row < at->height && column >= 0 && column < at->width)
                            sum += x[(c * at->height + row) * at->width + column];
                    }
                *y++ = sum / (real)(at->rows * at->columns);
            }
}
""",
    "scale_and_shift": """\
/* y = (x - mean) * scale + shift; each feature has its own, at `places` neighbours in x. */
static void @scale_and_shift(const real *x, real *y, const real *mean, const real *scale,
                             const real *shift, long count, long features, long places)
{
    for (long k = 0; k < count; k++) {
        const long f = k / places % features;
        y[k] = (x[k] - mean[f]) * scale[f] + shift[f];
    }
}
""",
    "layer_norm": """\
/* The numbers of x with the mean 0 and the variance 1, times gamma, plus beta. */
static void @layer_norm(const real *x, real *y, const real *gamma, const real *beta, long count,
                        real epsilon)
{
    real mean = 0, rest = 0, variance = 0;
    for (long k = 0; k < count; k++)
        mean += x[k] / (real)count;
    for (long k = 0; k < count; k++)
        rest += (x[k] - mean) / (real)count;
    for (long k = 0; k < count; k++) {
        const real away = x[k] - mean - rest;
        variance += away * away / (real)count;
    }
    for (long k = 0; k < count; k++)
        y[k] = (x[k] - mean - rest) / $sqrt(variance + epsilon) * gamma[k] + beta[k];
}
""",
}


# The statements of each layer


def _activate(program: Program, layer: Any, y: str, count: str) -> None:
    name, options = ACTIVATIONS[type(layer.activation)](layer.activation)
    if name:
        program.use(name)
        given = "".join(f", {program.number(option)}" for option in options)
        program.add(f"@{name}({y}, {count}{given});")


def _parameter(program: Program, layer: Any, name: str) -> str:
    """The constant of a parameter; 0, no array, where the layer does not have it."""
    if name not in layer.shapes():
        return "0"
    return program.constant(f"{layer.name}_{name}", getattr(layer, name))


def count_of(program: Program, layer: Any) -> str:
    """How many numbers a layer puts out, in C."""
    if layer.gives_sequences:
        return f"{program.steps} * {layer.output_shape[1]}"
    return str(layer.outputs)


def _per_step(program: Program, layer: Any, x: str, y: str) -> tuple[str, str, str]:
    """The beginning of a loop over steps, if the layer runs at each, and x and y of a step."""
    if not layer.at_each_step:
        return "", x, y
    features, size = layer.input_shape[1], layer.output_shape[1]
    loop = f"for (long n = 0; n < {program.steps}; n++)"
    return loop, f"{x} + n * {features}", f"{y} + n * {size}"


def _dense(program: Program, layer: Any, y: str, x: str) -> None:
    W, b = (_parameter(program, layer, name) for name in "Wb")
    inputs, size = layer.shapes()["W"]
    loop, x_now, y_now = _per_step(program, layer, x, y)
    program.use("biases", "product")
    start, end = ("", "") if not loop else (f"{loop} {{\n    ", "\n}")
    between = "\n" if not loop else "\n    "
    program.add(
        f"{start}@biases({b}, {y_now}, {size});{between}"
        f"@product({x_now}, {W}, {y_now}, {inputs}, {size});{end}"
    )
    _activate(program, layer, y, count_of(program, layer))


def _softmax(program: Program, layer: Any, y: str, x: str) -> None:
    loop, x_now, y_now = _per_step(program, layer, x, y)
    program.use("softmax")
    call = f"@softmax({x_now}, {y_now}, {layer.output_shape[-1]});"
    program.add(f"{loop}\n    {call}" if loop else call)


def _batch_norm(program: Program, layer: Any, y: str, x: str) -> None:
    """By the running statistics, as in evaluation."""
    scale = layer.gamma / np.sqrt(layer.variance + layer.epsilon)
    mean, shift = (_parameter(program, layer, name) for name in ("mean", "beta"))
    by = program.constant(f"{layer.name}_scale", scale)
    count, features = count_of(program, layer), len(scale)
    places = layer.outputs // features if len(layer.input_shape) == 3 else 1
    program.use("scale_and_shift")
    program.add(
        f"@scale_and_shift({x}, {y}, {mean}, {by}, {shift}, {count}, {features}, {places});"
    )
    _activate(program, layer, y, count)


def _layer_norm(program: Program, layer: Any, y: str, x: str) -> None:
    gamma, beta = (_parameter(program, layer, name) for name in ("gamma", "beta"))
    loop, x_now, y_now = _per_step(program, layer, x, y)
    size, epsilon = layer.gamma.size, program.number(layer.epsilon)
    program.use("layer_norm")
    call = f"@layer_norm({x_now}, {y_now}, {gamma}, {beta}, {size}, {epsilon});"
    program.add(f"{loop}\n    {call}" if loop else call)
    _activate(program, layer, y, count_of(program, layer))


def _windows(program: Program, layer: Any) -> str:
    """The constant that says where a layer's windows stand."""
    program.use("windows")
    w: Windows = layer.windows
    values = (w.channels, w.height, w.width, w.rows, w.columns, w.down, w.across, *w.stride)
    listed = ", ".join(map(str, (*values, w.padding[0], w.padding[2])))
    text = f"static const struct @windows {{}} = {{{listed}}};\n"
    program.stored += 4 * 11
    return program.declared(f"{layer.name}_windows", text)


def _filtered(function: str) -> Callable[..., None]:
    def statements(program: Program, layer: Any, y: str, x: str) -> None:
        W, b = (_parameter(program, layer, name) for name in "Wb")
        at = _windows(program, layer)
        program.use(function)
        program.add(f"@{function}({x}, {W}, {b}, {y}, &{at}, {layer.filters});")
        _activate(program, layer, y, str(layer.outputs))

    return statements


def _pool(function: str) -> Callable[..., None]:
    def statements(program: Program, layer: Any, y: str, x: str) -> None:
        at = _windows(program, layer)
        program.use(function)
        program.add(f"@{function}({x}, {y}, &{at});")

    return statements


def _recurrent(program: Program, layer: Any, y: str, x: str) -> None:
    z, h = program.buffer(layer.size), _starts(program, layer)
    with _steps(program, layer, y, *h):
        _fed(program, layer, x, z)
        _by_state(program, layer, h[0], z)
        _activate(program, layer, z, str(layer.size))
        program.add(f"@copy({z}, {h[0]}, {layer.size});")


def _lstm(program: Program, layer: Any, y: str, x: str) -> None:
    z, states = program.buffer(4 * layer.size), _starts(program, layer)
    program.use("lstm")
    with _steps(program, layer, y, *states):
        _fed(program, layer, x, z)
        _by_state(program, layer, states[0], z)
        program.add(f"@lstm({z}, {', '.join(states)}, {layer.size});")


def _gru(program: Program, layer: Any, y: str, x: str) -> None:
    size = layer.size
    z, m, h = program.buffer(3 * size), program.buffer(3 * size), _starts(program, layer)
    b_hn = _parameter(program, layer, "b_hn")
    program.use("gru")
    with _steps(program, layer, y, *h):
        _fed(program, layer, x, z)
        program.add(f"@biases(0, {m}, {2 * size});")
        program.add(f"@biases({b_hn}, {m} + {2 * size}, {size});")
        _by_state(program, layer, h[0], m)
        program.add(f"@gru({z}, {m}, {h[0]}, {size});")


def _starts(program: Program, layer: Any) -> list[str]:
    """The names of the layer's states, which get the values before the first step."""
    program.use("biases", "product", "copy")
    found = []
    for name in layer.state_names:
        values, state = getattr(layer, f"{name}0"), program.buffer(layer.size)
        start = program.constant(f"{layer.name}_{name}0", values) if np.any(values) else "0"
        program.add(f"@biases({start}, {state}, {layer.size});")
        found.append(state)
    return found


@contextmanager
def _steps(program: Program, layer: Any, y: str, h: str, *others: str) -> Iterator[None]:
    """The loop over the steps, behind whose statements h is put out."""
    program.add(f"for (long n = 0; n < {program.steps}; n++) {{")
    yield
    if not layer.only_last:
        program.add(f"@copy({h}, {y} + n * {layer.size}, {layer.size});")
    program.add("}")
    if layer.only_last:
        program.add(f"@copy({h}, {y}, {layer.size});")


def _fed(program: Program, layer: Any, x: str, z: str) -> None:
    """z = x(n) W + b."""
    W, b = _parameter(program, layer, "W"), _parameter(program, layer, "b")
    features, width = layer.shapes()["W"]
    program.add(f"@biases({b}, {z}, {width});")
    program.add(f"@product({x} + n * {features}, {W}, {z}, {features}, {width});")


def _by_state(program: Program, layer: Any, h: str, z: str) -> None:
    """z += h(n−1) U."""
    size, width = layer.shapes()["U"]
    U = _parameter(program, layer, "U")
    program.add(f"@product({h}, {U}, {z}, {size}, {width});")


def _embedding(program: Program, layer: Any, y: str, x: str) -> None:
    vectors = _parameter(program, layer, "E")
    classes, size = layer.shapes()["E"]
    loop, x_now, y_now = _per_step(program, layer, x, y)
    program.use("embed")
    count = layer.input_shape[-1]
    call = f"@embed({x_now}, {vectors}, {y_now}, {count}, {classes}, {size});"
    program.add(f"{loop}\n    {call}" if loop else call)


def _global_average_pool2d(program: Program, layer: Any, y: str, x: str) -> None:
    program.use("channel_means")
    channels, height, width = layer.input_shape
    program.add(f"@channel_means({x}, {y}, {channels}, {height * width});")


def _add(program: Program, layer: Any, y: str, *sources: str) -> None:
    program.use("copy", "add")
    count = count_of(program, layer)
    for k, x in enumerate(sources):
        program.add(f"@{'add' if k else 'copy'}({x}, {y}, {count});")


def _concatenate(program: Program, layer: Any, y: str, *sources: str) -> None:
    program.use("copy")
    if not layer.gives_sequences:
        start = 0
        for x, width in zip(sources, layer._widths, strict=True):
            program.add(f"@copy({x}, {y} + {start}, {width});")
            start += width
        return
    steps, size = layer.output_shape
    program.add(f"for (long n = 0; n < {program.steps}; n++) {{")
    start = 0
    for x, width in zip(sources, layer._widths, strict=True):
        own = width // steps
        program.add(f"@copy({x} + n * {own}, {y} + n * {size} + {start}, {own});")
        start += own
    program.add("}")


LAYERS: Mapping[type[Layer], Callable[..., None] | None] = {
    layer_types.Dense: _dense,
    layer_types.Softmax: _softmax,
    layer_types.Recurrent: _recurrent,
    layer_types.LSTM: _lstm,
    layer_types.GRU: _gru,
    layer_types.Conv2D: _filtered("convolve"),
    layer_types.LocallyConnected2D: _filtered("connect_locally"),
    layer_types.MaxPool2D: _pool("max_pool"),
    layer_types.AveragePool2D: _pool("average_pool"),
    layer_types.BatchNorm: _batch_norm,
    layer_types.LayerNorm: _layer_norm,
    layer_types.GlobalAveragePool2D: _global_average_pool2d,
    layer_types.Embedding: _embedding,
    layer_types.Flatten: None,
    layer_types.Dropout: None,
    layer_types.Add: _add,
    layer_types.Concatenate: _concatenate,
}
"""The statements of each layer, from the program, the layer, and the names of the output and of
the sources; None where the output is the source as it is."""
