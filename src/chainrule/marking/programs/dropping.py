"""Dropout, judged by what it did: the mask is the submission's own."""

from __future__ import annotations

from collections.abc import Iterator
from math import erf, sqrt

import numpy as np

from chainrule.marking.program import Line, Probe, Program, Variation
from chainrule.marking.programs.variations import bug, convention


def dropout() -> Program:
    """Dropout, judged by what it did: its mask is its own, so only what the mask is like is known.

    Inputs: ``x`` of ones, ``p``, the probability to keep, ``dout`` of ones. The call gives numbers
    about the submission's arrays: ``share`` of entries kept, snapped to the shares that are known;
    the values of entries that were kept and dropped; and of their gradients, −1 where they vary.
    """
    return Program(
        "dropout",
        (
            Line("share", "p", "the share of entries that are kept", "forward"),
            Line("rows_differ", "1.0", "whether each case has a mask of its own", "forward"),
            Line("columns_differ", "1.0", "whether each unit is dropped by itself", "forward"),
            Line("scale", "1 / share", "what a kept entry is multiplied by", "forward"),
            Line("kept", "scale", "a kept entry of the output, for x = 1", "forward"),
            Line("dropped", "0.0", "a dropped entry of the output, for x = 1", "forward"),
            Line("tested", "1.0", "an entry of the output in test mode, for x = 1", "forward"),
            Line("dkept", "scale", "∂L/∂x of a kept entry, for dout = 1", "backward"),
            Line("ddropped", "0.0", "∂L/∂x of a dropped entry, for dout = 1", "backward"),
            Line("dtested", "1.0", "∂L/∂x in test mode, for dout = 1", "backward"),
        ),
        tuple(_dropout_variations()),
        tuple(_dropout_probes()),
        {"normal_below": normal_below},
    )


def normal_below(p: float) -> float:
    """How often a normal random number is below p."""
    return 0.5 * (1 + erf(p / sqrt(2)))


def _dropout_variations() -> Iterator[Variation]:
    yield from _shares_and_divisors()
    yield from _masks_and_factors()
    yield from _dropped_outputs()
    yield from _dropped_gradients()


def _shares_and_divisors() -> Iterator[Variation]:
    """What p is the share of, and what the rest is divided by."""
    yield convention(
        "p_dropped",
        "p",
        "p is the probability to drop",
        "Entries are dropped with probability p and the others divided by 1 − p, as in PyTorch; "
        "other courses keep with probability p.",
        share="1 - p",
    )
    yield convention(
        "scaled_in_test",
        "scaling",
        "the output is scaled in test mode, not while training",
        "Entries are not divided while training, and multiplied by the share in test mode: "
        "dropout as first published.",
        scale="1.0",
        tested="share",
        dtested="share",
    )
    yield bug(
        "not_inverted@out",
        "what is kept is not divided by the share that is kept",
        "With a share of p kept, the sum that the next layer sees is p times as large while "
        "training as in test mode. Either the kept entries are divided by p, or the test mode "
        "multiplies by p; here neither is done.",
        "Compare the mean of the output in both modes for x = 1.",
        4,
        scale="1.0",
    )
    yield bug(
        "wrong_divisor@out",
        "what is kept is divided by the probability to drop",
        "The kept entries are divided by the share that is *kept*; the code divides by one minus "
        "that.",
        "Compare the mean of the output in both modes for x = 1.",
        4,
        scale="1 / (1 - share)",
    )
    yield bug(
        "keeps_the_rest@out",
        "a share of 1 − p is kept, and what is kept is divided by p",
        "One line takes p for the probability to keep, the other for that to drop. If p is the "
        "probability to keep, the mask is rand < p; if it is that to drop, divide by 1 − p.",
        "Count the share of entries that your mask keeps, for p = 0.9.",
        5,
        share="1 - p",
        scale="1 / p",
    )


