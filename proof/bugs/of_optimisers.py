"""Bugs of AdaGrad, RMSProp, AdamW, Nadam and L-BFGS."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

RULES, LBFGS = "training/optimizers/rules.py", "training/optimizers/lbfgs.py"
OF_RULES = ("training/test_optimizers.py",)
OF_LBFGS = ("training/test_lbfgs.py",)


def _of_rule(name: str, old: str, new: str) -> Bug:
    return Bug(name, (Edit(RULES, old, new),), tests=OF_RULES)


def _of_lbfgs(name: str, old: str, new: str) -> Bug:
    return Bug(name, (Edit(LBFGS, old, new),), tests=OF_LBFGS)


SUM = "        square += np.multiply(gradient, gradient, out=scratch)\n"
TAKE_OFF = "            np.subtract(square, scratch, out=scratch)\n"
DECAY = "            theta *= 1 - rate * self.scale * self.weight_decay\n"
BESIDE = "rate * (1 - mu) / (1 - product)"
AHEAD = "rate * later / (1 - product * later)"

BUGS = (
    _of_rule(
        "AdaGrad that forgets the squares before",
        SUM,
        "        np.multiply(gradient, gradient, out=square)\n",
    ),
    _of_rule(
        "AdaGrad without its start",
        '        self.state["square"][...] = self.initial\n',
        "",
    ),
    _of_rule(
        "AdaGrad with the sum of absolute values",
        SUM,
        "        square += np.abs(gradient, out=scratch)\n",
    ),
    _of_rule(
        "RMSProp with a new share of 1",
        "        scratch *= 1 - self.alpha\n        square += scratch\n",
        "        square += scratch\n",
    ),
    _of_rule(
        "RMSProp's mean not squared",
        "            np.multiply(mean, mean, out=scratch)\n" + TAKE_OFF,
        "            np.multiply(mean, 1, out=scratch)\n" + TAKE_OFF,
    ),
    _of_rule(
        "RMSProp's variance below 0",
        "            np.maximum(scratch, 0, out=scratch)  # rounding makes some differences negative\n",
        "",
    ),
    _of_rule(
        "RMSProp centred whether asked or not",
        "        if self.centered:\n",
        '        if "mean" in state:\n',
    ),
    _of_rule(
        "RMSProp's velocity that is never kept",
        "            np.multiply(velocity, self.momentum, out=velocity)\n",
        "            velocity[...] = 0\n",
    ),
    _of_rule("AdamW that grows its weights", DECAY, DECAY.replace("1 - rate", "1 + rate")),
    _of_rule(
        "AdamW whose decay does not depend on the rate",
        DECAY,
        "            theta *= 1 - self.weight_decay\n",
    ),
    _of_rule(
        "AdamW that spares no biases",
        "without(rates, () if self.biases else biases, len(theta))",
        "without(rates, (), len(theta))",
    ),
    _of_rule(
        "AdamW that spares biases although asked",
        "without(rates, () if self.biases else biases, len(theta))",
        "without(rates, biases, len(theta))",
    ),
    _of_rule(
        "AdamW with the decay after Adam's step",
        "        for theta, rate in self._decaying:\n" + DECAY + "        super().step()\n",
        "        super().step()\n        for theta, rate in self._decaying:\n" + DECAY,
    ),
    _of_rule(
        "Nadam with the momentum of this step ahead", AHEAD, "rate * mu / (1 - product * mu)"
    ),
    _of_rule("Nadam without correction of the gradient", BESIDE, "rate * (1 - mu)"),
    _of_rule("Nadam without looking ahead", AHEAD, "rate * later / (1 - product)"),
    _of_rule(
        "Nadam's warm-up counted from 0",
        "0.96 ** (step * self.momentum_decay)",
        "0.96 ** ((step - 1) * self.momentum_decay)",
    ),
    _of_rule(
        "Nadam whose product of momenta begins anew",
        "        known, product = self._product if self._product[0] <= step else (0, 1.0)\n",
        "        known, product = step - 1, 1.0\n",
    ),
    _of_lbfgs(
        "L-BFGS that ends a resumed training at its start",
        "            for _ in range(passed):\n",
        "            for _ in range(passed - 1):\n",
    ),
    _of_lbfgs(
        "L-BFGS that takes any θ for its own",
        "        if stands and np.array_equal(self._numbers(), self._rounded()):\n",
        "        if stands:\n",
    ),
    _of_lbfgs(
        "L-BFGS that tells the loss after the iteration",
        "        return before.loss, before.right\n",
        "        return self._now.loss, self._now.right\n",
    ),
    _of_lbfgs(
        "L-BFGS that leaves θ where the line search failed",
        "        else:\n            self._put(self._now.x)\n",
        "",
    ),
    _of_lbfgs(
        "L-BFGS that leaves a θ behind whose loss is not finite",
        "            self.close()\n            self._put(before)\n            raise\n",
        "            self.close()\n            raise\n",
    ),
    _of_lbfgs(
        "L-BFGS that takes every end for convergence",
        "        elif ended.converged:\n",
        "        elif ended.iterations >= 0:\n",
    ),
    _of_lbfgs(
        "L-BFGS that trains layers of rate 0",
        "[part for part, rate in self.rates if rate]",
        "[part for part, rate in self.rates]",
    ),
    Bug(
        "AdamW that spares biases in NumPy alone",
        (
            Edit(
                "training/engines/other_libraries.py",
                "    return optimizer.weight_decay if decays else 0.0\n",
                "    return optimizer.weight_decay\n",
            ),
        ),
        tests=("training/engines/test_compiled_tables.py",),
    ),
    Bug(
        "the compiled engine's decay of layers that differ",
        (
            Edit(
                "training/engines/compiled/tables.py",
                "    if len(weights) > 1 or len(biases) > 1:\n",
                "    if len(weights) > 2:\n",
            ),
        ),
        tests=("training/engines/test_compiled_tables.py",),
    ),
)
