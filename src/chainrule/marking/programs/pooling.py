"""Max and average pooling of images: both passes line by line, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.marking.program import Gradient, Line, Probe, Program, Variation
from chainrule.marking.programs.variations import bug, convention
from chainrule.marking.programs.windows import FUNCTIONS, image_case


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
            Line(
                "near",
                "windows(x, height, width, 1)[:, :, : out.shape[2], : out.shape[3]]",
                "the windows side by side, without stride",
                "backward",
            ),
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
    yield from _maxima()
    yield from _windows_of_maxima()
    yield from _other_poolings()


def _maxima() -> Iterator[Variation]:
    """Which of the entries of a window get the gradient."""
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


def _windows_of_maxima() -> Iterator[Variation]:
    """Where a window lies, and what it sends back."""
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
    for place, stride in (("mask", "stride"), ("window", "1")):
        yield bug(
            f"stride_left_out@{place}",
            "backward looks for the maximum as if the stride were 1",
            "The window of output place (r, c) begins at (r·stride, c·stride) of the image; "
            "backward looks for its maximum at (r, c).",
            "Which pixels does output place (1, 1) see when the stride is 2?",
            mask="first_of(near == near.max(axis=(4, 5), keepdims=True))",
            dx=f"added_back(dseen, x.shape, {stride})",
        )
    yield bug(
        "height_for_width@dx",
        "the place of the maximum in its window is found by the height in place of the width",
        "argmax counts row by row, so the place k is row k // width, column k % width. With the "
        "height it is right for square windows alone.",
        "Try windows of 2×3.",
        dx="misplaced(mask, dout, x.shape, stride)",
    )
    yield bug(
        "value_times_upstream@dx",
        "the maximum itself is multiplied into the gradient",
        "∂max/∂x is 1 at the largest entry, not its value.",
        "Double x: should dx double?",
        dseen="RIGHT * out[..., None, None]",
    )


def _other_poolings() -> Iterator[Variation]:
    """Another number in the place of the maximum."""
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
        mask="np.where(largest.any(axis=(4, 5), keepdims=True), RIGHT, first_of(largest))",
    )
    yield bug(
        "maximum_never_moved@out",
        "the best value so far is never replaced",
        "In the search for the maximum, the place is kept but the value is not: every number then "
        "beats the −∞ that the search began with, and the last one has the place.",
        "Which two things have to be remembered when a larger number is found?",
        out="np.full(seen.shape[:4], -np.inf)",
        largest="seen > out[..., None, None]",
        mask="last_of(largest)",
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
        "first_case@out",
        "only the first case is pooled",
        "A return one level too deep in the loops ends them after the first case; the others stay "
        "0.",
        "Print the output of two equal cases.",
        out="only_first(RIGHT)",
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
        case = image_case(rng, sizes, (sizes[1], *window), stride, 0)
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
    yield Probe("overlapping", why, (made((2, 3, 5, 7), (3, 3), 2),))
    yield Probe("oblong", "height and width differ", (made((2, 2, 4, 6), (2, 3), 1),))
    twice = (made((2, 2, 4, 4), (2, 2), 2), made((2, 2, 4, 4), (2, 2), 2))
    yield Probe("second batch", "what is kept from the batch before", twice)
    tied = made((2, 2, 4, 4), (2, 2), 2)
    tied["x"] = rng.integers(0, 2, size=tied["x"].shape).astype(float)
    yield Probe("ties", "equal maxima in one window: a choice", (tied,))
    negative = made((1, 2, 4, 4), (2, 2), 2)
    negative["x"] = -np.abs(negative["x"]) - 0.5
    yield Probe("negative", "a maximum below 0", (negative,))
