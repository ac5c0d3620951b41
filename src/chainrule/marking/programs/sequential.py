"""A sequence of layers with a loss: what hands the arrays on, whatever the layers compute.

It is judged with layers of the marker's own: each adds a vector that it learns to a product with a
fixed matrix. So a fault in a submission's layers does not cost its sequence as well. The loss is
Σ output · target, whose gradient does not depend on what was learned: an epoch ends at the same
vectors in whatever order its cases come.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.marking.program import Line, Probe, Program, Variation
from chainrule.marking.programs.variations import bug, convention


def sequential() -> Program:
    """A sequence of two layers a = xA + p, the loss Σ output · t, and training in mini-batches.

    Inputs: ``x`` (N, D), ``t`` (N, C), ``A1`` (D, H), ``A2`` (H, C), ``p1`` (H,), ``p2`` (C,),
    ``lr``, ``epochs``, ``batch_size``.
    """
    return Program(
        "sequential",
        tuple(_lines()),
        (*_forward(), *_backward(), *_steps(), *_fits(), *_predictions()),
        tuple(_probes()),
        {"batches": batches, "totals": totals},
        may_change=("p1", "p2"),
    )


def _pieces(n: int, size: int, gap: int = 0, less: int = 0) -> list[slice]:
    """The mini-batches of n cases; ``gap`` are left out between two, ``less`` at each end."""
    starts = range(0, n, max(size + gap, 1))
    return [slice(at, min(at + size - less, n)) for at in starts]


def batches(n: int, size: int, epochs: int, gap: int = 0, less: int = 0) -> Array:
    """How many cases each step has, over all epochs."""
    pieces = _pieces(n, size, gap, less)
    return np.array([max(piece.stop - piece.start, 0) for piece in pieces] * epochs)


def totals(
    values: Array, size: int, epochs: int, used: str = "all", gap: int = 0, less: int = 0
) -> Array:
    """The sum over the cases of an array (N, …), over all epochs.

    Args:
        values: of every case.
        size: of a mini-batch.
        epochs: how often each is used.
        used: ``all``, or the part of the mini-batches whose step counts: ``full`` (those of full
            size), ``repeated`` (the first in place of each), ``first`` or ``last`` (one an
            epoch), ``stale`` (each step uses the gradient of the mini-batch before it).
        gap: how many cases are left out between two mini-batches.
        less: how many are left out at the end of each.
    """
    pieces = [values[piece].sum(axis=0) for piece in _pieces(len(values), size, gap, less)]
    if used == "full":
        pieces = pieces[: len(values) // size]
    elif used == "repeated":
        pieces = pieces[:1] * len(pieces)
    elif used in ("first", "last"):
        pieces = pieces[:1] if used == "first" else pieces[-1:]
    steps = pieces * epochs
    if used == "stale":
        steps = steps[:-1]
    return sum(steps, np.zeros(values.shape[1:]))


def _lines() -> Iterator[Line]:
    yield Line("a1", "x @ A1 + p1", "the output of the first layer", "forward")
    yield Line("out", "a1 @ A2 + p2", "the output of the last layer", "forward")
    yield Line("loss", "(out * t).sum()", "the loss", "loss")
    yield Line("dout", "t", "the gradient that the loss hands back", "backward")
    yield Line("da1", "dout @ A2.T", "the gradient that the last layer hands back", "backward")
    yield Line("dx", "da1 @ A1.T", "the gradient that the first layer hands back", "backward")
    yield Line("s1", "da1", "the gradient that the first layer is handed", "backward")
    yield Line("s2", "dout", "the gradient that the last layer is handed", "backward")
    yield Line("g1", "s1.sum(axis=0)", "the gradient that the first layer keeps", "backward")
    yield Line("g2", "s2.sum(axis=0)", "the gradient that the last layer keeps", "backward")
    yield Line("p1_new", "p1 - lr * g1", "the first layer after an update", "update")
    yield Line("p2_new", "p2 - lr * g2", "the last layer after an update", "update")
    yield Line("sizes", "batches(len(x), batch_size, epochs)", "the mini-batches", "update")
    yield Line("whole1", "totals(s1, batch_size, epochs)", "all steps of layer 1", "update")
    yield Line("whole2", "totals(s2, batch_size, epochs)", "all steps of layer 2", "update")
    yield Line("together", "1.0", "whether each case has its own target in fit", "update")
    yield Line("fitted1", "p1 - lr * whole1", "the first layer after fit", "update")
    yield Line("fitted2", "p2 - lr * whole2", "the last layer after fit", "update")
    yield Line("predicted", "out.argmax(axis=1)", "the predicted classes", "update")


def _forward() -> Iterator[Variation]:
    yield bug(
        "first_layer_left_out@out",
        "the input goes to the last layer, past the first",
        "Every layer takes the output of the one before it; here each is given x itself.",
        "Follow the variable that is handed on in the loop over the layers.",
        out="x @ A2 + p2",
    )
    yield bug(
        "last_layer_left_out@out",
        "the output of the last layer is left out",
        "The loop over the layers ends one too early.",
        "How many times does the loop over the layers run?",
        out="a1",
    )
    yield bug(
        "output_for_loss@loss",
        "forward with a target returns the output, not the loss",
        "With a target, forward has to end in the loss layer and return its value.",
        "Where in forward is target looked at?",
        loss="out",
    )
    yield bug(
        "target_of_batch_before@loss",
        "the loss uses the target of the batch before",
        "The target must be handed to the loss at every call.",
        "Where is the target kept, and is that done at every call?",
        loss="(out * (t if before is None else before.t)).sum()",
    )


def _backward() -> Iterator[Variation]:
    yield bug(
        "order_of_forward@dx",
        "backward goes through the layers in the order of forward",
        "The gradient comes from the loss, so it meets the last layer first.",
        "Which layer's backward does the loss's gradient fit?",
        2,
        dx="(dout @ A1.T) @ A2.T",
        s1="dout",
        s2="dout @ A1.T",
    )
    yield bug(
        "loss_gradient_to_all@dx",
        "every layer is handed the gradient of the loss",
        "Each layer's backward takes what the layer above returned; here the returned value is "
        "dropped.",
        "What becomes of what layer.backward returns?",
        2,
        da1="dout",
        dx="dout @ A1.T",
    )
    yield bug(
        "nothing_returned@dx",
        "backward returns the gradient of the loss, not that of the input",
        "Like a layer, the sequence hands back the gradient with respect to its own input.",
        "What would a sequence within a sequence need?",
        dx="dout",
    )
    yield bug(
        "first_layer_left_out@dx",
        "backward stops before the first layer",
        "The first layer has parameters too, so its backward must be called.",
        "How many times does the loop over the layers run?",
        dx="da1",
        s1="0 * da1",
    )


def _steps() -> Iterator[Variation]:
    hint = "Print a parameter of every layer before and after update_params."
    for k, which in ((1, "first"), (2, "last")):
        yield bug(
            f"never_updated@{k}",
            f"the {which} layer is never updated",
            "update_params has to call the update of every layer.",
            hint,
            **{f"p{k}_new": f"p{k}", f"fitted{k}": f"p{k}"},
        )
    yield bug(
        "never_updated",
        "update_params updates no layer",
        "It has to call the update of every layer.",
        hint,
        p1_new="p1",
        p2_new="p2",
        fitted1="p1",
        fitted2="p2",
    )
    yield bug(
        "updated_twice",
        "every layer is updated twice",
        "One call of update_params is one step of gradient descent.",
        hint,
        p1_new="p1 - 2 * lr * g1",
        p2_new="p2 - 2 * lr * g2",
        fitted1="p1 - 2 * lr * whole1",
        fitted2="p2 - 2 * lr * whole2",
    )
    yield bug(
        "ascent",
        "update_params hands on a negative learning rate",
        "The layers subtract lr times their gradient; with −lr they go uphill.",
        hint,
        p1_new="p1 + lr * g1",
        p2_new="p2 + lr * g2",
        fitted1="p1 + lr * whole1",
        fitted2="p2 + lr * whole2",
    )
    yield bug(
        "no_learning_rate",
        "update_params does not hand on its learning rate",
        "The layers must be updated with the lr that update_params was given.",
        hint,
        p1_new="p1 - g1",
        p2_new="p2 - g2",
        fitted1="p1 - whole1",
        fitted2="p2 - whole2",
    )


def _both(used: str, epochs: str = "epochs", size: str = "batch_size") -> dict[str, str]:
    """The rules of what is learned where only some mini-batches are used."""
    return {
        "whole1": f"totals(s1, {size}, {epochs}, '{used}')",
        "whole2": f"totals(s2, {size}, {epochs}, '{used}')",
    }


def _fits() -> Iterator[Variation]:
    yield from _cases_of_fit()
    yield from _steps_of_fit()
    yield from _settings_of_fit()


def _cases_of_fit() -> Iterator[Variation]:
    """Cases that fit leaves out, repeats, or mixes up."""
    hint = "Print the sizes of the batches that fit makes of 7 cases with batch_size 3."
    yield bug(
        "last_batch_lost@fit",
        "fit leaves out the last, smaller batch",
        "len(x) // batch_size counts the full batches alone. The cases that are left make a "
        "smaller batch of their own, or they are never learned.",
        hint,
        3,
        sizes="np.array([batch_size] * (len(x) // batch_size) * epochs)",
        **_both("full"),
    )
    yield bug(
        "cases_and_targets_apart@fit",
        "fit shuffles the cases and their targets differently",
        "A case must keep its own target: both are indexed by the same permutation, drawn once. "
        "Here each is mixed in its own way, or one of them alone, and the network learns noise.",
        "Shuffle x = y = 0, 1, 2, … and print both.",
        3,
        together="0.0",
    )
    for gap, word in ((1, "skipped"), (-1, "twice")):
        yield bug(
            f"case_{word}@fit",
            f"fit {'leaves out a case' if gap == 1 else 'uses a case twice'} between two batches",
            "A batch ends where the next one begins: x[start : start + size], with start growing "
            "by size. Remember that a slice does not have its last index in it.",
            hint,
            2,
            sizes=f"batches(len(x), batch_size, epochs, {gap})",
            whole1=f"totals(s1, batch_size, epochs, 'all', {gap})",
            whole2=f"totals(s2, batch_size, epochs, 'all', {gap})",
        )
    yield bug(
        "last_case_skipped@fit",
        "each batch lacks its last case",
        "A slice does not have its last index in it: x[start : start + size] has size cases, and "
        "the code takes one less.",
        hint,
        sizes="batches(len(x), batch_size, epochs, 0, 1)",
        whole1="totals(s1, batch_size, epochs, 'all', 0, 1)",
        whole2="totals(s2, batch_size, epochs, 'all', 0, 1)",
    )


def _steps_of_fit() -> Iterator[Variation]:
    """When fit updates, and by which batch."""
    hint = "Print the sizes of the batches that fit makes of 7 cases with batch_size 3."
    yield bug(
        "first_batch_only@fit",
        "fit uses the first batch of an epoch alone",
        "The loop over the batches ends after the first one, as a return or break within it does.",
        hint,
        sizes="np.array([min(batch_size, len(x))] * epochs)",
        **_both("first"),
    )
    yield bug(
        "same_batch@fit",
        "fit takes the first batch_size cases for every batch",
        "The slice must move on: x[start : start + batch_size], with start growing by batch_size. "
        "The code takes x[:batch_size] each time.",
        "Print the first case of each batch.",
        2,
        sizes="np.array([min(batch_size, len(x))] * len(RIGHT))",
        **_both("repeated"),
    )
    yield bug(
        "updated_once_an_epoch@fit",
        "fit updates once an epoch, after its last batch",
        "The layers keep the gradient of the last batch alone, so the update must come after each "
        "backward, within the loop over the batches.",
        "How far is the line with update_params indented?",
        2,
        **_both("last"),
    )
    yield bug(
        "updated_before_backward@fit",
        "fit updates before the backward pass",
        "The step then uses the gradient of the batch before. The order is forward, backward, "
        "update.",
        "Which gradient do the layers hold when update_params is called?",
        **_both("stale"),
    )
    yield bug(
        "never_updated@fit",
        "fit never updates",
        "After backward the layers hold their gradients, and update_params has to be called.",
        "Which three calls does each batch need?",
        2,
        fitted1="p1",
        fitted2="p2",
    )


def _settings_of_fit() -> Iterator[Variation]:
    """Epochs, batch size and learning rate that have no effect."""
    hint = "Print the sizes of the batches that fit makes of 7 cases with batch_size 3."
    yield bug(
        "one_epoch@fit",
        "fit goes through the data once, whatever epochs says",
        "An epoch is one pass over all cases; there have to be as many as asked for.",
        "What does fit do with epochs=1 and epochs=2?",
        2,
        sizes="batches(len(x), batch_size, 1)",
        **_both("all", "1"),
    )
    for change, word in (("- 1", "few"), ("+ 1", "many")):
        yield bug(
            f"epochs_{word}@fit",
            f"fit does one epoch too {word}",
            "The loop over the epochs starts or ends off by one.",
            "What does fit do with epochs=1?",
            sizes=f"batches(len(x), batch_size, epochs {change})",
            **_both("all", f"epochs {change}"),
        )
    yield bug(
        "whole_set@fit",
        "fit takes all cases at once: batch_size has no effect",
        "Each step must use the next batch_size cases alone.",
        hint,
        2,
        sizes="np.array([len(x)] * epochs)",
    )
    yield bug(
        "default_batch@fit",
        "fit uses a batch size of 128, whatever it is given",
        "batch_size is an argument; its default must not be used in its place.",
        hint,
        sizes="batches(len(x), 128, epochs)",
    )
    yield bug(
        "default_rate@fit",
        "fit uses a learning rate of 0.1, whatever it is given",
        "lr is an argument; its default must not be used in its place.",
        "Call fit with lr=0: what has to happen?",
        fitted1="p1 - 0.1 * whole1",
        fitted2="p2 - 0.1 * whole2",
    )
    yield bug(
        "averaged_again@fit",
        "fit divides the learning rate by the number of cases of a batch",
        "The mean over the batch is in the loss already.",
        "Compare one step of fit with forward, backward, update_params by hand.",
        fitted1="p1 - lr * totals(s1, batch_size, epochs) / batch_size",
        fitted2="p2 - lr * totals(s2, batch_size, epochs) / batch_size",
    )


def _predictions() -> Iterator[Variation]:
    yield convention(
        "one_hot",
        "labels",
        "predict returns one-hot labels",
        "The text asks for class labels; they are in one-hot form here.",
        predicted="np.eye(out.shape[1])[out.argmax(axis=1)]",
    )
    rules = {
        "probabilities_for_classes": (
            "predict returns the output, not the classes",
            "A class is the index of the largest output of each case.",
            "out",
        ),
        "wrong_axis": (
            "predict takes the maximum over the cases",
            "argmax runs over the classes of one case, axis 1.",
            "out.argmax(axis=0)",
        ),
        "no_axis": (
            "predict returns one number for all cases",
            "argmax without an axis looks for the largest of the whole array.",
            "out.argmax()",
        ),
        "maximum_for_class": (
            "predict returns the largest output, not its class",
            "max gives the value, argmax the index, which is the class.",
            "out.max(axis=1)",
        ),
        "least_likely": (
            "predict returns the least likely class",
            "argmin in place of argmax.",
            "out.argmin(axis=1)",
        ),
        "counted_from_one": (
            "predict counts the classes from 1",
            "Class numbers start at 0, as the one-hot columns do.",
            "out.argmax(axis=1) + 1",
        ),
    }
    for name, (title, sentence, rule) in rules.items():
        hint = "Predict three cases and look at the shape and the values."
        yield bug(f"{name}@predict", title, sentence, hint, predicted=rule)
    yield convention(
        "last_layer_skipped@predict",
        "predict",
        "predict reads the classes off before the last layer",
        "Where the last layer is the softmax, as in the network of the course, the largest stays "
        "the largest and the classes are the same; with another last layer they need not be.",
        predicted="a1.argmax(axis=1)",
    )


def _probes() -> Iterator[Probe]:
    rng = np.random.default_rng(42)

    def case(n: int, sizes: tuple[int, int, int], epochs: int, batch: int) -> dict[str, Any]:
        d, h, c = sizes
        return {
            "x": rng.normal(size=(n, d)),
            "t": rng.normal(size=(n, c)),
            "A1": rng.normal(size=(d, h)),
            "A2": rng.normal(size=(h, c)),
            "p1": rng.normal(size=h),
            "p2": rng.normal(size=c),
            "lr": 0.25,
            "epochs": epochs,
            "batch_size": batch,
        }

    yield Probe("smaller last batch", "7 cases in batches of 3", (case(7, (4, 5, 3), 2, 3),))
    yield Probe("batches that fit", "8 cases in batches of 2", (case(8, (3, 4, 3), 3, 2),))
    why = "more cases than the default batch size"
    yield Probe("large batches", why, (case(140, (2, 2, 3), 1, 139),))
    yield Probe("one batch", "fewer cases than a batch", (case(9, (4, 4, 4), 1, 20),))
    why = "what is kept from the batch before"
    yield Probe("second batch", why, (case(8, (4, 4, 4), 2, 4), case(8, (4, 4, 4), 2, 4)))
