"""Bugs of what differs between training and evaluation: dropout, and what is not trained."""

from __future__ import annotations

from dataclasses import replace

from proof.bugs.bug import Bug, Edit

DROPOUT, CONTEXT = "nn/layers/dropout.py", "nn/context.py"

TESTS = ("nn/layers/test_dropout.py", "nn/layers/test_untrained.py")
"""Those that run what is changed here."""

_BUGS = (
    Bug(
        "dropout's mask without its 1 / (1 − rate)",
        (Edit(DROPOUT, "dtype.type(1 / (1 - self.rate))", "dtype.type(1)"),),
    ),
    Bug(
        "dropout's rate taken for the probability to stay",
        (Edit(DROPOUT, ">= self.rate", "< self.rate"),),
    ),
    Bug(
        "dropout applied in evaluation",
        (Edit(DROPOUT, "if not self.context.training:", "if not self.rate:"),),
    ),
    Bug(
        "dropout goes back through another mask",
        (
            Edit(
                DROPOUT,
                "return delta if self.mask is None else delta * self.mask",
                "return delta if self.mask is None else delta * np.roll(self.mask, 1)",
            ),
        ),
    ),
    Bug(
        "dropout's gradient not masked",
        (Edit(DROPOUT, "delta * self.mask", "delta"),),
    ),
    Bug(
        "the same mask at every step",
        (Edit(CONTEXT, "layer, str(self.step))", "layer)"),),
    ),
    Bug(
        "the same mask for every seed",
        (Edit(CONTEXT, 'stream(self.seed, "forward"', 'stream(0, "forward"'),),
    ),
    Bug(
        "the same mask in every layer",
        (Edit(CONTEXT, '"forward", layer, ', '"forward", '),),
    ),
    Bug(
        "the step of training stands still within a chunk",
        (
            Edit(
                "training/engines/numpy_engine.py",
                "network.context.step = self.optimizer.steps",
                "pass",
            ),
        ),
    ),
    Bug(
        "running statistics penalised",
        (
            Edit("nn/penalties.py", ".on(s) if s.trained else {}", ".on(s)"),
            Edit(
                "nn/parameters.py",
                "for segment in self.trained:\n            value",
                "for segment in self.segments:\n            value",
            ),
        ),
    ),
)

BATCHES = "training/engines/compiled/batches.py"

_COMPILED = (
    Bug(
        "compiled dropout: δ not masked",
        (Edit(BATCHES, "        units[SLOPE, j] *= mask\n", ""),),
    ),
    Bug(
        "compiled dropout: without its 1 / (1 − rate)",
        (Edit(BATCHES, "units.dtype.type(stays[0, j]) * kept", "units.dtype.type(stays[0, j])"),),
    ),
    Bug(
        "compiled dropout: the same mask in every minibatch of a call",
        (Edit(BATCHES, "context.step = self._optimizer.steps + k", "context.step = 0"),),
    ),
)

BUGS = (
    *(replace(bug, tests=TESTS) for bug in _BUGS),
    *(replace(bug, tests=("training/engines/test_compiled_dropout.py",)) for bug in _COMPILED),
)
