"""L-BFGS, by SciPy, one iteration at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.core.arguments import require_at_least_0, require_count
from chainrule.core.arrays import Array
from chainrule.core.errors import Problem
from chainrule.training.optimizers.base import Optimizer, Rates
from chainrule.training.optimizers.turns import Ask, Returned, Turns

Evaluate = Callable[[], tuple[float, float]]
"""Computes the loss at θ and writes the gradient; returns the loss and a count of its own."""

UNLIMITED = 2**31 - 1
"""SciPy is to stop by itself only where it has converged: the epochs limit its iterations."""

MOST_MEMORY = 1000
"""The most pairs of vectors; a larger number is taken for a typing error."""


class _Point(NamedTuple):
    """A θ that was evaluated.

    Attributes:
        x: its trained numbers.
        loss: the loss there.
        right: what the evaluation counted beside it.
        steepest: the largest absolute entry of the gradient.
    """

    x: Array
    loss: float
    right: float
    steepest: float


@dataclass
class LBFGS(Optimizer):
    """L-BFGS: quasi-Newton steps, whose length a line search finds, on all cases at once.

    In iteration k, with g the gradient at θ_k, ``theta_{k+1} = theta_k - length * H_k g``. H_k
    approximates the inverse of the Hessian by the last ``memory`` pairs s = θ_{j+1} − θ_j and
    y = g_{j+1} − g_j: beginning with (sᵀy / yᵀy) I, every pair changes it to
    ``(I - s yᵀ / yᵀs) H (I - y sᵀ / yᵀs) + s sᵀ / yᵀs``. The length satisfies Wolfe's strong
    conditions. The iterations are those of ``scipy.optimize.minimize(method="L-BFGS-B")``.

    Training ends as finished when no entry of the gradient is above ``gradient_tolerance``, when
    an iteration lowers the loss by at most ``loss_tolerance`` times the larger of |loss| and 1, or
    when the line search finds no lower loss; ``ending`` then says which.

    An iteration is an epoch: it takes all cases (``batch_size: full``), and usually evaluates loss
    and gradient once or twice. There is no learning rate; the rate 0 keeps a layer as it is.

    The pairs lie within SciPy. A resumed training therefore goes through all iterations again,
    from ``start``, and then stands where it stopped, to the bit. Where it does not, as on another
    machine, or where someone else has changed θ, L-BFGS starts anew from θ as it is.

    Source: Liu and Nocedal, *On the limited memory BFGS method for large scale optimization*
    (1989); Byrd, Lu, Nocedal and Zhu, *A limited memory algorithm for bound constrained
    optimization* (1995); the line search is that of Moré and Thuente (1994).

    Attributes:
        memory: the number of pairs that are kept, at least 1 (SciPy's ``maxcor``).
        gradient_tolerance: at least 0 (SciPy's ``gtol``).
        loss_tolerance: at least 0 (SciPy's ``ftol``).
        line_search: the most evaluations in an iteration, at least 1 (SciPy's ``maxls``).
    """

    default_rate: ClassVar[float] = 1.0
    has_rate: ClassVar[bool] = False
    takes_all_cases: ClassVar[bool] = True

    memory: int = 10
    gradient_tolerance: float = 1e-5
    loss_tolerance: float = 2.2e-9
    line_search: int = 20
    _turns: Turns | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_count("memory", self.memory, 1, MOST_MEMORY)
        require_at_least_0("gradient_tolerance", self.gradient_tolerance)
        require_at_least_0("loss_tolerance", self.loss_tolerance)
        require_count("line_search", self.line_search, 1, MOST_MEMORY)

    def __getstate__(self) -> dict[str, Any]:
        """A copy has no thread of its own yet: its next step makes one."""
        return {**self.__dict__, "_turns": None}

    def problems(self, trainer: Any) -> Iterator[Problem]:
        """See `Optimizer.problems`."""
        settings, cases = trainer.settings, len(trainer.train)
        size = settings.cases_a_minibatch(cases)
        if size < cases:
            yield Problem(
                f"lbfgs takes all {cases} training cases at once, found batch_size: {size}; "
                "write batch_size: full, or choose another optimizer, such as adam",
                key="batch_size",
            )
        if settings.clip_gradient_norm is not None:
            yield Problem(
                "lbfgs finds the length of its steps itself, and clips no gradient; leave "
                "clip_gradient_norm out",
                key="clip_gradient_norm",
            )
        if not trainer.schedule.is_constant:
            yield Problem(
                "lbfgs finds the length of its steps itself, and has no learning rate that a "
                "schedule could change; leave schedule out",
                key="schedule",
            )
        yield from (
            Problem(message, key="optimizer") for message in self._reasons_against(trainer.network)
        )

    def _reasons_against(self, network: Any) -> Iterator[str]:
        """What a network has that L-BFGS cannot work with."""
        for layer in network.layers:
            if hasattr(layer, "draw_mask"):
                yield (
                    f"lbfgs compares losses at different θ, but {layer.name} draws new random "
                    "numbers for each step; leave that layer out, or choose another optimizer, "
                    "such as adam"
                )
            if getattr(layer, "truncate", None):
                yield (
                    f"lbfgs needs the gradient of the loss itself, but that of {layer.name} is "
                    "truncated; leave truncate out, or choose another optimizer, such as adam"
                )
        none = -1.0  # no setting is below 0
        rates = set(network.rates(none).values())
        if rates <= {0}:
            yield "lbfgs has nothing to change: the learning_rate of every layer is 0"
        elif rates - {0, none}:
            yield (
                "lbfgs finds the length of its steps itself; leave learning_rate out (0 may stay, "
                "and keeps a layer as it is), or choose another optimizer, such as adam"
            )

    def bind(
        self, theta: Array, gradient: Array, rates: Rates, biases: Sequence[slice] = ()
    ) -> None:
        """See `Optimizer.bind`."""
        import scipy.optimize  # noqa: F401  # whose BLAS then exists when threads are limited

        self.close()
        super().bind(theta, gradient, rates, biases)
        self._theta, self._gradient, self.ending = theta, gradient, None
        self._parts = [part for part, rate in self.rates if rate]
        self.state = {"start": np.zeros_like(theta), "begun": np.zeros(1)}

    def step(self) -> None:
        """Refuse: an iteration needs several gradients; see `iterate`."""
        raise TypeError("L-BFGS evaluates the loss several times a step: call iterate(evaluate)")

    def iterate(self, evaluate: Evaluate) -> tuple[float, float]:
        """Run an iteration, which changes θ; without effect once `ending` says why.

        Args:
            evaluate: computes the loss at θ, which changes from call to call, and writes the
                gradient into the bound vector.

        Returns:
            What ``evaluate`` returned at θ as it was before.

        Raises:
            BaseException: what ``evaluate`` raises; θ is then as it was before.
        """
        with self._unharmed():
            self.catch_up(evaluate)
            before = self._now
            self._advance(evaluate)
        self.steps += 1
        return before.loss, before.right

    def catch_up(self, evaluate: Evaluate) -> None:
        """Bring SciPy to where θ and `steps` stand, if it is not there: see `LBFGS`.

        Args:
            evaluate: as `iterate` takes it.

        Raises:
            BaseException: what ``evaluate`` raises; θ is then as it was before.
        """
        stands = self._turns is not None and (self._turns.goes_on or self.ending is not None)
        if stands and np.array_equal(self._numbers(), self._rounded()):
            return
        self.close()
        with self._unharmed():
            if not self._is_there_again(evaluate):
                self.state["start"][...], self.state["begun"][...] = self._theta, self.steps
                self._begin(evaluate)

    def _is_there_again(self, evaluate: Evaluate) -> bool:
        """Go through the iterations from the start; whether they lead to θ. θ stays the same."""
        wanted, passed = self._numbers(), self.steps - int(self.state["begun"][0])
        if not 0 < passed <= self.steps:
            return False
        self._put(np.concatenate([self.state["start"][part] for part in self._parts]))
        try:
            self._begin(evaluate)
            for _ in range(passed):
                self._advance(evaluate)
        except ArithmeticError:  # a loss that is not finite: these are not the same iterations
            self.close()
        found = self._numbers()
        self._put(wanted)
        if self._turns is not None and np.array_equal(found, wanted):
            return True
        self.close()
        return False

    def close(self) -> None:
        """See `Optimizer.close`."""
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.close()

    @contextmanager
    def _unharmed(self) -> Iterator[None]:
        """A context in which an exception leaves θ as it is now."""
        before = self._numbers()
        try:
            yield
        except BaseException:
            self.close()
            self._put(before)
            raise

    def _begin(self, evaluate: Evaluate) -> None:
        """Let SciPy start at θ as it is, up to its second evaluation."""
        self.ending = None
        options = {
            "maxcor": int(self.memory),
            "gtol": float(self.gradient_tolerance),
            "ftol": float(self.loss_tolerance),
            "maxls": int(self.line_search),
            "maxiter": UNLIMITED,
            "maxfun": UNLIMITED,
        }
        self._turns = Turns(_Minimisation(self._numbers().astype(np.float64), options))
        self._now = self._tried(self._turns, self._turns.question, evaluate)
        self._look_ahead(self._turns)

    def _advance(self, evaluate: Evaluate) -> None:
        """Answer SciPy's questions until it has accepted another θ, or has none to try."""
        turns, tried = self._turns, self._now
        assert turns is not None, "SciPy runs"
        while not isinstance(turns.question, _Accepted | Returned):
            tried = self._tried(turns, turns.question, evaluate)
        if isinstance(turns.question, _Accepted):
            accepted = turns.question.x
            self._put(accepted)
            if not np.array_equal(accepted, tried.x):  # in no version of SciPy that is known
                tried = self._evaluated(accepted, evaluate)
            self._now = tried
            turns.answer(None)
        else:
            self._put(self._now.x)
        self._look_ahead(turns)

    def _tried(self, turns: Turns, x: Array, evaluate: Evaluate) -> _Point:
        """Answer SciPy's question for loss and gradient at x."""
        found = self._evaluated(x, evaluate)
        parts = [self._gradient[part] for part in self._parts]
        turns.answer((found.loss, np.concatenate(parts).astype(np.float64)))
        return found

    def _evaluated(self, x: Array, evaluate: Evaluate) -> _Point:
        self._put(x)
        loss, right = evaluate()
        steepest = max(float(np.abs(self._gradient[part]).max()) for part in self._parts)
        return _Point(x, loss, right, steepest)

    def _look_ahead(self, turns: Turns) -> None:
        """Say why it is over, if SciPy tries no other θ."""
        if not isinstance(turns.question, Returned):
            return
        ended: _Ended = turns.question.value
        count = int(self.state["begun"][0]) + ended.iterations
        after = f"after {count} iteration" + "s" * (count != 1)
        if self._now.steepest <= self.gradient_tolerance:
            most = f"gradient_tolerance, {self.gradient_tolerance:g}"
            why = f"no entry of the gradient is above {most}"
            self.ending = f"L-BFGS converged {after}: {why}"
        elif ended.converged:
            most = f"loss_tolerance, {self.loss_tolerance:g}"
            why = f"the last one lowered the loss by no more than {most}"
            self.ending = f"L-BFGS converged {after}: {why}"
        else:
            self.ending = f"L-BFGS stopped {after}: its line search found no lower loss"

    # θ's trained numbers, side by side

    def _numbers(self) -> Array:
        return np.concatenate([self._theta[part] for part in self._parts])

    def _rounded(self) -> Array:
        """Where SciPy stands, in the precision of θ."""
        return self._now.x.astype(self._theta.dtype)

    def _put(self, x: Array) -> None:
        start = 0
        for part in self._parts:
            into = self._theta[part]
            into[...] = x[start : start + len(into)]
            start += len(into)


@dataclass(frozen=True)
class _Accepted:
    """SciPy has finished an iteration, at x."""

    x: Array


class _Ended(NamedTuple):
    """Why SciPy has returned, and after how many iterations of its own."""

    converged: bool
    iterations: int


@dataclass(frozen=True)
class _Minimisation:
    """SciPy's minimisation, as the function of a `Turns`.

    It asks for loss and gradient at an x, and tells of every `_Accepted` x.

    Attributes:
        start: θ to begin with.
        options: SciPy's.
    """

    start: Array
    options: dict[str, Any]

    def __call__(self, ask: Ask) -> _Ended:
        from scipy.optimize import minimize

        with np.errstate(all="ignore"):
            result = minimize(
                lambda x: ask(x.copy()),
                self.start,
                method="L-BFGS-B",
                jac=True,
                callback=lambda x: ask(_Accepted(x.copy())),
                options=self.options,
            )
        return _Ended(bool(result.success), int(result.nit))
