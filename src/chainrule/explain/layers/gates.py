"""The LSTM and the GRU on the board, gate by gate."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from chainrule.core.arrays import Array
from chainrule.explain.blocks import Block, Step
from chainrule.explain.expressions import Expression, Name, Ratio, Variable, by, function
from chainrule.explain.layers.common import added, gradient_step, summed
from chainrule.explain.layers.unrolled import Course, UnrolledExplainer
from chainrule.nn.activations import sigmoid

GATES = dict(zip("ifgorum", "ⁱᶠᵍᵒʳᵘᵐ", strict=True))
"""The gates as small letters above, by which z and δ of each are told apart."""

Numbers = Mapping[str, Array]
"""Gates, states and derivatives by letter, each (steps, size); ∂ stands for ∂L/∂."""


def gate(one: Expression) -> tuple[Expression, Expression]:
    """σ of an expression, in two equal formulas."""
    e = function("exp", one)
    return 1 / (1 + function("exp", -one)), e / (1 + e)


class GatedExplainer(UnrolledExplainer):
    """What the LSTM and the GRU have in common."""

    used: Sequence[tuple[int, Sequence[str]]] = ()
    """For each block of z, the block of columns, and the parameters that add to it."""

    @abstractmethod
    def numbers(self, course: Course) -> Numbers:
        """Everything inside the layer that has no place in the library's own arrays."""

    def about_blocks(self) -> str:
        """See `UnrolledExplainer.about_blocks`."""
        gates = "i, f, g, o"
        return (
            f" Side by side stand the columns of the gates in the order {gates}, for each gate "
            "one for each unit."
        )

    def sums(self, course: Course, n: int, j: int) -> Iterator[Step]:
        """z of every gate, from the inputs and the state before."""
        sums = ", ".join(letter for letter, _ in self.letters)
        why = f"Each gate has a sum of its own, of the step's inputs and the state before: {sums}."
        for block, (columns, names) in enumerate(self.used):
            z = course.named(self.letters[block][0], course.z[n, block * course.size + j], n, j)
            rule = self.weighted_sum(course, n, j, columns, names)
            yield Step(z, (rule,), why=course.at.once(why))

    def z(self, course: Course, n: int, j: int, block: int) -> Variable:
        """z of unit j of a gate at step n."""
        return course.named(self.letters[block][0], course.z[n, block * course.size + j], n, j)

    def step_of(self, course: Course, result: Variable, why: str, *rules: Expression) -> Step:
        """A step whose sentence is said once; equal formulas behind the first are for rounding."""
        return Step(result, rules[:1], rules[1:], why=course.at.once(why))

    def through_U(self, course: Course, n: int, j: int) -> list[Expression]:
        """What the step after n says of h: δ of its gates times U."""
        if n + 1 >= course.length:
            return []
        terms: list[Expression] = [
            self.beside_U(course, n + 1, column) * course.at.parameter("U", j, column)
            for column in range(len(self.of_U) * course.size)
        ]
        return [summed(terms)]


def _by(one: Variable) -> Ratio:
    assert isinstance(one.name, Name), "a state has a simple name"
    return by(one.name)


def _own(course: Course, n: int, j: int) -> list[Expression]:
    own = course.by_own_output(n, j)
    return [] if own is None else [own]


def _slope_of_gate(gate: Variable) -> Expression:
    return gate * (1 - gate)


def _steep(z: Variable) -> Expression:
    """σ′(z), by e^ of a negative number alone."""
    t = function("exp", -z) if z.value >= 0 else function("exp", z)
    return t / (1 + t) ** 2


