"""Convolution of images: both passes line by line, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.marking.program import Gradient, Line, Probe, Program, Variation
from chainrule.marking.programs.variations import bug, convention
from chainrule.marking.programs.windows import FUNCTIONS, image_case


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
    yield from _kernels_turned()
    yield from _biases_and_channels()
    yield from _padding_and_windows()


def _kernels_turned() -> Iterator[Variation]:
    """The convolution of mathematics, which turns the kernel."""
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


def _biases_and_channels() -> Iterator[Variation]:
    """The bias, and the sum over the channels."""
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
        "bias_for_each_channel@out",
        "the bias is added once for every channel of the input",
        "The bias stands within the loop over the channels; each output has it once.",
        "Put in x = 0: what should come out?",
        out="product + b[:, None, None] * x.shape[1]",
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


def _padding_and_windows() -> Iterator[Variation]:
    """The padding, and windows or cases that are left out."""
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
        "first_case@out",
        "only the first case is computed",
        "A return one level too deep in the loops ends them after the first case; the others stay "
        "0.",
        "Print the output of two equal cases.",
        out="only_first(RIGHT)",
    )
    yield bug(
        "first_window@out",
        "only the first window is computed",
        "A return (or a write) one level too deep in the loops leaves the other places at 0.",
        "Print the output of an image of ones.",
        out="np.where(np.arange(dout[0, 0].size).reshape(dout[0, 0].shape) == 0, RIGHT, 0.0)",
    )


def _convolution_x() -> Iterator[Variation]:
    yield from _cropped()
    yield from _filters_of_x()
    yield from _windows_of_x()


def _cropped() -> Iterator[Variation]:
    """How the padding is cut off again."""
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


def _filters_of_x() -> Iterator[Variation]:
    """The sum over the filters, and their kernels."""
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


def _windows_of_x() -> Iterator[Variation]:
    """Where the windows of the gradient lie."""
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
        "first_case@dx",
        "only the first case has a gradient",
        "A return one level too deep in the loops ends them after the first case; the others stay "
        "0.",
        "Print dx of two equal cases.",
        dx="only_first(RIGHT)",
    )
    yield bug(
        "first_window@dx",
        "only the first window gets a gradient",
        "A return (or a write) one level too deep in the loops leaves out the other windows.",
        "Print dx for dout of ones.",
        dpadded="added_back(alone(dseen, 0, 0), padded.shape, stride)",
    )


def _convolution_w() -> Iterator[Variation]:
    yield from _sums_of_w()
    yield from _products_of_w()


def _sums_of_w() -> Iterator[Variation]:
    """The sums over the cases and the places."""
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


def _products_of_w() -> Iterator[Variation]:
    """What the upstream is multiplied by."""
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


_BIASES = {
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
"""What goes wrong in ∂L/∂b: the title, the sentence and the rule of each bug."""


def _convolution_b() -> Iterator[Variation]:
    for name, (title, sentence, rule) in _BIASES.items():
        hint = "To how many numbers of the output is one b added?"
        yield bug(name, title, sentence, hint, db=rule)


def _convolution_probes() -> Iterator[Probe]:
    rng = np.random.default_rng(36)

    def made(*given: Any) -> tuple[dict[str, Any], ...]:
        return (image_case(rng, *given),)

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
