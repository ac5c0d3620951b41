"""Bugs of minibatches, optimisers and data."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

OPTIMIZERS, ENGINE = "training/optimizers/rules.py", "training/engines/numpy_engine.py"
SCHEDULES, HISTORY = "training/schedules.py", "training/history.py"
CALLBACKS = "training/callbacks.py"

STEP = "        self._check_gradient(k)\n"
AT_STEPS = "((epoch.number - 1) // int(self.every))"

BUGS = (
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
                "training/engines/base.py",
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
                "training/optimizers/base.py",
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
        "stepped rate an epoch early where a step is longer than two",
        (Edit(SCHEDULES, AT_STEPS, "((epoch.number - 1 + (self.every > 2)) // int(self.every))"),),
        tests=("training/test_schedules.py",),
    ),
    Bug(
        "stepped rate an epoch late where a step is longer than two",
        (
            Edit(
                SCHEDULES,
                AT_STEPS,
                "(max(0, epoch.number - 1 - (self.every > 2)) // int(self.every))",
            ),
        ),
        tests=("training/test_schedules.py",),
    ),
    Bug(
        "smaller last minibatch weighs as much as the others in the running loss",
        (
            Edit(
                HISTORY,
                "np.average(losses, axis=-1, weights=counts / counts.max())",
                "np.average(losses, axis=-1)",
            ),
        ),
        tests=("training/test_training.py",),
    ),
    Bug(
        "R² with a mean in the targets' own precision",
        (Edit("training/metrics.py", "t.mean(axis=0, dtype=np.float64)", "t.mean(axis=0)"),),
        tests=("training/test_scores.py",),
    ),
    Bug(
        "early stopping an epoch late",
        (Edit(CALLBACKS, "if self.wait >= self.patience:", "if self.wait > self.patience:"),),
        tests=("training/test_callbacks.py",),
    ),
    Bug(
        "early stopping that does not restore the best parameters",
        (Edit(CALLBACKS, "            theta[...] = self._theta\n", ""),),
        tests=("training/test_callbacks.py",),
    ),
    Bug(
        "early stopping that forgets its wait in a checkpoint",
        (Edit(CALLBACKS, '"wait": self.wait}', '"wait": 0}'),),
        tests=("training/test_callbacks.py",),
    ),
    Bug(
        "scaling fitted on test data",
        (
            Edit(
                "data/preparing.py",
                "cases_that_count(*data.train.arrays)",
                "cases_that_count(*(data.test if len(data.test) else data.train).arrays)",
            ),
        ),
    ),
)