class LSTMExplainer(GatedExplainer):
    """i, f, g, o; c = f c(n−1) + i g; h = o tanh c."""

    letters = tuple((f"z{GATES[k]}", f"δ{GATES[k]}") for k in "ifgo")
    of_W = of_U = (0, 1, 2, 3)
    used = tuple((k, ("W", "U", "b")) for k in range(4))

    def numbers(self, course: Course) -> Numbers:
        """i, f, g, o; c with its start; ∂L/∂h and ∂L/∂c, later steps included."""
        z_i, z_f, z_g, z_o, _ = np.split(np.nan_to_num(course.z), 5, axis=1)
        i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
        c = np.asarray(course.layer.cells)[:, course.at.lesson.case]
        dh, dc = np.zeros_like(i), np.zeros((len(i) + 1, i.shape[1]))
        for n in range(course.length - 1, -1, -1):
            dh[n] = course.received[n]
            if n + 1 < course.length:
                dh[n] += course.deltas[n + 1, : 4 * course.size] @ course.layer.U.T
            dc[n] = dh[n] * o[n] / np.cosh(c[n + 1]) ** 2
            if n + 1 < course.length:
                dc[n] += dc[n + 1] * f[n + 1]
        return {"i": i, "f": f, "g": g, "o": o, "c": c, "∂h": dh, "∂c": dc}

    def starts(self, course: Course) -> Iterator[tuple[str, Array]]:
        """See `UnrolledExplainer.starts`."""
        yield "h", course.h
        yield "c", self.numbers(course)["c"]

    def _gates(self, course: Course, numbers: Numbers, n: int, j: int) -> list[Variable]:
        return [course.named(letter, numbers[letter][n, j], n, j) for letter in "ifgo"]

    def _c(self, course: Course, numbers: Numbers, n: int, j: int) -> Variable:
        """c of unit j after step n, counted from 1; 0 is the start."""
        return course.state("c", numbers["c"], n, j)

    def one_step(self, course: Course, n: int, j: int) -> Iterator[Block]:
        """See `UnrolledExplainer.one_step`."""
        numbers = self.numbers(course)
        yield from self.sums(course, n, j)
        i, f, g, o = self._gates(course, numbers, n, j)
        z = [self.z(course, n, j, block) for block in range(4)]
        about = (
            "The input gate i says how much is written to the cell c, the forget gate f how much "
            "of it is kept, g is what is written, and the output gate o says how much of the cell "
            "is put out. Gates are sigmoids, between 0 and 1; g is a tanh."
        )
        yield self.step_of(course, i, about, *gate(z[0]))
        yield self.step_of(course, f, "", *gate(z[1]))
        yield self.step_of(course, g, "", function("tanh", z[2]))
        yield self.step_of(course, o, "", *gate(z[3]))
        before, now = (self._c(course, numbers, m, j) for m in (n, n + 1))
        rule: Expression = f * before + i * g if before.value else i * g
        why = "The cell keeps a part of what it had, and takes up a part of what is new."
        yield self.step_of(course, now, why, rule)
        yield self.step_of(
            course, course.h_of(n + 1, j), "The state h is the part of the cell that is put out.",
            o * function("tanh", now),
        )  # fmt: skip

    def one_step_back(self, course: Course, n: int, j: int) -> Iterator[Block]:
        """See `UnrolledExplainer.one_step_back`."""
        numbers = self.numbers(course)
        i, f, g, o = self._gates(course, numbers, n, j)
        before, now = (self._c(course, numbers, m, j) for m in (n, n + 1))
        dh = course.by_h(numbers["∂h"][n, j], n, j)
        parts = [*_own(course, n, j), *self.through_U(course, n, j)]
        why = "h moves L by what the layers above do with it, and by the next step's gates."
        yield self.step_of(course, dh, why, added(parts))
        dc = Variable(float(numbers["∂c"][n, j]), _by(now))
        tanh, flat = function("tanh", now), 1 / function("cosh", now) ** 2
        later = []
        if n + 1 < course.length:
            after = self._c(course, numbers, n + 2, j)
            later = [
                Variable(float(numbers["∂c"][n + 1, j]), _by(after))
                * course.named("f", numbers["f"][n + 1, j], n + 1, j)
            ]
        why = (
            "The cell moves L through h = o tanh(c), and by what the next step keeps of it: there "
            "it is multiplied by f. (tanh′ is 1 − tanh².)"
        )
        rules = (added([dh * o * one, *later]) for one in (1 - tanh**2, flat))
        yield self.step_of(course, dc, why, *rules)
        yield from self._slopes(course, n, j, (i, f, g, o, before, dh, dc, now))

    def _slopes(
        self, course: Course, n: int, j: int, known: Sequence[Variable]
    ) -> Iterator[Block]:
        i, f, g, o, before, dh, dc, now = known
        z = [self.z(course, n, j, block) for block in range(4)]
        why = (
            "Each gate moves c, or h, by what it is multiplied with; and z moves the gate by the "
            "slope of the sigmoid, i (1 − i), or of tanh, 1 − g²."
        )
        pairs = (
            (0, dc * g, _slope_of_gate(i), _steep(z[0])),
            (1, dc * before, _slope_of_gate(f), _steep(z[1])),
            (2, dc * i, 1 - g**2, 1 / function("cosh", z[2]) ** 2),
            (3, dh * function("tanh", now), _slope_of_gate(o), _steep(z[3])),
        )
        for block, factor, slope, other in pairs:
            delta = self.delta(course, n, j, block)
            yield self.step_of(course, delta, why, factor * slope, factor * other)

    def more_gradients(self, course: Course) -> Iterator[Block]:
        """See `UnrolledExplainer.more_gradients`."""
        yield from super().more_gradients(course)
        if not course.layer.learns_start:
            return
        numbers = self.numbers(course)
        for (k,) in course.at.cells("c0"):
            dc = Variable(float(numbers["∂c"][0, k]), _by(self._c(course, numbers, 1, k)))
            terms = [dc * course.named("f", numbers["f"][0, k], 0, k)]
            why = "The cell before the first step moves L through what the first step keeps."
            yield gradient_step(course.at, "c0", (k,), terms, course.at.once(why))


