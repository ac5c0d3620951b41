"""Bugs of penalties."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

NETWORK, PENALTIES = "nn/network.py", "nn/penalties.py"

ADDED = "vector[part] += rate * penalty.derivative(theta[part])"
"""The line that adds a penalty's gradient."""


def _penalty(line: str) -> tuple[Edit, ...]:
    return (Edit(PENALTIES, ADDED, line),)


BUGS = (
    Bug(
        "penalty on biases, in the gradient",
        _penalty("vector[:] += rate / len(self.terms) * penalty.derivative(theta)"),
    ),
    Bug(
        "penalty on biases, in loss and gradient",
        (
            Edit(
                PENALTIES,
                "self.rates if self.biases or not segment.is_bias else {}",
                "self.rates",
            ),
        ),
    ),
    Bug("penalty missing in the gradient", _penalty("pass")),
    Bug("penalty doubled", _penalty(ADDED.replace("rate *", "2 * rate *"))),
    Bug(
        "penalty divided by N",
        (
            Edit(
                NETWORK,
                "            self._penalty.add_gradient(self.theta, self.gradients.vector)\n",
                "            self.gradients.vector += self.penalty_gradient() / len(self._output)\n",
            ),
        ),
    ),
    Bug("penalty of the wrong sign", _penalty(ADDED.replace("+=", "-="))),
    Bug(
        "L2 without its ½",
        (Edit(PENALTIES, "return 0.5 * np.dot(w, w)", "return np.dot(w, w)"),),
    ),
)
