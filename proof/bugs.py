"""Classic bugs of backpropagation, each as a few changes of the source text.

They are planted in copies of the package and never shipped in it. Some change nothing for some
activations; why is said with the bug, and the battery makes sure of it by comparing bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edit:
    """A change of one source file.

    Attributes:
        file: within the package.
        old: stands there exactly once.
        new: takes its place.
    """

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    """One bug.

    Attributes:
        name: in a few words.
        edits: what plants it.
        harmless: activations for which it changes no number, and why.
    """

    name: str
    edits: tuple[Edit, ...]
    harmless: Mapping[str, str] = field(default_factory=dict)


NETWORK, DENSE, SOFTMAX = "network.py", "layers/dense.py", "layers/softmax.py"
JACOBIANS, ACTIVATIONS, LOSSES = "jacobians.py", "activations.py", "losses.py"
OPTIMIZERS, ENGINE = "optimizers.py", "engines/numpy_engine.py"

NAMES = (
    "linear",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "softplus",
    "softsign",
)


def _only(*used: str) -> dict[str, str]:
    """The other activations never run the code that is changed."""
    reason = f"the changed code belongs to {' and '.join(used)}"
    return {name: reason for name in NAMES if name not in used}


def _through(change: str) -> tuple[Edit, ...]:
    """The loss's J and δ with a factor, in both ways back."""
    return (
        Edit(
            NETWORK, "self.loss_jacobian(t), to_input", f"{change}self.loss_jacobian(t), to_input"
        ),
        Edit(
            NETWORK,
            "self.from_logits.delta(self.logits, self._output, t),",
            f"{change}self.from_logits.delta(self.logits, self._output, t),",
        ),
    )


ADDED = "self.gradients.vector[part] += rate * penalty.derivative(self.theta[part])"
"""The line that adds a penalty's gradient."""


def _penalty(line: str) -> tuple[Edit, ...]:
    return (Edit(NETWORK, ADDED, line),)


BACK = "delta = J_a.vjp(J, self._out.delta) if not self.explicit else explicit(J_a).vjp(J)"
SLOPE = "return Diagonal(self._activation.derivative(self.z, self._out.delta))"
FORWARD = "self.z, self.a = self.evaluate(x, self._values, self._out)"
W_GRADIENT = "self._jacobian_W().vjp(delta, self.W_grad)"
B_GRADIENT = "self._jacobian_b().vjp(delta, self.b_grad)"
STEP = "        self._check_gradient(k)\n"
SIGN_OF_A = "a has the sign of z, and the derivative depends on nothing else"

