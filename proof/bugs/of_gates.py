"""Bugs of the LSTM and of the GRU: in the compiled steps, in what is around them, in Jacobians."""

from __future__ import annotations

from dataclasses import replace

from proof.bugs.bug import Bug, Edit

KERNELS, GATED = "nn/sequences/kernels/gates.py", "nn/sequences/gated.py"
LSTM, GRU = "nn/sequences/lstm.py", "nn/sequences/gru.py"
TIME = "nn/sequences/through_time.py"

TESTS = ("nn/sequences/test_gated.py",)
"""Those that run what is changed here."""

_OF_LSTM = (
    Bug(
        "the cell written without the input gate",
        (
            Edit(
                KERNELS,
                "c[case, j] = kept + gates[case, j] * gates[case, 2 * size + j]",
                "c[case, j] = kept + gates[case, 2 * size + j]",
            ),
        ),
    ),
    Bug(
        "the forget gate's derivative with c(n) for c(n−1)",
        (
            Edit(
                KERNELS,
                "_multiply(slopes, size, before, 0, case, size)",
                "_multiply(slopes, size, c, 0, case, size)",
            ),
        ),
    ),
    Bug(
        "input and candidate exchanged in their derivatives",
        (
            Edit(
                KERNELS,
                "_multiply(slopes, 0, gates, 2 * size, case, size)",
                "_multiply(slopes, 0, gates, 0, case, size)",
            ),
        ),
    ),
    Bug(
        "the output gate's derivative with c for tanh c",
        (
            Edit(
                KERNELS,
                "_multiply(slopes, 3 * size, h, 0, case, size)",
                "_multiply(slopes, 3 * size, c, 0, case, size)",
            ),
        ),
    ),
    Bug(
        "the cell's gradient not carried to the step before",
        (
            Edit(
                KERNELS,
                "_multiply(kept, 0, slopes, 5 * size, case, size)",
                "_multiply(kept, 0, slopes, 3 * size, case, size)",
            ),
        ),
    ),
    Bug(
        "the cell hears of its own step's output alone",
        (
            Edit(
                KERNELS,
                "kept[case, j] = of_c[case, j] + of_h[case, j] * slopes[case, 4 * size + j]",
                "kept[case, j] = of_h[case, j] * slopes[case, 4 * size + j]",
            ),
        ),
    ),
    Bug(
        "the cell begins with what h begins with",
        (
            Edit(
                GATED,
                "        for state, start in zip(states, self._starts(values), strict=True):\n"
                "            state[0] = start\n",
                "        for state in states:\n            state[0] = self._starts(values)[0]\n",
            ),
        ),
    ),
    Bug(
        "the forget gate's bias on the input gate",
        (
            Edit(
                LSTM,
                "found[self.size : 2 * self.size] += self.forget_bias",
                "found[: self.size] += self.forget_bias",
            ),
        ),
    ),
    Bug(
        "PyTorch's gates in the order i, f, o, g",
        (
            Edit(
                LSTM,
                'gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")',
                'gates: ClassVar[tuple[str, ...]] = ("i", "f", "o", "g")',
            ),
            Edit(
                LSTM,
                "z_i, z_f, z_g, z_o, c = z\n        c = sigmoid",
                "z_i, z_f, z_o, z_g, c = z\n        c = sigmoid",
            ),
        ),
    ),
    Bug(
        "the Jacobian of the cell by the candidate without the input gate",
        (
            Edit(
                LSTM,
                "sigmoid(z_i) * Tanh().derivative(z_g)",
                "Tanh().derivative(z_g)",
            ),
        ),
    ),
)

_OF_GRU = (
    Bug(
        "the reset gate before the product with the state's bias",
        (
            Edit(
                KERNELS,
                "carried[case, j] = z[case, 2 * size + j] + gates[case, j] * m[case, j]",
                "carried[case, j] = z[case, 2 * size + j] + gates[case, j] * carried[case, 2 * size + j]",
            ),
        ),
    ),
    Bug(
        "the update gate keeps what it should replace",
        (
            Edit(
                KERNELS,
                "h[case, j] = kept + carried[case, j] * h[case, j]",
                "h[case, j] = before[case, j] - kept + gates[case, size + j] * h[case, j]",
            ),
        ),
    ),
    Bug(
        "the update gate's derivative without the candidate",
        (
            Edit(
                KERNELS,
                "slopes[case, size + j] *= before[case, j] - h[case, j]",
                "slopes[case, size + j] *= before[case, j]",
            ),
        ),
    ),
    Bug(
        "the reset gate's derivative without the state's part",
        (Edit(KERNELS, "        _multiply(slopes, 0, m, 0, case, size)\n", ""),),
    ),
    Bug(
        "the candidate's state part without the reset gate on the way back",
        (
            Edit(
                KERNELS,
                "_product(by_U, 2 * size, of_h, 0, slopes, 3 * size, case, size)",
                "_product(by_U, 2 * size, of_h, 0, slopes, 2 * size, case, size)",
            ),
        ),
    ),
    Bug(
        "what is kept of the state not carried back",
        (Edit(KERNELS, "        _add(of_h, behind, case, size)\n", ""),),
    ),
    Bug(
        "1 − u as a difference where u is near 1",
        (Edit(KERNELS, "slope / u if u > half else one - u", "one - u"),),
    ),
    Bug(
        "the gradient of b_hn from the candidate's input part",
        (
            Edit(
                GATED,
                "rows = by_U[..., -self.size :].reshape(-1, self.size)",
                "rows = by_W[..., -self.size :].reshape(-1, self.size)",
            ),
        ),
    ),
    Bug(
        "U moves the candidate's input part in the Jacobians",
        (Edit(GRU, '{"U": (0, 1, 3), "b_hn": (3,)}', '{"U": (0, 1, 2), "b_hn": (3,)}'),),
    ),
)

_OF_BOTH = (
    Bug(
        "slopes of gates that are far open end above 0",
        (Edit(KERNELS, "                slopes[case, j] = t\n", ""),),
    ),
    Bug(
        "padding not stopped in the gates",
        (
            Edit(
                GATED,
                "g = self._without_padding(placed_at(J, self._last, room))",
                "g = placed_at(J, self._last, room)",
            ),
        ),
    ),
    Bug(
        "the carried state's start without its gradient",
        (Edit(GATED, "            starts[self.carried] += sum_of_rows(kept[0])\n", ""),),
    ),
    Bug(
        "states that are carried on left out of the Jacobians",
        (
            Edit(
                GATED,
                'found[self.carried][:, self._columns("carried")] = np.eye(self.size)',
                "pass",
            ),
        ),
    ),
    Bug(
        "only the first state goes back through time",
        (
            Edit(
                TIME,
                "            found += self.beside_blocks(np.matmul(delta, U.T)) * d[steps]\n",
                "            pass\n",
            ),
        ),
    ),
)

BUGS = tuple(replace(bug, tests=TESTS) for bug in (*_OF_LSTM, *_OF_GRU, *_OF_BOTH))
