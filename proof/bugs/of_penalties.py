"""Bugs of penalties."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

NETWORK = "network.py"

ADDED = "vector[part] += rate * penalty.derivative(self.theta[part])"
"""The line that adds a penalty's gradient."""


def _penalty(line: str) -> tuple[Edit, ...]:
    return (Edit(NETWORK, ADDED, line),)


BUGS = (
    Bug(
        "penalty on biases, in the gradient",
        _penalty("vector[:] += rate / len(self._penalised) * penalty.derivative(self.theta)"),
    ),
    Bug(
        "penalty on biases, in loss and gradient",
        (
            Edit(
                NETWORK,
                "setting.rate if setting.biases or not segment.is_bias else 0.0",
                "setting.rate",
            ),
        ),
    ),
    Bug("penalty missing in the gradient", _penalty("pass")),
    Bug("penalty doubled", _penalty(ADDED.replace("rate *", "2 * rate *"))),
    Bug("penalty divided by N", _penalty(ADDED.replace("rate *", "rate / len(self._output) *"))),
    Bug("penalty of the wrong sign", _penalty(ADDED.replace("+=", "-="))),
    Bug(
        "L2 without its ½",
        (Edit("penalties.py", "return 0.5 * np.dot(w, w)", "return np.dot(w, w)"),),
    ),
)
