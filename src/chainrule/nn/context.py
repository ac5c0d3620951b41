"""What the passes of a network know beside x and θ: the mode, random numbers, and buffers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import enumerate as threads
from threading import get_ident
from typing import Any

import numpy as np

from chainrule.core.arguments import is_whole
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, OtherThreadError
from chainrule.core.randomness import stream

Buffers = dict[tuple[Any, ...], Any]
"""Arrays that every pass writes into again, by what they are for."""


@dataclass
class _Mode:
    """From what random numbers follow while it lasts."""

    seed: int
    step: int


class Context:
    """What the passes of one network share; every layer of the network sees the same context.

    A network is in evaluation mode unless `training_mode` is asked for. A layer that computes
    something else during training, such as dropout, reads ``training``, and draws its random
    numbers from ``stream(name)``. That stream follows from the seed, the layer's name and the step
    alone. So the backward pass, numeric differentiation and other libraries see the same numbers
    as the forward pass, and a resumed training draws the same numbers as one without a break.

    Args:
        seed: of the random numbers.

    Attributes:
        buffers: the arrays that passes reuse; None while every pass makes its arrays anew.
        is_chain: whether each layer feeds the next one alone. A gradient with respect to the
            input is then used up before another layer writes its own, so that layers may share
            the buffer for it.
        forward_thread: the thread that made the last forward pass.
        gradient_thread: the thread that took gradients without holding the network's lock: they
            are for it to read.

    Example:
        >>> context = Context(seed=1)
        >>> context.training
        False
        >>> with context.training_mode(seed=1, step=20):
        ...     first, again = context.stream("dropout_1"), context.stream("dropout_1")
        >>> bool(first.random() == again.random())
        True
    """

    def __init__(self, seed: int = 0) -> None:
        self._evaluation = _Mode(seed, 0)
        self._training: dict[int, _Mode] = {}  # by thread
        self.buffers: Buffers | None = None
        self.is_chain = True
        self.forward_thread: int | None = None
        self.gradient_thread: int | None = None

    def __getstate__(self) -> dict[str, Any]:
        """A copy is in evaluation mode, has no buffers yet, and no thread has used it."""
        own = ("buffers", "forward_thread", "gradient_thread")
        return {**self.__dict__, **dict.fromkeys(own), "_training": {}}

    # The mode

    @property
    def _mode(self) -> _Mode:
        """That of this thread."""
        return self._training.get(get_ident(), self._evaluation)

    @property
    def training(self) -> bool:
        """Whether this thread is in training mode; other threads have a mode of their own."""
        return get_ident() in self._training

    @property
    def seed(self) -> int:
        """The seed of the random numbers that this thread draws."""
        return self._mode.seed

    @property
    def step(self) -> int:
        """How many minibatches have been trained on before this pass."""
        return self._mode.step

    @step.setter
    def step(self, value: int) -> None:
        self._mode.step = value

    @contextmanager
    def training_mode(self, seed: int, step: int) -> Iterator[Context]:
        """While this lasts, the thread that asked for it is in training mode.

        Args:
            seed: of the random numbers.
            step: how many minibatches have been trained on before; an engine counts it up.

        Raises:
            ConfigError: the step is no count.
        """
        if not is_whole(step) or step < 0:
            raise ConfigError(f"a step is a whole number of at least 0, found {step!r}")
        thread = get_ident()
        before = self._training.get(thread)
        self._training[thread] = _Mode(seed, step)
        try:
            yield self
        finally:
            del self._training[thread]
            if before is not None:
                self._training[thread] = before

    def stream(self, layer: str) -> np.random.Generator:
        """The random numbers of one layer at this step, from their beginning."""
        return stream(self.seed, "forward", layer, str(self.step))

    # Arrays that are made once and written into by every pass

    @contextmanager
    def reused_buffers(self, buffers: Buffers) -> Iterator[None]:
        """While this lasts, passes write into the arrays of ``buffers`` again and again.

        Args:
            buffers: empty at first; given again, its arrays are used again.
        """
        before, self.buffers = self.buffers, buffers
        try:
            yield
        finally:
            self.buffers = before

    def cached(self, key: tuple[Any, ...], make: Callable[..., Any], *arguments: Any) -> Any:
        """What ``make(*arguments)`` gives, made once for each key while buffers are reused."""
        if self.buffers is None:
            return make(*arguments)
        found = self.buffers.get(key)
        if found is None:
            found = self.buffers[key] = make(*arguments)
        return found

    def buffer(self, layer: str, what: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """An array of the layer's own for ``what``, such as z, with whatever was last written."""
        found: Array = self.cached((layer, what, shape, dtype.char), np.empty, shape, dtype)
        return found

    def input_gradient(self, layer: str, width: int, J: Array) -> Array:
        """Where a layer writes the gradient with respect to its input, (cases, width).

        In a chain, layers of one width share the array, which then stays in the processor's
        cache; but the array is never ``J`` itself, which the layer's backward pass was given.
        """
        owner = "" if self.is_chain else layer
        shape = (len(J), width)
        found = self.buffer(owner, "input gradient", shape, J.dtype)
        return found if found is not J else self.buffer(owner, "other", shape, J.dtype)

    # Which thread the last passes belong to

    def require_own_thread(self, *, held: bool) -> None:
        """Refuse to go back through another thread's pass, or to overwrite its gradients.

        Args:
            held: whether the caller holds the network's lock.

        Raises:
            OtherThreadError: another thread made the pass, or may still read the gradients.
        """
        own = (None, get_ident())  # a thread that has ended reads no gradients any more
        others = not held and self.gradient_thread not in own and _runs(self.gradient_thread)
        if self.forward_thread != get_ident() or others:
            raise OtherThreadError(
                "another thread took gradients of this network, which it may still read, or made "
                "the last forward pass; "
                "hold the lock (with network.lock:) from the forward pass until the gradients "
                "have been used, or give each thread a copy (copy.deepcopy(network))"
            )

    @contextmanager
    def claimed_gradients(self) -> Iterator[None]:
        """While this lasts, the gradients belong to this thread; others need the lock."""
        before, self.gradient_thread = self.gradient_thread, get_ident()
        try:
            yield
        finally:
            self.gradient_thread = before


def _runs(thread: int | None) -> bool:
    """Whether the thread of that number has not ended."""
    return any(other.ident == thread for other in threads())