BUGS = (
    # The loss
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
                "np.maximum.reduce(z.real, axis=-1, keepdims=True)",
                "np.maximum.reduce(z.real, axis=0, keepdims=True)",
            ),
            Edit(
                SOFTMAX,
                "np.add.reduce(e, axis=-1, keepdims=True)",
                "np.add.reduce(e, axis=0, keepdims=True)",
            ),
        ),
    ),
    Bug("the squared error without its 2", (Edit(LOSSES, "return 2 * d", "return d"),)),
    # Penalties
    Bug(
        "penalty on biases, in the gradient",
        _penalty(
            "self.gradients.vector[:] += rate / len(self._penalised) * penalty.derivative(self.theta)"
        ),
    ),
    Bug(
        "penalty on biases, in loss and gradient",
        (
            Edit(
                NETWORK,
                'setting.rate if setting.biases or segment.name != "b" else 0.0',
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
    # Activations
    Bug(
        "no activation derivative",
        (Edit(DENSE, SLOPE, "return Diagonal(np.ones_like(self.z))"),),
        {"linear": "its derivative is 1"},
    ),
    Bug(
        "derivative at a in place of z",
        (Edit(DENSE, SLOPE, SLOPE.replace("derivative(self.z,", "derivative(self.a,")),),
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
        _only("relu"),
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
        {**_only("tanh", "mish")},
    ),
    Bug(
        "sigmoid′ in place of another",
        (
            Edit(
                DENSE,
                SLOPE,
                "from chainrule.activations import sigmoid_derivative\n\n        return Diagonal(sigmoid_derivative(self.z))",
            ),
        ),
        {"sigmoid": "it is its own"},
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
        _only("softplus"),
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
        _only("softsign"),
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
        _only("silu"),
    ),
    Bug(
        "gelu′ without z N",
        (
            Edit(
                ACTIVATIONS,
                "np.add(_normal_distribution(z), near * density, out=out)",
                "np.add(_normal_distribution(z), 0 * density, out=out)",
            ),
        ),
        _only("gelu"),
    ),
    Bug(
        "mish′ without its second term",
        (
            Edit(
                ACTIVATIONS,
                "np.add(_tanh_softplus(z), z * slope, out=out)",
                "np.add(_tanh_softplus(z), 0 * slope, out=out)",
            ),
        ),
        _only("mish"),
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
        _only("selu"),
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
        _only("leaky_relu"),
    ),
    # Layers
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
                "for k in range(len(self.layers) - 2, -1, -1):",
                "for k in range(len(self.layers) - 2, 0, -1):",
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
    Bug("no bias in the forward pass", (Edit(DENSE, '        z += values["b"]\n', ""),)),
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
        "W updated before J upstream is made",
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
                "        self._add_penalty_gradient()\n",
                "        self._add_penalty_gradient()\n        self.gradients.vector *= 1.0001\n",
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
                "parameters.py",
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
                "return start.draw(self.shapes()[name], rng)",
                "return 0 * start.draw(self.shapes()[name], rng)",
            ),
        ),
    ),
    # Training
    Bug(
        "last case of a minibatch dropped",
        (
            Edit(
                ENGINE,
                "        y = network.propagate(x)\n",
                "        x, t = (x[:-1], t[:-1]) if len(x) > 1 else (x, t)\n        y = network.propagate(x)\n",
            ),
        ),
    ),
    Bug(
        "smaller last minibatch dropped",
        (
            Edit(
                "engines/base.py",
                "return -(-len(self.x) // self.batch_size)",
                "return max(1, len(self.x) // self.batch_size)",
            ),
            Edit(
                ENGINE,
                "            for k in range(first, last):\n",
                "            for k in range(first, min(last, self.minibatches)):\n",
            ),
        ),
    ),
    Bug(
        "smaller minibatch divided by the full size",
        (
            Edit(
                ENGINE,
                STEP,
                STEP + "        network.gradients.vector[:] *= len(x) / self.batch_size\n",
            ),
        ),
    ),
    Bug(
        "x shuffled without t",
        (Edit(ENGINE, "self.t.take(order[chosen], axis=0)", "self.t[chosen]"),),
    ),
    Bug(
        "order of the epoch not used",
        (
            Edit(
                ENGINE,
                "        if order is None:\n            return",
                "        if len(self.x):\n            return",
            ),
        ),
    ),
    Bug(
        "momentum's sign",
        (
            Edit(
                OPTIMIZERS,
                "        velocity *= self.momentum\n",
                "        velocity *= -self.momentum\n",
            ),
        ),
    ),
    Bug(
        "momentum never kept",
        (Edit(OPTIMIZERS, "        velocity *= self.momentum\n", "        velocity *= 0\n"),),
    ),
    Bug(
        "Nesterov without looking ahead",
        (
            Edit(
                OPTIMIZERS,
                "            scratch += gradient\n            scratch *= rate\n",
                "            scratch *= rate\n",
            ),
        ),
    ),
    Bug(
        "ascent",
        (
            Edit(
                OPTIMIZERS,
                "np.subtract(theta, scratch, out=theta)",
                "np.add(theta, scratch, out=theta)",
            ),
        ),
    ),
    Bug(
        "private learning rates ignored",
        (
            Edit(
                OPTIMIZERS,
                "self._update(rate * self.scale, **vectors)",
                "self._update(self.rates[0][1] * self.scale, **vectors)",
            ),
        ),
    ),
    Bug(
        "Adam without correction of the mean",
        (Edit(OPTIMIZERS, "scratch *= rate / (1 - self.beta1**self.steps)", "scratch *= rate"),),
    ),
    Bug(
        "Adam without correction of the square",
        (Edit(OPTIMIZERS, "        scratch /= sqrt(1 - self.beta2**self.steps)\n", ""),),
    ),
    Bug(
        "Adam with a wrong step count",
        (Edit(OPTIMIZERS, "1 - self.beta1**self.steps", "1 - self.beta1**(self.steps + 1)"),),
    ),
    Bug(
        "Adam's epsilon under the root",
        (
            Edit(
                OPTIMIZERS,
                "        np.sqrt(v, out=scratch)\n",
                "        np.sqrt(v + self.epsilon, out=scratch)\n",
            ),
        ),
    ),
    Bug(
        "scaling fitted on test data",
        (
            Edit(
                "data/sources.py",
                "Standardization.fit(data.train.x,",
                "Standardization.fit(data.test.x if len(data.test.x) else data.train.x,",
            ),
        ),
    ),
)
