"""Bugs of the embedding and of global average pooling."""

from __future__ import annotations

from dataclasses import replace

from proof.bugs.bug import Bug, Edit

EMBEDDING, POOLED = "nn/layers/embedding.py", "nn/images/pooled.py"

SUMS = "sums = np.bincount(places, values.ravel(), self.classes * self.size)"
PLACES = "chosen[:, None] * self.size + np.arange(self.size)"
GRADIENT = "self._jacobian_E().vjp(delta, self.E_grad)"
SHARES = "out.reshape(len(g), self.channels, self.places)[...] = share[:, :, None]"

_OF_EMBEDDING = (
    Bug(
        "a class that occurs often gets the last gradient only",
        (
            Edit(
                EMBEDDING,
                SUMS,
                "sums = np.zeros(self.classes * self.size); sums[places] = values.ravel()",
            ),
        ),
    ),
    Bug(
        "a class that occurs often gets the mean of its gradients",
        (
            Edit(
                EMBEDDING,
                SUMS,
                f"{SUMS} / np.maximum(np.bincount(places, minlength=self.classes * self.size), 1)",
            ),
        ),
    ),
    Bug(
        "the gradient of the vectors laid out the other way",
        (Edit(EMBEDDING, PLACES, "chosen[:, None] + self.classes * np.arange(self.size)"),),
    ),
    Bug(
        "the gradient of the vectors not reset",
        (Edit(EMBEDDING, GRADIENT, "self.E_grad[...] += self._jacobian_E().vjp(delta)"),),
    ),
    Bug(
        "an unknown character counted as the last",
        (
            Edit(
                EMBEDDING, "            rows[unknown] = 0\n", "            rows[unknown] = v[-1]\n"
            ),
        ),
    ),
    Bug(
        "an unknown character moves the first vector",
        (
            Edit(
                EMBEDDING,
                "chosen, rows = chosen[known], rows[known]",
                "chosen = np.maximum(chosen, 0)",
            ),
        ),
    ),
    Bug(
        "class numbers sent a gradient",
        (
            Edit(
                EMBEDDING,
                "return np.zeros((len(delta), self.inputs), delta.dtype) if to_input else None",
                "return np.ones((len(delta), self.inputs), delta.dtype) if to_input else None",
            ),
        ),
    ),
    Bug(
        "the first number beyond the classes taken",
        (Edit(EMBEDDING, "(x < self.classes)", "(x <= self.classes)"),),
    ),
    Bug(
        "vectors started by the number of inputs",
        (
            Edit(
                EMBEDDING,
                "rng, (self.classes, self.size))",
                "rng, (self.inputs, self.size))",
            ),
        ),
    ),
)

_OF_MEANS = (
    Bug("a channel's sum for its mean", (Edit(POOLED, "        means /= self.places\n", ""),)),
    Bug(
        "a channel's gradient not shared out",
        (Edit(POOLED, "share = g / g.dtype.type(self.places)", "share = g"),),
    ),
    Bug(
        "a channel's gradient to its first place only",
        (
            Edit(
                POOLED,
                SHARES,
                "out[...] = 0; out.reshape(len(g), self.channels, self.places)[:, :, 0] = g",
            ),
        ),
    ),
    Bug(
        "channels taken for the last axis",
        (
            Edit(
                POOLED,
                "rows = v.reshape(-1, self.places)",
                "rows = v.reshape(len(v), self.places, -1).swapaxes(1, 2).reshape(-1, self.places)",
            ),
        ),
    ),
    Bug(
        "a channel's share divided by the channels",
        (
            Edit(
                POOLED,
                "share = g / g.dtype.type(self.places)",
                "share = g / g.dtype.type(self.channels)",
            ),
        ),
    ),
    Bug(
        "explicit means of channels not divided",
        (Edit(POOLED, "        of_channel /= self.places\n", ""),),
    ),
)

BUGS = (
    *(replace(bug, tests=("nn/layers/test_embedding.py",)) for bug in _OF_EMBEDDING),
    *(replace(bug, tests=("nn/images/test_global_average_pool.py",)) for bug in _OF_MEANS),
)
