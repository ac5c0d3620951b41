"""What goes wrong when a network is called again: values kept from the call before."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.marking.program import Variation
from chainrule.marking.programs.dense import Dense
from chainrule.marking.programs.places import at_layers


def state_bugs(net: Dense) -> Iterator[Variation]:
    """Bugs that the first call on an object does not show."""
    yield from _sums_kept(net)
    yield from _stale_arrays(net)
    yield from _stale_passes(net)


def _sums_kept(net: Dense) -> Iterator[Variation]:
    """Gradients to which those of the call before are added."""
    every = range(1, net.layers + 1)

    def added(name: str) -> dict[str, str]:
        return {name: f"RIGHT if before is None else RIGHT + before.{name}"}

    yield Variation(
        "kept_from_before",
        "the gradients of the call before are added",
        "The gradients are added to what the object still has of the call before (+=), which is "
        "never set to 0. The first call is right, every later one too large.",
        "Call it twice with the same batch. Should the second gradient differ?",
        {line: rule for p in net.parameters for line, rule in added(f"d{p}").items()},
        often=3,
    )
    yield from at_layers(
        every,
        "kept_from_before@dW",
        "∂L/∂W of {layer} is added to that of the call before",
        "The gradient is added to what the object still has of the call before (+=), which is "
        "never set to 0.",
        "Call it twice with the same batch. Should the second gradient differ?",
        lambda k: added(f"dW{k}"),
    )
    yield from at_layers(
        every,
        "kept_from_before@db",
        "∂L/∂b of {layer} is added to that of the call before",
        "The gradient is added to what the object still has of the call before (+=), which is "
        "never set to 0.",
        "Call it twice with the same batch. Should the second gradient differ?",
        lambda k: added(f"db{k}"),
    )
    yield Variation(
        "old_gradients",
        "the gradients of the first call are returned again",
        "Later calls return the gradients that were computed first: they are kept and never "
        "computed anew.",
        "Call it with two different batches. Do the gradients differ?",
        {f"d{p}": f"RIGHT if before is None else before.d{p}" for p in net.parameters},
    )


def _stale_arrays(net: Dense) -> Iterator[Variation]:
    """Arrays of the call before in the place of this one's."""
    yield Variation(
        "stale_input",
        "∂L/∂W of layer 1 is made with the input of the call before",
        "What is kept for the backward pass is not replaced by the new input.",
        "Call it with a second batch of another size. Which input does your backward pass use?",
        {"dW1_data": "RIGHT if before is None else before.a0.T @ d1"},
    )
    yield from at_layers(
        range(2, net.layers + 1),
        "stale_output",
        "∂L/∂W of {layer} is made with the hidden output of the call before",
        "What is kept for the backward pass is not replaced by the new hidden output.",
        "Call it with a second batch of another size. Which arrays does your backward pass use?",
        lambda k: {f"dW{k}_data": f"RIGHT if before is None else before.a{k - 1}.T @ d{k}"},
    )
    yield from at_layers(
        [k for k in range(1, net.layers) if k in net.bent],
        "stale_mask",
        "φ′ of {layer} is that of the call before",
        "What is kept for the backward pass (the mask, or z) is not replaced in the new call.",
        "Call it with a second batch. Which z does your activation's derivative see?",
        lambda k: {
            f"s{k}": (
                f"before.s{k} if before is not None and before.s{k}.shape == z{k}.shape else RIGHT"
            )
        },
    )
    yield from at_layers(
        range(2, net.layers + 1),
        "stale_weights",
        "δ is sent back through {layer} by the weights of the call before",
        "A copy of W is kept and not replaced when the weights change.",
        "Change the weights between two calls. Which W does your backward pass use?",
        lambda k: {f"da{k - 1}": f"RIGHT if before is None else d{k} @ before.W{k}.T"},
    )
    yield Variation(
        "stale_labels",
        "the labels of the first call are used again",
        "The one-hot targets are kept and not made anew for the labels of this call.",
        "Call it twice with the same X and other labels. Does the loss change?",
        {"t": "RIGHT if before is None else before.t"},
    )


def _stale_passes(net: Dense) -> Iterator[Variation]:
    """A forward pass or a loss of the call before."""
    every = range(1, net.layers + 1)
    same = "before is not None and np.array_equal(before.X, X)"
    yield Variation(
        "stale_forward",
        "the forward pass is not made again when only the parameters have changed",
        "The outputs are kept for the same X, though the weights are others now: loss, "
        "probabilities and gradients are those of the old weights.",
        "Change W between two calls with the same X. Does the output change?",
        {f"z{k}": f"before.z{k} if {same} else RIGHT" for k in every},
        often=2,
    )
    yield Variation(
        "loss_kept",
        "the loss of the call before is added",
        "The loss is added to what the object still has of the call before.",
        "Call it twice with the same batch. Should the second loss differ?",
        {"loss": "RIGHT if before is None else RIGHT + before.loss"},
    )
