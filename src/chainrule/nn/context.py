"""What the passes of a network depend on besides x and θ.

This is the mode (training or evaluation), the random numbers, and the buffers that passes reuse.
"""

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
"""Arrays and other results that are made once, by a key that names their use.

Every pass overwrites the arrays, so that it need not allocate them anew.
"""


@dataclass
class _Mode:
    """The seed and the step that determine the random numbers of a mode."""

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
        buffers: the arrays that passes reuse; None while every pass allocates its arrays.
        is_chain: whether the output of each layer goes to the next layer only. If so, a layer's
            gradient with respect to its input is no longer needed when another layer writes its
            own, and the layers can share one buffer for it.
        forward_thread: the thread that made the last forward pass.
        gradient_thread: the thread that last computed gradients without holding the network's
            lock. It may read them at any time, so no other thread may overwrite them without the
            lock.

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
        not_copied = ("buffers", "forward_thread", "gradient_thread")
        return {**self.__dict__, **dict.fromkeys(not_copied), "_training": {}}

    # The mode

    @property
    def _mode(self) -> _Mode:
        """The mode of the calling thread."""
        return self._training.get(get_ident(), self._evaluation)

    @property
    def training(self) -> bool:
        """Whether this thread is in training mode; other threads have a mode of their own."""
        return get_ident() in self._training

    @property
    def seed(self) -> int:
        """The seed of the random numbers in the calling thread's mode."""
        return self._mode.seed

    @property
    def step(self) -> int:
        """The number of minibatches that the network was trained on before this pass."""
        return self._mode.step

    @step.setter
    def step(self, value: int) -> None:
        self._mode.step = value

    @contextmanager
    def training_mode(self, seed: int, step: int) -> Iterator[Context]:
        """While this lasts, the thread that asked for it is in training mode.

        Args:
            seed: of the random numbers.
            step: the number of minibatches trained on so far. A training engine sets ``step``
                anew for each minibatch that follows.

        Raises:
            ConfigError: the step is not a whole number of at least 0.
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
        """A generator of a layer's random numbers at this step; each call starts it anew."""
        return stream(self.seed, "forward", layer, str(self.step))

    # Arrays that are allocated once and overwritten by every pass

    @contextmanager
    def reused_buffers(self, buffers: Buffers) -> Iterator[None]:
        """While this lasts, every pass writes its results into the arrays of ``buffers``.

        Args:
            buffers: an empty dictionary, which passes fill with arrays, or one from an earlier
                call, whose arrays are then reused.
        """
        before, self.buffers = self.buffers, buffers
        try:
            yield
        finally:
            self.buffers = before

    def cached(self, key: tuple[Any, ...], make: Callable[..., Any], *arguments: Any) -> Any:
        """The result of ``make(*arguments)``; while buffers are reused, made once for each key."""
        if self.buffers is None:
            return make(*arguments)
        found = self.buffers.get(key)
        if found is None:
            found = self.buffers[key] = make(*arguments)
        return found

    def buffer(self, layer: str, what: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """The array for a layer's ``what``, such as z; its initial contents are arbitrary."""
        found: Array = self.cached((layer, what, shape, dtype.char), np.empty, shape, dtype)
        return found

    def input_gradient(self, layer: str, width: int, J: Array) -> Array:
        """The array for a layer's gradient with respect to its input, shape (cases, width).

        In a chain, layers of equal width share this array, so that it stays in the processor's
        cache. It is never ``J`` itself, because the backward pass still reads that.

        Args:
            layer: the layer's name.
            width: the number of its inputs.
            J: the gradient with respect to its output, which its backward pass was given.
        """
        owner = "" if self.is_chain else layer  # "": shared by all layers
        shape = (len(J), width)
        found = self.buffer(owner, "input gradient", shape, J.dtype)
        return found if found is not J else self.buffer(owner, "other", shape, J.dtype)

    # Which threads made the last forward pass and hold the gradients

    def require_own_thread(self, *, held: bool) -> None:
        """Refuse a backward pass after another thread's forward pass or over its gradients.

        Args:
            held: whether the caller holds the network's lock.

        Raises:
            OtherThreadError: another thread made the last forward pass; or the caller does not
                hold the lock, and another thread that has not ended may still read the gradients.
        """
        owner, this = self.gradient_thread, get_ident()
        is_others = not held and owner not in (None, this) and _is_alive(owner)
        if self.forward_thread != this or is_others:
            raise OtherThreadError(
                "another thread took gradients of this network, which it may still read, or made "
                "the last forward pass; "
                "hold the lock (with network.lock:) from the forward pass until the gradients "
                "have been used, or give each thread a copy (copy.deepcopy(network))"
            )

    @contextmanager
    def claimed_gradients(self) -> Iterator[None]:
        """While this lasts, the gradients belong to the calling thread; others need the lock."""
        before, self.gradient_thread = self.gradient_thread, get_ident()
        try:
            yield
        finally:
            self.gradient_thread = before


def _is_alive(thread: int | None) -> bool:
    """Whether the thread with this identifier has not ended."""
    return any(other.ident == thread for other in threads())
