"""Bugs of activations and their derivatives."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit, only

ACTIVATIONS, DENSE = "nn/activations.py", "nn/layers/dense.py"

BACK = "delta = J_a.vjp(J, self._out.delta) if not self.explicit else explicit(J_a).vjp(J)"
SLOPE = "return Diagonal(self._activation.derivative(self._of_pass(self.z), self._out.delta))"
SIGN_OF_A = "a has the sign of z, and the derivative depends on nothing else"

BUGS = (
    Bug(
        "no activation derivative",
        (Edit(DENSE, SLOPE, "return Diagonal(np.ones_like(self.z))"),),
        {"linear": "its derivative is 1"},
    ),
    Bug(
        "derivative at a in place of z",
        (Edit(DENSE, SLOPE, SLOPE.replace("self.z", "self.a")),),
        {
            "linear": "its derivative is 1 everywhere",
            "relu": SIGN_OF_A,
            "leaky_relu": SIGN_OF_A,
        },
    ),
    Bug(
        "mask from δ in place of z",
        (Edit(DENSE, BACK, "J_a = Diagonal((J > 0).astype(J.dtype))\n        " + BACK),),
    ),
    Bug(
        "relu's mask with ≥",
        (Edit(ACTIVATIONS, "np.greater(z.real, 0, out=", "np.greater_equal(z.real, 0, out="),),
        only("relu"),
    ),
    Bug(
        "tanh′ = 1 − a",
        (
            Edit(
                ACTIVATIONS,
                "cosh = np.cosh(z, out=out)\n            np.multiply(cosh, cosh, out=cosh)\n",
                "cosh = np.subtract(1, np.tanh(z), out=out)\n            np.reciprocal(cosh, out=cosh)\n",
            ),
        ),
        {**only("tanh", "mish")},
    ),
    Bug(
        "sigmoid′ in place of another",
        (
            Edit(
                DENSE,
                SLOPE,
                "from chainrule.nn.activations import sigmoid_derivative\n\n        return Diagonal(sigmoid_derivative(self.z))",
            ),
        ),
    ),
    Bug(
        "softplus′ = σ(−z)",
        (
            Edit(
                ACTIVATIONS,
                "return sigmoid(z, out)\n\n\nclass Softsign",
                "return sigmoid(-z, out)\n\n\nclass Softsign",
            ),
        ),
        only("softplus"),
    ),
    Bug(
        "softsign′ not squared",
        (
            Edit(
                ACTIVATIONS,
                "np.multiply(inverse, inverse, out=out)",
                "np.add(inverse, 0, out=out)",
            ),
        ),
        only("softsign"),
    ),
    Bug(
        "silu′ without z σ′",
        (
            Edit(
                ACTIVATIONS,
                "np.add(sigmoid(z), z * sigmoid_derivative(z), out=out)",
                "sigmoid(z, out)",
            ),
        ),
        only("silu"),
    ),
    Bug(
        "gelu′ without z N",
        (
            Edit(
                ACTIVATIONS,
                "np.add(self.gate(z), near * density, out=out)",
                "np.add(self.gate(z), 0 * density, out=out)",
            ),
        ),
        only("gelu"),
    ),
    Bug(
        "mish′ without its second term",
        (
            Edit(
                ACTIVATIONS,
                "np.add(self.gate(z), z * slope, out=out)",
                "np.add(self.gate(z), 0 * slope, out=out)",
            ),
        ),
        only("mish"),
    ),
    Bug(
        "selu′ without its scale",
        (
            Edit(
                ACTIVATIONS,
                "np.multiply(ELU(_SELU_ALPHA).derivative(z), _SELU_SCALE, out=out)",
                "np.multiply(ELU(_SELU_ALPHA).derivative(z), 1, out=out)",
            ),
        ),
        only("selu"),
    ),
    Bug(
        "leaky_relu′ = 0 below 0",
        (
            Edit(
                ACTIVATIONS,
                "return into(out, np.where(z.real > 0, one, z.dtype.type(self.slope)))",
                "return into(out, np.where(z.real > 0, one, z.dtype.type(0)))",
            ),
        ),
        only("leaky_relu"),
    ),
)
