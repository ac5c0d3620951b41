"""What the labels of a source become: classes, labels of which a case may have several, or values.

The labels alone do not tell. It also depends on the settings, and on the outputs of the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, DataError, Problem
from chainrule.data.readers.cases import Labels
from chainrule.data.readers.encoding import (
    class_names,
    encode_classes,
    encode_label_sets,
    encode_values,
    end_in_points,
    label_type,
    names_of_columns,
)


@dataclass(frozen=True)
class Targets:
    """The targets of a data set.

    Attributes:
        parts: those of each source: class numbers (cases,), or float64 (cases, outputs).
        classes: the names of the classes, or None.
        described: the attributes of `DataSplit` that describe them, but for ``classes``.
        notes: sentences for the user.
    """

    parts: list[Array]
    classes: tuple[str, ...] | None
    described: Mapping[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TargetRule:
    """What decides, beside the labels themselves; see `chainrule.data.sources.load_data`.

    Attributes:
        settings: the ``data`` mapping.
        outputs: the network's number of outputs where it is known.
        target: ``class`` or ``value``, as the loss expects, or None.
        labels: whether each output is a probability of its own.
        classes: the names that an earlier training gave the classes, or None.
    """

    settings: Mapping[str, Any]
    outputs: int | None
    target: str | None
    labels: bool
    classes: Sequence[str] | None

    @property
    def are_values(self) -> bool:
        """Whether class numbers become values; by default, if the only output is a value."""
        usual = "value" if self.target == "value" and self.outputs == 1 else "class"
        return bool(self.settings.get("target", usual) == "value")

    @property
    def _may_list(self) -> bool:
        """Whether the data may be of a kind whose classes the setting ``classes`` lists."""
        return "file" in self.settings or "python" in self.settings

    def targets(self, labels: Sequence[Labels]) -> Targets:
        """The targets of all sources.

        Args:
            labels: those of each source.

        Raises:
            ConfigError: the labels are of another kind than the network's outputs.
            DataError: a label cannot be encoded; with its place.
        """
        classes, are_sets = None, self._are_sets(labels)
        if are_sets:
            parts = encode_label_sets(labels)
        elif self._are_classes(labels):
            given = self.settings.get("classes") if self._may_list else None
            classes = class_names(labels, self.classes or given, self.outputs)
            parts = encode_classes(labels, classes, with_others=self.classes is not None)
        else:
            parts = encode_values(labels)
        described = {
            "label_type": label_type(labels, classes or ()) if classes or are_sets else "text",
            "target_names": names_of_columns(labels) if classes is None else None,
            "multi_label": are_sets,
        }
        notes = [*_notes_on_points(labels, classes), *self._notes(labels, classes)]
        return Targets(parts, classes, described, tuple(notes))

    def _are_sets(self, labels: Sequence[Labels]) -> bool:
        """Whether a case may have several labels.

        Raises:
            ConfigError: it may, and the network's outputs exclude each other.
        """
        stated = self.settings.get("target")
        are_sets = stated == "labels" or (stated is None and any(p.are_sets for p in labels))
        if are_sets and self.target == "class" and not self.labels:
            message = (
                "a case may have several labels here, but the outputs of this network exclude "
                "each other; take sigmoid outputs and loss: binary_cross_entropy, without softmax"
            )
            raise ConfigError(Problem(message, key="target" if stated else None))
        if are_sets or stated is not None or not self.labels:
            return are_sets
        are_rows = all(np.ndim(part.values) > 1 for part in labels)
        return are_rows and not all(part.look_like_classes for part in labels)

    def _are_classes(self, labels: Sequence[Labels]) -> bool:
        """Whether the targets are classes."""
        target = self.target
        single_value = target == "value" and self.outputs == 1
        listed = self._may_list and "classes" in self.settings
        if "target" in self.settings:
            return bool(self.settings["target"] == "class")
        if any(part.are_text for part in labels):
            return not single_value or listed
        if listed or any(part.names is not None for part in labels):
            return not single_value
        if self.settings.get("generator") == "curve":
            if target == "class":
                values = "generator: curve gives values, not classes"
                message = f"{values}; choose a loss for values, such as mse"
                raise ConfigError(Problem(message, key="generator"))
            return False
        if target == "value":
            several = self.outputs is not None and self.outputs > 1
            return several and all(part.look_like_classes for part in labels)
        return target == "class" or all(part.look_like_classes for part in labels)

    def _notes(self, labels: Sequence[Labels], classes: Sequence[str] | None) -> tuple[str, ...]:
        """What is to be said of rows of 0 and 1 that could be read otherwise."""
        if not (self.labels and all(np.ndim(part.values) > 1 for part in labels)):
            return ()
        if self.settings.get("target") == "value":
            are_binary = all(np.isin(part.values, (0, 1)).all() for part in labels)
            note = "the targets are 0 and 1 alone; as labels (leave target out, or write target: "
            return (note + "labels) they are scored by accuracy and F1",) * are_binary
        if classes is None or "target" in self.settings:
            return ()
        return (
            f"every case has a single 1 among {len(classes)} columns of targets, so these are "
            "read as classes that exclude each other; where a case may have several labels, or "
            "none, write target: labels",
        )

    def are_sets_of_sequences(self, t: Array, path: Path | None) -> bool:
        """Whether the targets of sequences are rows of 0 and 1, to be read as labels.

        Args:
            t: class numbers, or values with NaN where a step has no target.
            path: the file, for messages.

        Raises:
            DataError: labels are wanted, and the targets are something else.
        """
        stated = self.settings.get("target")
        if stated not in (None, "labels") or not (self.labels or stated):
            return False
        if t.dtype.kind == "i" or t.ndim == 1:
            if stated:
                message = "target: labels takes rows of 0 and 1, found one label each"
                raise DataError(Problem(message, key="target"))
            return False
        wrong = ~(np.isin(t, (0, 1)) | np.isnan(t))
        if stated and wrong.any():
            place = tuple(int(k) for k in np.argwhere(wrong)[0])
            at = ", ".join(map(str, place))
            message = f"t[{at}] is {t[place]:g}; expected 0 or 1 for target: labels"
            raise DataError(Problem(message, path))
        return bool(stated) or (t.shape[-1] > 1 and not bool(wrong.any()))


def _notes_on_points(labels: Sequence[Labels], classes: Sequence[str] | None) -> Iterator[str]:
    """A note on each part whose labels are the classes with a point behind them."""
    for part in labels:
        if classes is not None and end_in_points(part, classes):
            source = part.path.name if part.path else "the data"
            yield f"{source}: the labels end in a point, as {classes[0]}. does; it is left out"
