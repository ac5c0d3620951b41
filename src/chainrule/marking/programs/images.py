"""Convolution and pooling of images, by windows: both passes line by line, and what goes wrong.

The windows of an image are gathered once, as an array (N, C, rows, columns, height, width): each
pass is then a product and a sum, and going back is adding every window to where it came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import Gradient, Line, Probe, Program, Variation
from chainrule.marking.programs.variations import bug, convention


def windows(x: Array, height: int, width: int, stride: int) -> Array:
    """All windows of images (N, C, H, W): (N, C, rows, columns, height, width)."""
    seen = np.lib.stride_tricks.sliding_window_view(x, (height, width), axis=(2, 3))
    return seen[:, :, ::stride, ::stride]


def added_back(windows: Array, shape: tuple[int, ...], stride: int) -> Array:
    """Every window added to the place in images of ``shape`` that it was cut from."""
    found = np.zeros(shape)
    rows, columns, height, width = windows.shape[2:]
    for i in range(height):
        for j in range(width):
            to = np.s_[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]
            found[to] += windows[..., i, j]
    return found


def written_back(windows: Array, shape: tuple[int, ...], stride: int) -> Array:
    """Every window written, not added: where windows overlap, the last one is left."""
    found = np.zeros(shape)
    rows, columns, height, width = windows.shape[2:]
    for r in range(rows):
        for c in range(columns):
            at = np.s_[:, :, r * stride : r * stride + height, c * stride : c * stride + width]
            found[at] = windows[:, :, r, c]
    return found


def written_where(windows: Array, mask: Array, shape: tuple[int, ...], stride: int) -> Array:
    """The entries of every window at which ``mask`` is true written, not added."""
    found = np.zeros(shape)
    rows, columns, height, width = windows.shape[2:]
    for r in range(rows):
        for c in range(columns):
            at = np.s_[:, :, r * stride : r * stride + height, c * stride : c * stride + width]
            found[at] = np.where(mask[:, :, r, c], windows[:, :, r, c], found[at])
    return found


def first_of(mask: Array) -> Array:
    """Only the first entry of each window, row by row, at which ``mask`` is true."""
    flat = mask.reshape(*mask.shape[:-2], -1)
    first = np.zeros_like(flat)
    np.put_along_axis(first, flat.argmax(axis=-1)[..., None], 1, axis=-1)
    return first.reshape(mask.shape)


def last_of(mask: Array) -> Array:
    """Only the last entry of each window, row by row, at which ``mask`` is true."""
    return first_of(mask[..., ::-1, ::-1])[..., ::-1, ::-1]


def alone(windows: Array, row: int, column: int) -> Array:
    """The windows with all but the one at a place set to 0."""
    found = np.zeros_like(windows)
    found[:, :, row, column] = windows[:, :, row, column]
    return found


FUNCTIONS = {
    function.__name__: function
    for function in (windows, added_back, written_back, written_where, first_of, last_of, alone)
}


def convolution() -> Program:
    """Convolution: out = Σ w · window + b, and ∂L/∂x, ∂L/∂w, ∂L/∂b from ``dout`` = ∂L/∂out.

    As in every network library it is the cross-correlation: the kernel is not turned round.
    Inputs: ``x`` (N, C, H, W), ``w`` (F, C, height, width), ``b`` (F,), ``stride``, ``pad`` on
    each side, and ``dout`` (N, F, rows, columns).
    """
    return Program(
        "convolution",
        tuple(_convolution_lines()),
        (*_convolution_forward(), *_convolution_x(), *_convolution_w(), *_convolution_b()),
        tuple(_convolution_probes()),
        FUNCTIONS,
        {f"d{name}": Gradient("out", name, "dout") for name in ("x", "w", "b")},
    )


def _convolution_lines() -> Iterator[Line]:
    yield Line("N", "len(x)", "the number of cases", "forward")
    yield Line("edge", "(pad, pad)", "the padding of a side", "forward")
    yield Line("padded", "np.pad(x, ((0, 0), (0, 0), edge, edge))", "x with padding", "forward")
    rule = "windows(padded, w.shape[2], w.shape[3], stride)"
    yield Line("seen", rule, "the windows of x", "forward")
    rule = "np.einsum('ncrshw,fchw->nfrs', seen, w)"
    yield Line("product", rule, "the windows times the kernels", "forward")
    yield Line("out", "product + b[:, None, None]", "the output", "forward")
    rule = "np.einsum('nfrs,fchw->ncrshw', dout, w)"
    yield Line("dseen", rule, "∂L/∂(windows)", "backward")
    yield Line("dpadded", "added_back(dseen, padded.shape, stride)", "∂L/∂(padded x)", "backward")
    rule = "dpadded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]]"
    yield Line("dx", rule, "∂L/∂x", "backward")
    yield Line("dw", "np.einsum('nfrs,ncrshw->fchw', dout, seen)", "∂L/∂w", "backward")
    yield Line("db", "dout.sum(axis=(0, 2, 3))", "∂L/∂b", "backward")


def _convolution_forward() -> Iterator[Variation]:
    turned = "w[:, :, ::-1, ::-1]"
    yield convention(
        "kernel_turned",
        "kernel",
        "the kernel is turned round",
        "This is the convolution of signal processing, forward and back; network libraries do not "
        "turn the kernel. What is learned is the same, turned round.",
        product=f"np.einsum('ncrshw,fchw->nfrs', seen, {turned})",
        dseen=f"np.einsum('nfrs,fchw->ncrshw', dout, {turned})",
        dw="RIGHT[:, :, ::-1, ::-1]",
    )
    yield bug(
        "kernel_turned@out",
        "the kernel is turned round in the forward pass alone",
        "Forward and backward pass must use the kernel the same way round.",
        "Try a kernel with a single 1 that is not in its middle.",
        product=f"np.einsum('ncrshw,fchw->nfrs', seen, {turned})",
    )
    yield bug(
        "bias_left_out@out",
        "the bias is left out of the forward pass",
        "Each filter adds its b to every place of its output; the code does not.",
        "Put in x = 0: what should come out?",
        out="product",
    )
    yield bug(
        "bias_twice@out",
        "the bias is added twice",
        "The output is Σ w·window + 2b.",
        "Put in x = 0: what should come out?",
        out="RIGHT + b[:, None, None]",
    )
    yield bug(
        "bias_for_each_entry@out",
        "the bias is added once for every entry of the window",
        "The bias stands within the sum over the window, so b is counted C·height·width times.",
        "Put in x = 0: what should come out?",
        out="product + b[:, None, None] * w[0].size",
    )
    yield bug(
        "first_channel@out",
        "only the first channel of the input is seen",
        "Each filter has a slice for every input channel, and all of them are added.",
        "Change the second channel of x: does the output change?",
        product="np.einsum('nrshw,fhw->nfrs', seen[:, 0], w[:, 0])",
    )
    yield bug(
        "last_channel@out",
        "the sum over the input channels keeps the last channel alone",
        "With = in place of += in the loop over the channels, each writes over the one before.",
        "Change the first channel of x: does the output change?",
        product="np.einsum('nrshw,fhw->nfrs', seen[:, -1], w[:, -1])",
    )
    yield bug(
        "no_padding@out",
        "the padding is left out",
        "x is not surrounded by zeros, so the output is smaller than (H + 2·pad − h)/stride + 1.",
        "Compare the shapes of the output for pad 0 and pad 1.",
        edge="(0, 0)",
    )
    yield bug(
        "edge_padding@out",
        "x is padded by its own edge, not by zeros",
        "np.pad has several modes; the layer surrounds x by zeros ('constant').",
        "Print the padded image.",
        padded="np.pad(x, ((0, 0), (0, 0), edge, edge), mode='edge')",
    )
    yield bug(
        "first_window@out",
        "only the first window is computed",
        "A return (or a write) one level too deep in the loops leaves the other places at 0.",
        "Print the output of an image of ones.",
        out="np.where(np.arange(dout[0, 0].size).reshape(dout[0, 0].shape) == 0, RIGHT, 0.0)",
    )


def _convolution_x() -> Iterator[Variation]:
    yield bug(
        "cropped_by_minus_pad@dx",
        "the padding is cut off with pad:-pad, which is empty for pad 0",
        "-0 is 0, and x[0:0] has nothing in it: without padding the gradient is an empty array. "
        "pad : pad + H works for every pad.",
        "What is a[0:-0] of a list a?",
        5,
        dx="dpadded[:, :, pad:-pad, pad:-pad]",
    )
    yield bug(
        "not_cropped@dx",
        "∂L/∂x still has the padding",
        "The zeros around x are no part of the input; their gradient has to be cut off so that "
        "dx has the shape of x.",
        "Compare x.shape and dx.shape for pad 1.",
        dx="dpadded",
    )
    yield bug(
        "cropped_wrongly@dx",
        "the padding is cut off at one side alone",
        "The padded image has pad rows at the top and pad rows at the bottom; x begins at "
        "row pad, not at row 0.",
        "Where in the padded image does x begin?",
        dx="dpadded[:, :, : x.shape[2], : x.shape[3]]",
    )
    yield bug(
        "assigned@dx",
        "∂L/∂x is assigned, not added, where windows overlap",
        "A pixel lies in several windows, and each adds to its gradient. With = in place of += "
        "the last window writes over the others.",
        "In how many windows is the middle of a 3×3 image with a 2×2 kernel and stride 1?",
        4,
        dpadded="written_back(dseen, padded.shape, stride)",
    )
    yield bug(
        "assigned_by_filter@dx",
        "∂L/∂x is assigned, not added, where windows overlap and filter by filter",
        "A pixel lies in several windows and goes into every filter, and each adds to its "
        "gradient. With = in place of += the last filter at the last window is left.",
        "In how many products of the forward pass does one pixel stand?",
        3,
        dpadded="written_back(np.einsum('nrs,chw->ncrshw', dout[:, -1], w[-1]), padded.shape, "
        "stride)",
    )
    yield bug(
        "kernel_turned@dx",
        "the kernel is turned round in ∂L/∂x where windows are added back",
        "Adding w·dout to each window already runs the kernel backwards; turning it as well is "
        "right only in the form of a full convolution of dout.",
        "Try a kernel with a single 1 that is not in its middle.",
        dseen="np.einsum('nfrs,fchw->ncrshw', dout, w[:, :, ::-1, ::-1])",
    )
    yield bug(
        "last_filter@dx",
        "only the last filter is in ∂L/∂x",
        "x goes into every filter, so dx is a sum over the filters; with = in place of += each "
        "one writes over the one before.",
        "Set all filters but the first to 0: is dx right?",
        dseen="np.einsum('nrs,chw->ncrshw', dout[:, -1], w[-1])",
    )
    yield bug(
        "first_filter@dx",
        "only the first filter is in ∂L/∂x",
        "x goes into every filter, so dx is a sum over the filters.",
        "Set the first filter to 0: is dx right?",
        dseen="np.einsum('nrs,chw->ncrshw', dout[:, 0], w[0])",
    )
    yield bug(
        "no_upstream@dx",
        "dout is left out of ∂L/∂x",
        "By the chain rule each window gets w times its dout; the code adds w alone.",
        "Call backward twice, the second time with 2·dout: what has to happen to dx?",
        dseen="np.einsum('nfrs,fchw->ncrshw', np.ones_like(dout), w)",
    )
    yield bug(
        "averaged_again@dx",
        "∂L/∂x is divided by N within the layer",
        "Each image has a gradient of its own, so there is nothing to average.",
        "Which line of the derivation of the *layer* has the number of cases in it?",
        dx="RIGHT / N",
    )
    yield bug(
        "stride_left_out@dx",
        "∂L/∂x is put back as if the stride were 1",
        "The window of output place (r, c) begins at (r·stride, c·stride) of the padded image; "
        "the code uses (r, c).",
        "Which pixels does output place (1, 1) see when the stride is 2?",
        dpadded="added_back(dseen, padded.shape, 1)",
    )
    yield bug(
        "first_window@dx",
        "only the first window gets a gradient",
        "A return (or a write) one level too deep in the loops leaves out the other windows.",
        "Print dx for dout of ones.",
        dpadded="added_back(alone(dseen, 0, 0), padded.shape, stride)",
    )


def _convolution_w() -> Iterator[Variation]:
    yield bug(
        "assigned@dw",
        "∂L/∂w is assigned, not added, window by window",
        "The same kernel is used in every window, so its gradient is the sum over all of them. "
        "With = in place of += the last one is left.",
        "At how many places is one entry of the kernel used?",
        3,
        dw="np.einsum('f,chw->fchw', dout[-1, :, -1, -1], seen[-1, :, -1, -1])",
    )
    yield bug(
        "last_window@dw",
        "only the last window is in ∂L/∂w",
        "The same kernel is used in every window, so its gradient is the sum over all of them. "
        "With = in place of += in the loop over the places the last one is left.",
        "At how many places is one entry of the kernel used?",
        2,
        dw="np.einsum('nf,nchw->fchw', dout[:, :, -1, -1], seen[:, :, -1, -1])",
    )
    yield bug(
        "last_case@dw",
        "only the last case is in ∂L/∂w",
        "The kernel is shared by all cases, so its gradient is a sum over them; with = in place "
        "of += each case writes over the one before.",
        "Compare dw of one case with that of the same case twice.",
        dw="np.einsum('frs,crshw->fchw', dout[-1], seen[-1])",
    )
    yield bug(
        "first_case@dw",
        "only the first case is in ∂L/∂w",
        "The kernel is shared by all cases, so its gradient is a sum over them.",
        "Compare dw of one case with that of the same case twice.",
        dw="np.einsum('frs,crshw->fchw', dout[0], seen[0])",
    )
    yield bug(
        "averaged_again@dw",
        "∂L/∂w is divided by N within the layer",
        "dw is the sum over the cases. The 1/N of a mean loss is in dout already.",
        "Which line of the derivation of the *layer* has the number of cases in it?",
        dw="RIGHT / N",
    )
    yield bug(
        "averaged_over_places@dw",
        "∂L/∂w is averaged over the places of the kernel",
        "dw is the sum over all places where the kernel was used, and the code takes the mean.",
        "Does dw grow when the image grows?",
        dw="RIGHT / dout[0, 0].size",
    )
    yield bug(
        "no_upstream@dw",
        "dout is left out of ∂L/∂w",
        "By the chain rule each window is multiplied by its dout; the code adds up windows alone.",
        "Call backward twice, the second time with 2·dout: what has to happen to dw?",
        dw="np.einsum('nfrs,ncrshw->fchw', np.ones_like(dout), seen)",
    )
    yield bug(
        "without_padding@dw",
        "∂L/∂w is made from windows of x without its padding",
        "The forward pass saw windows of the padded image; backward cuts them out of x itself, so "
        "that they are shifted by pad.",
        "Which image did forward slide the kernel over?",
        dw="np.einsum('nfrs,ncrshw->fchw', dout, windows(np.pad(x, ((0, 0), (0, 0), "
        "(0, 2 * pad), (0, 2 * pad))), w.shape[2], w.shape[3], stride))",
    )
    yield bug(
        "kernel_turned@dw",
        "∂L/∂w is turned round",
        "The entry (i, j) of dw belongs to the entry (i, j) of w; the code turns it by 180°.",
        "Try dout with a single 1.",
        dw="RIGHT[:, :, ::-1, ::-1]",
    )
    yield bug(
        "first_window@dw",
        "only the first window is in ∂L/∂w",
        "A return (or a write) one level too deep in the loops leaves out the other windows.",
        "Print dw for an image of ones.",
        dw="np.einsum('nf,nchw->fchw', dout[:, :, 0, 0], seen[:, :, 0, 0])",
    )


def _convolution_b() -> Iterator[Variation]:
    rules = {
        "bias_of_places@db": (
            "∂L/∂b is summed over the places of the last case alone",
            "The bias of a filter is added at every place of every case, so its gradient is a "
            "sum over both.",
            "dout[-1].sum(axis=(1, 2))",
        ),
        "bias_of_first_case@db": (
            "∂L/∂b has the first case alone",
            "The bias of a filter is added in every case, so its gradient sums over the cases.",
            "dout[0].sum(axis=(1, 2))",
        ),
        "assigned@db": (
            "∂L/∂b is assigned, not added, place by place",
            "The bias of a filter is added at every place, so its gradient is the sum over all of "
            "them. With = in place of += the last one is left.",
            "dout[-1, :, -1, -1]",
        ),
        "bias_averaged@db": (
            "∂L/∂b is divided by N",
            "db is the sum over cases and places. The 1/N of a mean loss is in dout already.",
            "RIGHT / N",
        ),
        "bias_averaged_over_all@db": (
            "∂L/∂b is a mean over cases and places where it is a sum",
            "b is added at every place of every case, so its gradient is the sum of dout there.",
            "dout.mean(axis=(0, 2, 3))",
        ),
        "bias_of_all_units@db": (
            "∂L/∂b is summed over the filters as well",
            "Every filter has a bias of its own, whose gradient is the sum over its own output.",
            "dout.sum()",
        ),
        "bias_of_all_units_everywhere@db": (
            "∂L/∂b is one number, the same for all filters",
            "Every filter has a bias of its own, whose gradient is the sum over its own output.",
            "np.full(b.shape, dout.sum())",
        ),
        "wrong_axis@db": (
            "∂L/∂b is summed over the filters in place of the cases",
            "Axis 1 is the filters, and it is the one that must stay.",
            "dout.sum(axis=(1, 2, 3))",
        ),
        "bias_of_cases@db": (
            "∂L/∂b is summed over the cases alone",
            "The bias of a filter is added at every place as well, so the sum runs over the axes "
            "0, 2 and 3.",
            "dout.sum(axis=0)",
        ),
        "no_upstream@db": (
            "∂L/∂b counts places: dout is left out",
            "∂out/∂b is 1 at each place; by the chain rule it is multiplied by dout, then summed.",
            "np.full(b.shape, float(N * dout[0, 0].size))",
        ),
        "ones@db": (
            "∂L/∂b is all ones: dout is left out",
            "∂out/∂b is 1, and by the chain rule it is multiplied by dout and summed.",
            "np.ones(b.shape)",
        ),
        "never_computed@db": (
            "∂L/∂b is never computed",
            "db stays as it was made, zeros, so the biases never learn.",
            "np.zeros(b.shape)",
        ),
    }
    for name, (title, sentence, rule) in rules.items():
        hint = "To how many numbers of the output is one b added?"
        yield bug(name, title, sentence, hint, db=rule)


def _image_case(
    rng: np.random.Generator,
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: int,
    pad: int,
) -> dict[str, Any]:
    """Images of ``sizes`` (N, C, H, W) and kernels (F, height, width)."""
    filters, height, width = kernel
    rows = (sizes[2] + 2 * pad - height) // stride + 1
    columns = (sizes[3] + 2 * pad - width) // stride + 1
    return {
        "x": rng.normal(size=sizes),
        "w": rng.normal(size=(filters, sizes[1], height, width)),
        "b": rng.normal(size=filters),
        "stride": stride,
        "pad": pad,
        "dout": rng.normal(size=(sizes[0], filters, rows, columns)),
    }


def _convolution_probes() -> Iterator[Probe]:
    rng = np.random.default_rng(36)

    def made(*given: Any) -> tuple[dict[str, Any], ...]:
        return (_image_case(rng, *given),)

    why = "padding 1, and windows that overlap"
    yield Probe("padded", why, made((3, 2, 5, 4), (4, 3, 3), 1, 1))
    yield Probe("stride 2", "windows further apart", made((2, 3, 6, 5), (2, 2, 3), 2, 1))
    why = "no padding: what cuts it off must still work"
    yield Probe("padding 0", why, made((2, 2, 5, 5), (3, 3, 2), 1, 0))
    why = "as many cases, channels and filters: a wrong axis fits"
    yield Probe("square", why, made((3, 3, 4, 4), (3, 2, 2), 2, 0))
    yield Probe(
        "one case", "N = 1: a mean and a sum are the same", made((1, 2, 4, 4), (2, 3, 3), 1, 1)
    )


def max_pool() -> Program:
    """Max pooling: the largest of each window, and ∂L/∂x from ``dout`` = ∂L/∂out.

    Where several entries of a window are the largest, the first gets the gradient; all, or
    a part each, are conventions. Inputs: ``x`` (N, C, H, W), ``height``, ``width``, ``stride``,
    and ``dout`` (N, C, rows, columns).
    """
    return Program(
        "max pooling",
        (
            *_pool_lines("seen.max(axis=(4, 5))"),
            Line("largest", "seen == out[..., None, None]", "where the maximum is", "backward"),
            Line("mask", "first_of(largest)", "the entry that gets the gradient", "backward"),
            Line("dseen", "mask * dout[..., None, None]", "∂L/∂(windows)", "backward"),
            Line("dx", "added_back(dseen, x.shape, stride)", "∂L/∂x", "backward"),
        ),
        (*_max_variations(), *_pool_variations()),
        tuple(_pool_probes()),
        FUNCTIONS,
        {"dx": Gradient("out", "x", "dout")},
    )


def _pool_lines(rule: str) -> Iterator[Line]:
    yield Line("seen", "windows(x, height, width, stride)", "the windows of x", "forward")
    yield Line("out", rule, "the output", "forward")


def average_pool() -> Program:
    """Average pooling: the mean of each window, and ∂L/∂x from ``dout`` = ∂L/∂out.

    Inputs: as those of `max_pool`.
    """
    spread = "np.ones(seen.shape) * dout[..., None, None] / (height * width)"
    return Program(
        "average pooling",
        (
            *_pool_lines("seen.mean(axis=(4, 5))"),
            Line("dseen", spread, "∂L/∂(windows)", "backward"),
            Line("dx", "added_back(dseen, x.shape, stride)", "∂L/∂x", "backward"),
        ),
        (*_average_variations(), *_pool_variations()),
        tuple(_pool_probes()),
        FUNCTIONS,
        {"dx": Gradient("out", "x", "dout")},
    )


def _max_variations() -> Iterator[Variation]:
    for name, title, rule in (
        ("ties_to_all", "of equal maxima each gets the whole gradient", "largest"),
        ("ties_to_last", "of equal maxima the last gets the gradient", "last_of(largest)"),
        (
            "ties_split",
            "equal maxima share the gradient",
            "largest / largest.sum(axis=(4, 5), keepdims=True)",
        ),
    ):
        yield convention(
            name,
            "ties",
            title,
            "The maximum has no derivative where two entries are equal, so this is a choice. "
            "Libraries give it to the first.",
            mask=rule,
        )
    yield bug(
        "average_out@dx",
        "the gradient of max pooling is spread over the window",
        "Only the largest entry of a window moves its maximum, so it gets all of the gradient; "
        "this is the gradient of average pooling.",
        "Change an entry of the window that is not the largest: does the output change?",
        mask="np.ones(seen.shape) / (height * width)",
    )
    yield bug(
        "whole_window@dx",
        "every entry of the window gets the whole gradient",
        "Only the largest entry of a window moves its maximum; the mask is missing.",
        "Change an entry of the window that is not the largest: does the output change?",
        mask="np.ones(seen.shape)",
    )
    yield bug(
        "both_poolings@dx",
        "the gradients of max and of average pooling are added",
        "Only the one that the forward pass used belongs in dx.",
        "Which branch does backward take, and does it take both?",
        mask="RIGHT + np.ones(seen.shape) / (height * width)",
    )
    yield bug(
        "assigned@dx",
        "∂L/∂x is assigned, not added, where windows overlap",
        "A pixel that lies in several windows gets a gradient from each. With = in place of += "
        "the last window writes over the others; with 2×2 windows at stride 2 nothing overlaps, "
        "and it does not show.",
        "Try 3×3 windows at stride 2.",
        5,
        dx="written_where(dseen, mask, x.shape, stride)",
    )
    yield bug(
        "value_times_upstream@dx",
        "the maximum itself is multiplied into the gradient",
        "∂max/∂x is 1 at the largest entry, not its value.",
        "Double x: should dx double?",
        dseen="RIGHT * out[..., None, None]",
    )
    yield bug(
        "minimum@out",
        "the smallest of the window is taken",
        "Max pooling keeps the largest entry of each window.",
        "Pool a window whose entries you know.",
        out="seen.min(axis=(4, 5))",
    )
    yield bug(
        "average@out",
        "the mean of the window is taken",
        "Max pooling keeps the largest entry of each window; this is average pooling.",
        "Pool a window whose entries you know.",
        out="seen.mean(axis=(4, 5))",
        largest="seen == seen.max(axis=(4, 5), keepdims=True)",
    )
    yield bug(
        "from_zero@out",
        "the search for the maximum starts at 0",
        "Where every entry of a window is negative, the maximum is negative; a search that starts "
        "at 0 never finds it.",
        "Pool a window of negative numbers.",
        out="np.maximum(seen.max(axis=(4, 5)), 0.0)",
    )


def _average_variations() -> Iterator[Variation]:
    yield bug(
        "not_divided@dx",
        "1/(height·width) is missing in ∂L/∂x",
        "Each entry of a window has the weight 1/(height·width) in its mean, and so its part of "
        "the gradient.",
        "Raise one entry by 1: by how much does the mean grow?",
        dseen="np.ones(seen.shape) * dout[..., None, None]",
    )
    yield bug(
        "summed@out",
        "the window is summed, not averaged",
        "Average pooling divides by the number of entries of the window.",
        "Pool a window of ones.",
        out="seen.sum(axis=(4, 5))",
    )
    yield bug(
        "maximum@out",
        "the largest of the window is taken",
        "Average pooling takes the mean of each window; this is max pooling.",
        "Pool a window whose entries you know.",
        out="seen.max(axis=(4, 5))",
    )


def _pool_variations() -> Iterator[Variation]:
    yield bug(
        "window_overwritten@dx",
        "each window overwrites all of its pixels in ∂L/∂x",
        "A window writes its zeros over what a window before it gave to the same pixels; where "
        "windows overlap, += has to stand in place of =.",
        "Try 3×3 windows at stride 2.",
        4,
        dx="written_back(dseen, x.shape, stride)",
    )
    yield bug(
        "no_upstream@dx",
        "dout is left out of ∂L/∂x",
        "By the chain rule each window's derivative is multiplied by its dout.",
        "Call backward twice, the second time with 2·dout: what has to happen to dx?",
        dseen="RIGHT / dout[..., None, None]",
    )
    yield bug(
        "stride_left_out@dx",
        "∂L/∂x is put back as if the stride were 1",
        "The window of output place (r, c) begins at (r·stride, c·stride) of the image; the code "
        "uses (r, c).",
        "Which pixels does output place (1, 1) see when the stride is 2?",
        dx="added_back(dseen, x.shape, 1)",
    )
    yield bug(
        "first_window@out",
        "only the first window is pooled",
        "A return (or a write) one level too deep in the loops leaves the other places at 0.",
        "Print the output of an image of ones.",
        out="np.where(np.arange(dout[0, 0].size).reshape(dout[0, 0].shape) == 0, RIGHT, 0.0)",
    )
    yield bug(
        "first_window@dx",
        "only the first window gets a gradient",
        "A return (or a write) one level too deep in the loops leaves out the other windows.",
        "Print dx for dout of ones.",
        dx="added_back(alone(dseen, 0, 0), x.shape, stride)",
    )


def _pool_probes() -> Iterator[Probe]:
    rng = np.random.default_rng(37)

    def made(sizes: tuple[int, ...], window: tuple[int, int], stride: int) -> dict[str, Any]:
        case = _image_case(rng, sizes, (sizes[1], *window), stride, 0)
        return {
            "x": case["x"],
            "height": window[0],
            "width": window[1],
            "stride": stride,
            "dout": case["dout"],
        }

    plain = made((3, 2, 4, 6), (2, 2), 2)
    yield Probe("apart", "windows side by side, the usual case", (plain,))
    why = "windows that overlap: their gradients add"
    yield Probe("overlapping", why, (made((2, 3, 5, 7), (3, 3), 2), made((2, 2, 4, 4), (2, 3), 1)))
    tied = made((2, 2, 4, 4), (2, 2), 2)
    tied["x"] = rng.integers(0, 2, size=tied["x"].shape).astype(float)
    yield Probe("ties", "equal maxima in one window: a choice", (tied,))
    negative = made((1, 2, 4, 4), (2, 2), 2)
    negative["x"] = -np.abs(negative["x"]) - 0.5
    yield Probe("negative", "a maximum below 0", (negative,))