class GRUExplainer(GatedExplainer):
    """r, u, g; h = (1 − u) g + u h(n−1)."""

    letters = tuple((f"z{GATES[k]}", f"δ{GATES[k]}") for k in "rugm")
    of_W = (0, 1, 2)
    of_U = (0, 1, 3)
    used = (
        (0, ("W", "U", "b")),
        (1, ("W", "U", "b")),
        (2, ("W", "b")),
        (2, ("U", "b_hn")),
    )

    def about_blocks(self) -> str:
        """See `UnrolledExplainer.about_blocks`."""
        return (
            " Side by side stand the columns of r, u and g, for each one for each unit; what U "
            f"adds for g is kept apart, as z{GATES['m']}."
        )

    def numbers(self, course: Course) -> Numbers:
        """r, u, g, and ∂L/∂h, later steps included."""
        z_r, z_u, z_g, z_m, _ = np.split(np.nan_to_num(course.z), 5, axis=1)
        r, u = sigmoid(z_r), sigmoid(z_u)
        g, size = np.tanh(z_g + r * z_m), course.size
        dh, beside_U = np.zeros_like(r), np.r_[0 : 2 * size, 3 * size : 4 * size]
        for n in range(course.length - 1, -1, -1):
            dh[n] = course.received[n]
            if n + 1 < course.length:
                dh[n] += course.deltas[n + 1, beside_U] @ course.layer.U.T + dh[n + 1] * u[n + 1]
        return {"r": r, "u": u, "g": g, "∂h": dh}

    def _gates(self, course: Course, numbers: Numbers, n: int, j: int) -> list[Variable]:
        return [course.named(letter, numbers[letter][n, j], n, j) for letter in "rug"]

    def one_step(self, course: Course, n: int, j: int) -> Iterator[Block]:
        """See `UnrolledExplainer.one_step`."""
        yield from self.sums(course, n, j)
        r, u, g = self._gates(course, self.numbers(course), n, j)
        z = [self.z(course, n, j, block) for block in range(4)]
        about = (
            "The reset gate r says how much of the state the candidate g hears, the update gate u "
            "how much of the state is kept. Gates are sigmoids, between 0 and 1; g is a tanh."
        )
        yield self.step_of(course, r, about, *gate(z[0]))
        yield self.step_of(course, u, "", *gate(z[1]))
        yield self.step_of(course, g, "", function("tanh", z[2] + r * z[3]))
        before = course.h_of(n, j)
        kept = [u * before] if before.value else []
        why = "The new state mixes the candidate with the state before."
        stays, other = (1 - u) * g, g / (1 + function("exp", z[1]))
        rules = (added([one, *kept]) for one in (stays, other))
        yield self.step_of(course, course.h_of(n + 1, j), why, *rules)

    def one_step_back(self, course: Course, n: int, j: int) -> Iterator[Block]:
        """See `UnrolledExplainer.one_step_back`."""
        numbers = self.numbers(course)
        r, u, g = self._gates(course, numbers, n, j)
        z = [self.z(course, n, j, block) for block in range(4)]
        dh = course.by_h(numbers["∂h"][n, j], n, j)
        parts = [*_own(course, n, j), *self.through_U(course, n, j)]
        if n + 1 < course.length:
            after = course.by_h(numbers["∂h"][n + 1, j], n + 1, j)
            parts.append(after * course.named("u", numbers["u"][n + 1, j], n + 1, j))
        why = (
            "h moves L by what the layers above do with it, by the next step's gates through U, "
            "and by what the next step keeps of it, which is u."
        )
        yield self.step_of(course, dh, why, added(parts))
        delta = [self.delta(course, n, j, block) for block in range(4)]
        inner = 1 / function("cosh", z[2] + r * z[3]) ** 2
        stays = 1 / (1 + function("exp", z[1]))
        why = "u moves h by h(n−1) − g, and z moves u by the slope of the sigmoid, u (1 − u)."
        by_u = dh * (course.h_of(n, j) - g)
        yield self.step_of(course, delta[1], why, by_u * _slope_of_gate(u), by_u * _steep(z[1]))
        why = "g moves h by 1 − u, and its z moves g by the slope of tanh, 1 − g²."
        yield self.step_of(course, delta[2], why, dh * (1 - u) * (1 - g**2), dh * stays * inner)
        m, own = f"z{GATES['m']}", f"z{GATES['g']}"
        why = f"{m} moves g as {own} does, times r; and r moves g by {m}."
        yield self.step_of(course, delta[3], why, delta[2] * r)
        by_r = delta[2] * z[3]
        yield self.step_of(course, delta[0], "", by_r * _slope_of_gate(r), by_r * _steep(z[0]))

    def kept_by_start(self, course: Course, k: int) -> list[Expression]:
        """See `UnrolledExplainer.kept_by_start`."""
        numbers = self.numbers(course)
        dh = course.by_h(numbers["∂h"][0, k], 0, k)
        return [dh * course.named("u", numbers["u"][0, k], 0, k)]

    def more_gradients(self, course: Course) -> Iterator[Block]:
        """See `UnrolledExplainer.more_gradients`."""
        at = course.at
        for (j,) in at.cells("b_hn") if course.layer.bias else ():
            terms = [self.delta(course, n, j, 3) for n in range(course.length)]
            why = f"This bias is added to z{GATES['m']} at every step."
            yield gradient_step(at, "b_hn", (j,), terms, at.once(why), "steps")
        yield from super().more_gradients(course)
