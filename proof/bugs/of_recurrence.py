"""Bugs of recurrent layers, of losses over steps and of clipping."""

from __future__ import annotations

from dataclasses import replace

from proof.bugs.bug import Bug, Edit

LAYER, CLIPPING = "nn/sequences/recurrent.py", "training/optimizers/base.py"
SHARED = "nn/sequences/unrolled.py"
TIME, LOSSES = "nn/sequences/through_time.py", "nn/sequences/losses.py"
PADDING = "core/sequences.py"

CARRIED = "np.dot(delta[n + 1], U.T, out=before)"
U_GRADIENT = "np.dot(h.T, beside_U.reshape(-1, width), out=self.U_grad)"
BEFORE = "h = self.states[:-1].reshape(-1, self.size)"
W_GRADIENT = "np.dot(self.x.reshape(-1, self.features).T, rows, out=self.W_grad)"
START_GRADIENT = "np.dot(sum_of_rows(delta[0]), self.U.T, out=self.h0_grad)"
SHARE = "y.real.dtype.type(np.count_nonzero(has_target(t)) / len(y))"
SHORTENED = "        gradient *= most / found\n"

TESTS = (
    "nn/sequences/test_recurrent.py",
    "nn/sequences/test_sequence_networks.py",
    "training/test_clipping.py",
)
"""Those that run what is changed here."""

_BUGS = (
    Bug(
        "U untransposed on the way back",
        (Edit(TIME, CARRIED, "np.dot(delta[n + 1], U, out=before)"),),
    ),
    Bug(
        "time reversed in the gradient of U",
        (Edit(SHARED, BEFORE, BEFORE.replace("[:-1]", "[-2::-1]")),),
    ),
    Bug(
        "gradient of U with h(n) for h(n−1)",
        (Edit(SHARED, BEFORE, BEFORE.replace("[:-1]", "[1:]")),),
    ),
    Bug(
        "gradient of U transposed",
        (
            Edit(
                SHARED,
                U_GRADIENT,
                U_GRADIENT + "\n        self.U_grad[...] = self.U_grad.T.copy()",
            ),
        ),
    ),
    Bug(
        "gradient of U from the last step alone",
        (Edit(SHARED, U_GRADIENT, "np.dot(self.states[-2].T, beside_U[-1], out=self.U_grad)"),),
    ),
    Bug(
        "gradient of W from the last step alone",
        (Edit(SHARED, W_GRADIENT, "np.dot(self.x[-1].T, by_z[-1], out=self.W_grad)"),),
    ),
    Bug(
        "δ not carried back",
        (Edit(TIME, "        before *= slopes[n]\n", "        before *= 0\n"),),
    ),
    Bug(
        "the slope forgotten on the way back",
        (Edit(TIME, "        before *= slopes[n]\n", ""),),
    ),
    Bug(
        "the slope of the step after",
        (Edit(TIME, "        before *= slopes[n]\n", "        before *= slopes[n + 1]\n"),),
    ),
    Bug("start state's gradient forgotten", (Edit(LAYER, START_GRADIENT, "pass"),)),
    Bug(
        "start state's gradient without U",
        (Edit(LAYER, START_GRADIENT, "sum_of_rows(delta[0], self.h0_grad)"),),
    ),
    Bug(
        "start state's gradient of the first case alone",
        (Edit(LAYER, START_GRADIENT, "np.dot(delta[0][0], self.U.T, out=self.h0_grad)"),),
    ),
    Bug(
        "start state left out",
        (Edit(LAYER, "    states[0] = start\n", "    states[0] = 0\n"),),
    ),
    Bug(
        "bias gradient of the first step alone",
        (
            Edit(
                SHARED,
                "sum_of_rows(rows, self.b_grad)",
                "sum_of_rows(by_z[0], self.b_grad)",
            ),
        ),
    ),
    Bug(
        "truncation off by one",
        (
            Edit(
                TIME,
                "    for j in range(1, depth):\n        part = states.back(",
                "    for j in range(1, depth + 1):\n        part = states.back(",
            ),
        ),
    ),
    Bug(
        "truncation of the last output off by one",
        (Edit(TIME, "<= self.last - self.depth] = 0", "< self.last - self.depth] = 0"),),
    ),
    Bug(
        "truncation ignored",
        (
            Edit(
                TIME,
                "    if depth is not None and depth < steps:\n",
                "    if depth is not None and depth < 0:\n",
            ),
        ),
    ),
    Bug(
        "the last output of a padded case taken at the end",
        (
            Edit(
                SHARED,
                "return np.full(cases, steps - 1) if lengths is None else lengths - 1",
                "return np.full(cases, steps - 1)",
            ),
        ),
    ),
    Bug(
        "stale states",
        (
            Edit(
                LAYER,
                "        activation.value(z[n], out=states[n + 1])\n",
                "        activation.value(z[n] if n < 2 else z[n - 1], out=states[n + 1])\n",
            ),
        ),
    ),
    Bug("loss averaged over time", (Edit(LOSSES, SHARE, "y.real.dtype.type(1)"),)),
    Bug(
        "padding counted in the loss",
        (
            Edit(
                PADDING,
                "return t != NO_CLASS if t.ndim == 2 else ~np.isnan(t[:, :, 0])",
                "return np.ones(t.shape[:2], bool)",
            ),
        ),
    ),
    Bug(
        "padding passed on as numbers",
        (
            Edit(
                PADDING,
                "        y[padded_steps(lengths, y.shape[1])] = np.nan\n",
                "        y[padded_steps(lengths, y.shape[1])] = 0\n",
            ),
        ),
    ),
    Bug(
        "a longer gradient clipped number by number",
        (Edit(CLIPPING, SHORTENED, "        np.clip(gradient, -most, most, out=gradient)\n"),),
    ),
    Bug(
        "each half of the gradient clipped by itself",
        (
            Edit(
                CLIPPING,
                SHORTENED,
                "        for part in np.array_split(gradient, 2):\n            part *= min(1.0, most / norm(part))\n",
            ),
        ),
    ),
    Bug(
        "short gradients made longer",
        (Edit(CLIPPING, "    if found > most:\n", "    if found > 0:\n"),),
    ),
    Bug(
        "clipping forgotten in the engine",
        (Edit("training/engines/numpy_engine.py", "        self.clip_gradient()\n", ""),),
    ),
)

BUGS = tuple(replace(bug, tests=TESTS) for bug in _BUGS)
