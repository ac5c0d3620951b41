"""Bugs of dense layers and of the backward pass."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

NETWORK, DENSE, JACOBIANS = "nn/network.py", "nn/layers/dense.py", "nn/jacobians.py"
ENGINE = "training/engines/numpy_engine.py"

BACK = "delta = J_a.vjp(J, self._out.delta) if not self.explicit else explicit(J_a).vjp(J)"
FORWARD = "self.z, self.a = self.evaluate(x, self._values, self._out)"
W_GRADIENT = "self._jacobian_W().vjp(delta, self.W_grad)"
B_GRADIENT = "self._jacobian_b().vjp(delta, self.b_grad)"
STEP = "        self._check_gradient(k)\n"

BUGS = (
    Bug(
        "W untransposed",
        (
            Edit(
                JACOBIANS,
                "return np.dot(g, self.W.T, out=out)",
                "return np.dot(g, self.W if self.W.shape[0] == self.W.shape[1] else self.W.T, out=out)",
            ),
        ),
    ),
    Bug(
        "gradient of W transposed",
        (
            Edit(
                JACOBIANS,
                "return np.matmul(self.x.T, g, out=out)",
                "square = self.x.shape[1] == g.shape[1]\n        return np.matmul(g.T, self.x, out=out) if square else np.matmul(self.x.T, g, out=out)",
            ),
        ),
    ),
    Bug(
        "first layer skipped",
        (
            Edit(
                NETWORK,
                "for k in reversed(self.graph.order):",
                "for k in reversed(self.graph.order[len(self.graph.order) > 1 :]):",
            ),
        ),
    ),
    Bug(
        "bias gradient averaged",
        (Edit(DENSE, B_GRADIENT, B_GRADIENT + "\n        self.b_grad /= len(delta)"),),
    ),
    Bug(
        "bias gradient from the last row only",
        (Edit(DENSE, B_GRADIENT, "self.b_grad = delta[-1]"),),
    ),
    Bug("bias gradient never made", (Edit(DENSE, B_GRADIENT, "pass"),)),
    Bug(
        "bias gradient never applied",
        (
            Edit(
                ENGINE,
                STEP,
                STEP
                + "        for layer in network.layers:\n            if layer.type == 'dense':\n                layer.b_grad = np.zeros(layer.size)\n",
            ),
        ),
    ),
    Bug(
        "no bias in the forward pass",
        (Edit(DENSE, '        z += values["b"]\n', "        pass\n"),),
    ),
    Bug(
        "stale input",
        (
            Edit(
                DENSE,
                "        self.x = x\n",
                "        self.x = x if self.x is None or self.x.shape != x.shape else self.x.copy()\n",
            ),
        ),
    ),
    Bug(
        "stale hidden values",
        (
            Edit(
                DENSE,
                FORWARD,
                "z, self.a = self.evaluate(x, self._values)\n        self.z = z if self.z is None or self.z.shape != z.shape else self.z",
            ),
        ),
        {"linear": "its derivative does not depend on z"},
    ),
    Bug(
        "W updated before the gradient with respect to the input is made",
        (
            Edit(
                DENSE,
                "J_x = self._jacobian_x()\n",
                "J_x = InputJacobian(self.W - 0.1 * self.W_grad, len(self.x))\n",
            ),
        ),
    ),
    Bug(
        "gradient of W not reset",
        (Edit(DENSE, W_GRADIENT, "self.W_grad += self._jacobian_W().vjp(delta)"),),
    ),
    Bug(
        "gradient of b not reset",
        (Edit(DENSE, B_GRADIENT, "self.b_grad += self._jacobian_b().vjp(delta)"),),
    ),
    Bug("hidden δ zeroed", (Edit(DENSE, BACK, BACK + "\n        delta[:, 0] = 0"),)),
    Bug(
        "δ cast to float32",
        (
            Edit(
                DENSE,
                "        self.delta = delta\n",
                "        delta = delta.astype(np.float32).astype(delta.dtype)\n        self.delta = delta\n",
            ),
        ),
    ),
    Bug(
        "a bias's gradient off by 1e-6",
        (Edit(DENSE, B_GRADIENT, B_GRADIENT + "\n        self.b_grad += 1e-6"),),
    ),
    Bug(
        "gradient times 1.0001",
        (
            Edit(
                NETWORK,
                "        if self._penalty.terms:\n",
                "        self.gradients.vector *= 1.0001\n        if self._penalty.terms:\n",
            ),
        ),
    ),
    Bug(
        "silent clipping of the gradient",
        (
            Edit(
                ENGINE,
                STEP,
                STEP
                + "        np.clip(network.gradients.vector, -0.5, 0.5, out=network.gradients.vector)\n",
            ),
        ),
    ),
    Bug(
        "parameters aliased",
        (
            Edit(
                "nn/parameters.py",
                "            start = segment.stop\n",
                "            start = segment.start if name == 'b' else segment.stop\n",
            ),
        ),
    ),
    Bug(
        "all weights start at 0",
        (
            Edit(
                DENSE,
                "return start.draw(self.shapes()[name], rng, (self.inputs, self.size))",
                "return 0 * start.draw(self.shapes()[name], rng, (self.inputs, self.size))",
            ),
        ),
    ),
)
