"""What a planted bug is."""

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
        tests: the files of tests that run the changed code, where those by activation do not.
    """

    name: str
    edits: tuple[Edit, ...]
    harmless: Mapping[str, str] = field(default_factory=dict)
    tests: tuple[str, ...] = ()


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


def only(*used: str) -> dict[str, str]:
    """The other activations never run the code that is changed."""
    reason = f"the changed code belongs to {' and '.join(used)}"
    return {name: reason for name in NAMES if name not in used}
