"""Bugs of losses and of softmax."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

NETWORK, LOSSES, SOFTMAX = "nn/network.py", "nn/losses.py", "nn/layers/softmax.py"


def _through(change: str) -> tuple[Edit, ...]:
    """The loss's J and δ with a factor, in both ways back."""
    return (
        Edit(
            NETWORK,
            "self.loss_jacobian(t, weights), to_input",
            f"{change}self.loss_jacobian(t, weights), to_input",
        ),
        Edit(
            NETWORK,
            "return times_weights(self.from_logits.delta(self.logits, self._output, t)",
            f"return {change}times_weights(self.from_logits.delta(self.logits, self._output, t)",
        ),
        Edit(NETWORK, "explicit(J_z).vjp(J), to_input", f"{change}explicit(J_z).vjp(J), to_input"),
    )


BUGS = (
    Bug("sign of the output's δ", _through("-")),
    Bug("no 1/N", _through("len(t) * ")),
    Bug("1/N twice", _through("1 / len(t) * ")),
    Bug(
        "labels off by one",
        (
            Edit(
                LOSSES,
                "delta[cases, t] = 0\n",
                "t = (t + 1) % y.shape[1]\n            delta[cases, t] = 0\n",
            ),
        ),
    ),
    Bug(
        "(n,) against (n, 1) in the squared error",
        (
            Edit(
                LOSSES,
                "return self.rho(y - t).sum() / y.size",
                "return self.rho(y - (t[:, 0] if t.shape[1] == 1 else t)).sum() / y.size / len(y)",
            ),
            Edit(
                LOSSES,
                "return self.derivative(y - t) / y.size",
                "J = self.derivative(y - (t[:, 0] if t.shape[1] == 1 else t)) / y.size\n"
                "        return J.mean(axis=1, keepdims=True) if t.shape[1] == 1 else J",
            ),
        ),
    ),
    Bug(
        "softmax over the wrong axis",
        (
            Edit(
                SOFTMAX,
                "np.maximum.reduce(z, axis=-1, keepdims=True)",
                "np.maximum.reduce(z, axis=0, keepdims=True)",
            ),
            Edit(
                SOFTMAX,
                "np.add.reduce(e, axis=-1, keepdims=True)",
                "np.add.reduce(e, axis=0, keepdims=True)",
            ),
        ),
    ),
    Bug("the squared error without its 2", (Edit(LOSSES, "return 2 * d", "return d"),)),
)
