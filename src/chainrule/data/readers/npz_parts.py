"""Which arrays of an .npz file are inputs and targets, and of which part of the data.

Beside ``x`` and ``t`` of this program, files are passed around with the names of Keras
(``x_train``, ``y_train``, ``x_test``, ``y_test``), of MedMNIST (``train_images``,
``train_labels``) and of scikit-learn (``X`` and ``y``, ``data`` and ``target``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chainrule.core.errors import nearest, shown

_INPUTS = ("x", "images", "data", "inputs", "features")
_TARGETS = ("y", "t", "labels", "targets", "target")

_WORDS: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
"""For each part of the data, the words in the names of its arrays."""


class Names(NamedTuple):
    """The names of the arrays of one part: of its inputs, and of its targets or None."""

    x: str
    t: str | None


OWN = Names("x", "t")
"""The names in the files that this program writes."""


def parts_of(names: Iterable[str]) -> dict[str, Names]:
    """The parts that arrays of these names hold: train, validation and test, or all under "".

    Capital letters do not matter. Parts without inputs do not count.

    Example:
        >>> parts_of(["x_test", "X_train", "y_train", "note"])
        {'train': Names(x='X_train', t='y_train'), 'test': Names(x='x_test', t=None)}
        >>> parts_of(["data", "target"])
        {'': Names(x='data', t='target')}
    """
    names = list(names)
    if "x" in names:
        return {"": Names("x", "t" if "t" in names else _first(names, _TARGETS))}
    found = {}
    for part, words in _WORDS.items():
        x = _first(names, _named(_INPUTS, words))
        if x is not None:
            found[part] = Names(x, _first(names, _named(_TARGETS, words)))
    if not found and (x := _first(names, _INPUTS)) is not None:
        found[""] = Names(x, _first(names, _TARGETS))
    return found


def _named(kinds: Iterable[str], words: Iterable[str]) -> list[str]:
    return [n for word in words for kind in kinds for n in (f"{kind}_{word}", f"{word}_{kind}")]


def _first(names: Iterable[str], wanted: Iterable[str]) -> str | None:
    """The first of the wanted names that is among the names, in capital letters or not."""
    lowered = {name.lower(): name for name in names}
    return next((lowered[name] for name in wanted if name in lowered), None)


def problem_of(parts: Mapping[str, Names], names: Iterable[str]) -> str | None:
    """What keeps arrays from being data to train on, or None.

    Example:
        >>> names = ["x_train", "x_test", "y_test"]
        >>> problem_of(parts_of(names), names)
        'found the arrays x_train, x_test, y_test, but not y_train'
    """
    names = list(names)
    listed = ", ".join(shown(name)[1:-1] for name in names[:10])
    if "" in parts:
        return None
    if not parts:
        guess = nearest("x", names) or nearest("x_train", names)
        hint = f" (rename {guess!r}?)" if guess else ""
        expected = "x and t, or x_train, y_train, x_test, y_test"
        return f"found the arrays {listed}; expected {expected}{hint}"
    missing = [] if "train" in parts else ["x_train", "y_train"]
    missing += [_targets_of(part, names) for part, each in parts.items() if each.t is None]
    if not missing:
        return None
    return f"found the arrays {listed}, but not {' and '.join(missing)}"


def _targets_of(part: str, names: Iterable[str]) -> str:
    word = next((w for w in _WORDS[part] if any(w in n.lower() for n in names)), part)
    return f"y_{word}"
