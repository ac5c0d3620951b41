"""Networks of dense layers under a loss: what courses ask for, and the calls that try it."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.marking.program import Probe, Program
from chainrule.marking.programs.dense import FUNCTIONS, Dense, activations_of, lines
from chainrule.marking.programs.dense_backward import backward_bugs
from chainrule.marking.programs.dense_conventions import conventions
from chainrule.marking.programs.dense_forward import forward_bugs, loss_bugs
from chainrule.marking.programs.dense_penalties import penalty_bugs
from chainrule.marking.programs.dense_probes import classifier_probes, given_probes
from chainrule.marking.programs.dense_states import state_bugs


def classifier(
    hidden: int = 1,
    activation: str | Sequence[str] = "relu",
    penalty: str = "squares",
    biases_penalised: bool = False,
    state: bool = True,
) -> Program:
    """Dense layers, softmax and the mean cross-entropy with a penalty, from class numbers.

    Inputs: ``X`` (N, D), ``y`` (N,) class numbers, ``reg``, and for each layer k from 1 ``Wk``
    (inputs, units) and ``bk`` (units,). Values: ``p`` the probabilities, ``predicted``, ``loss``,
    ``dWk``, ``dbk``, and the steps between them.

    Args:
        hidden: the number of hidden layers.
        activation: of the hidden layers: one for all, or one for each.
        penalty: ``squares`` (reg · ΣW²), ``half_squares`` (½ reg · ΣW²), ``L1`` or ``none``.
        biases_penalised: whether the penalty takes the biases as well.
        state: whether an object is called again, which may keep values of the call before.

    Example:
        >>> program = classifier(hidden=1)
        >>> [line.name for line in program.lines if line.stage == "forward"][:4]
        ['N', 'a0', 'xW1', 'z1']
    """
    net = Dense(
        hidden + 1,
        activations_of(hidden, activation, "linear"),
        penalty=penalty,
        biases_penalised=biases_penalised,
    )
    return _program("classifier", net, state, tuple(classifier_probes(net, state)))


def dense_network(hidden: int = 2) -> Program:
    """Dense layers whose activations, softmax, loss and penalty come with every call.

    Inputs: ``X`` (N, D), ``t`` (N, C) targets, ``Wk``, ``bk``, ``reg``, ``act1``, ``act2``, ...
    (``sigmoid``, ``tanh``, ``relu`` or ``linear``), ``softmax`` (whether there is one on top),
    ``kind`` (``mse``: the mean over outputs and cases; or ``cross_entropy``: −Σ t log p, the mean
    over the cases) and ``wrt`` (``L1``: reg · Σ|W|, ``L2``: ½ reg · ΣW², or ``none``). Values:
    ``p``, ``loss``, ``dWk``, ``dbk``, and the steps between them.

    Args:
        hidden: the number of hidden layers.
    """
    net = Dense(hidden + 1, one_hot=True)
    return _program("dense_network", net, False, tuple(given_probes(net)))


def _program(name: str, net: Dense, state: bool, probes: tuple[Probe, ...]) -> Program:
    variations = [
        *forward_bugs(net),
        *loss_bugs(net),
        *penalty_bugs(net),
        *backward_bugs(net),
        *(state_bugs(net) if state else ()),
        *conventions(net),
    ]
    return Program(name, tuple(lines(net)), tuple(variations), probes, FUNCTIONS)