def _masks_and_factors() -> Iterator[Variation]:
    """The mask's numbers, and a factor that comes twice."""
    yield bug(
        "multiplied@out",
        "what is kept is multiplied by the share, not divided",
        "To keep the mean as it is, the kept entries must grow: 1/p, not p.",
        "Compare the mean of the output in both modes for x = 1.",
        scale="share",
    )
    yield bug(
        "normal_mask@out",
        "the mask is made from normal random numbers",
        "randn gives normal numbers, of which more than a share of p lies below p. The mask needs "
        "numbers uniform between 0 and 1: rand.",
        "Count the share of entries that your mask keeps, for a large array.",
        4,
        share="normal_below(p)",
        scale="1 / p",
    )
    yield bug(
        "normal_mask_dropped@out",
        "the mask is made from normal random numbers (p is the probability to drop)",
        "randn gives normal numbers, of which fewer than 1 − p lie above p. The mask needs "
        "numbers uniform between 0 and 1: rand.",
        "Count the share of entries that your mask keeps, for a large array.",
        2,
        share="1 - normal_below(p)",
        scale="1 / (1 - p)",
    )
    yield bug(
        "normal_mask_not_inverted@out",
        "the mask is made from normal random numbers and not scaled",
        "randn gives normal numbers, of which more than a share of p lies below p; and what is "
        "kept is not divided by p.",
        "Count the share of entries that your mask keeps, for a large array.",
        share="normal_below(p)",
        scale="1.0",
    )
    yield bug(
        "scaled_twice@out",
        "the output is scaled both while training and in test mode",
        "Dividing by p while training already keeps the mean; test mode then is the identity.",
        "Compare the mean of the output in both modes for x = 1.",
        tested="share",
    )


def _dropped_outputs() -> Iterator[Variation]:
    """What is dropped: in test mode, nothing, or whole rows."""
    yield bug(
        "divided_in_test@out",
        "the output is divided in test mode",
        "Test mode of inverted dropout is the identity.",
        "Compare the mean of the output in both modes for x = 1.",
        tested="scale",
    )
    yield bug(
        "test_drops@out",
        "test mode drops entries too",
        "In test mode nothing is random: the output is x.",
        "Call it twice in test mode with the same x.",
        2,
        tested="-1.0",
    )
    yield bug(
        "nothing_dropped@out",
        "nothing is dropped while training",
        "The output while training is x.",
        "Count the zeros of the output.",
        kept="1.0",
        share="1.0",
    )
    yield bug(
        "one_mask@out",
        "one mask is used for all cases of the batch",
        "Each case must lose units of its own, by a mask of the shape of x; a mask with one entry "
        "for each unit drops the same ones in all cases.",
        "Print the zeros of two rows of the output.",
        2,
        rows_differ="0.0",
    )
    yield bug(
        "whole_cases@out",
        "whole cases are dropped",
        "The mask has one entry for each case; each unit must be kept or dropped by itself.",
        "Print the zeros of two columns of the output.",
        columns_differ="0.0",
    )


def _dropped_gradients() -> Iterator[Variation]:
    """The mask and the factor on the way back."""
    yield bug(
        "mask_left_out@dx",
        "the backward pass leaves out the mask",
        "What was dropped had no effect on the loss, so its gradient is 0; dout is handed on.",
        "Which entries of x does the output depend on?",
        2,
        dkept="1.0",
        ddropped="1.0",
    )
    yield bug(
        "scale_left_out@dx",
        "the backward pass leaves out the division by p",
        "The forward pass multiplies a kept entry by 1/p, and so must the backward pass.",
        "Multiply x by 2: by how much does the output grow, and what is its derivative?",
        2,
        dkept="1.0",
    )
    yield bug(
        "scaled_twice@dx",
        "the backward pass divides by p twice",
        "The mask has its 1/p already; the code divides by p once more.",
        "What are the values in your mask?",
        dkept="scale**2",
    )
    yield bug(
        "another_mask@dx",
        "the backward pass makes a mask of its own",
        "The gradient must go through the entries that this forward pass kept; a new random mask "
        "lets others through.",
        "Where does backward get its mask from?",
        2,
        dkept="-1.0",
        ddropped="-1.0",
    )
    yield bug(
        "mask_turned@dx",
        "the backward pass lets through what was dropped",
        "The mask is used the other way round in the backward pass.",
        "Print the zeros of the output beside those of dx.",
        dkept="0.0",
        ddropped="scale",
    )
    yield bug(
        "test_masked@dx",
        "the backward pass of test mode has a mask",
        "Test mode is the identity, so its gradient is dout.",
        "Call both passes in test mode.",
        dtested="-1.0",
    )
    yield bug(
        "test_scaled@dx",
        "the backward pass of test mode is divided by p",
        "Test mode is the identity, so its gradient is dout.",
        "Call both passes in test mode.",
        dtested="scale",
    )


def _dropout_probes() -> Iterator[Probe]:
    ones = np.ones((150, 200))
    for p in (0.3, 0.6):
        case = {"x": ones, "p": p, "dout": ones}
        yield Probe(f"p = {p}", "1/p, 1 − p and p differ", (case,))
