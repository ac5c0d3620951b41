"""What a planted bug is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edit:
    """A change of one source file.

    Attributes:
        file: the path within the package.
        old: text that the file contains exactly once.
        new: the text that replaces it.
    """

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    """One bug.

    Attributes:
        name: a few words that describe it.
        edits: the changes that plant it.
        harmless: activations for which it changes no number, each with the reason.
        tests: the test files that run the changed code, if the tests by activation do not.
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
    """The ``harmless`` of a bug in code that only the activations ``used`` run."""
    reason = f"the changed code belongs to {' and '.join(used)}"
    return {name: reason for name in NAMES if name not in used}
