"""Activations and losses of one's own, usable by name once their derivative is found right."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar, cast

from chainrule.core.errors import ConfigError
from chainrule.core.registry import add_entry
from chainrule.gradients import check_activation, check_loss
from chainrule.nn.activations import ACTIVATIONS, Activation
from chainrule.nn.losses import LOSSES, Loss

T = TypeVar("T")

_OURS = frozenset({*ACTIVATIONS, *LOSSES})
"""The names that come with the library; nothing takes their place."""


def register_activation(name: str, kind: type[Activation]) -> type[Activation]:
    """Make an activation usable by name, after its derivative was checked.

    A configuration run from this process may then name it, as ``activation: NAME`` or with the
    class's fields as options; so may `Dense`. The numpy engine runs it. Registered again, a name
    means the new class.

    Args:
        name: lower-case letters, digits and ``_``.
        kind: a subclass of `Activation` that can be made without arguments; where it has options
            it is a frozen dataclass, and they are numbers. One of the form z g(z) is a subclass
            of `chainrule.nn.activations.Gated`, so that checks know of the zero of its derivative.

    Returns:
        The class.

    Raises:
        ConfigError: the derivative is wrong (the message says where and by how much), a kink is
            not stated, or the name belongs to the library.

    Example:
        >>> import numpy as np
        >>> from chainrule import register_activation
        >>> from chainrule.nn.activations import Activation
        >>> class Square(Activation):
        ...     def value(self, z, out=None):
        ...         return np.multiply(z, z, out=out)
        ...     def derivative(self, z, out=None):
        ...         return np.multiply(2.002, z, out=out)
        >>> register_activation("square", Square)
        Traceback (most recent call last):
        chainrule.core.errors.ConfigError: the derivative of Square is wrong at z = -30.59: found
        -61.243182, expected -61.182 (by central difference), a relative error of 0.0005
    """
    check_activation(_made("activation", name, kind, Activation))
    add_entry(ACTIVATIONS, name, kind)
    return kind


def register_loss(name: str, kind: type[Loss]) -> type[Loss]:
    """Make a loss usable by name, after its derivative was checked.

    Args:
        name: see `register_activation`.
        kind: a subclass of `Loss`, a mean over the cases; see `register_activation`.

    Returns:
        The class.

    Raises:
        ConfigError: see `register_activation`.
    """
    check_loss(_made("loss", name, kind, Loss))
    add_entry(LOSSES, name, kind)
    return kind


def _made(what: str, name: str, kind: Any, base: Callable[..., T]) -> T:
    """An object of the class with its default options.

    Raises:
        ConfigError: the name or the class cannot be registered.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError(f"a name is of lower-case letters, digits and '_', found {name!r}")
    if name in _OURS:
        raise ConfigError(f"{name!r} is a name of the library's own; choose another")
    if not (isinstance(kind, type) and issubclass(kind, cast(type, base))):
        base_name = cast(type, base).__name__
        raise ConfigError(f"{what} {name} must be a subclass of {base_name}, found {kind!r}")
    try:
        return cast(T, kind())
    except TypeError as error:
        raise ConfigError(f"{what} {name} cannot be made without arguments: {error}") from None
