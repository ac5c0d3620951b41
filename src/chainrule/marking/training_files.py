"""Read the files that a training program wrote: exactly, and else as far as one can."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from chainrule.core.arrays import Array

NUMBER = r"(?:[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?inf|nan)"

EPOCH_LINE = re.compile(rf"epoch=(\d+) crossentropy\((train|validation)\): ({NUMBER})")
ERROR_LINE = re.compile(rf"error\((train|validation)\): ({NUMBER})")

DATA = ("train", "validation")


@dataclass
class Written:
    """What the three files say.

    Attributes:
        losses: the cross-entropies in the order of their lines, for train and validation.
        errors: the errors, likewise.
        labels: the predicted labels, likewise.
        faults: what is wrong with the form, by the names of the program's lines.
    """

    losses: dict[str, list[float]] = field(default_factory=lambda: {data: [] for data in DATA})
    errors: dict[str, list[float]] = field(default_factory=lambda: {data: [] for data in DATA})
    labels: dict[str, Array] = field(default_factory=dict)
    faults: set[str] = field(default_factory=set)

    def values(self) -> Iterator[tuple[str, Array | float]]:
        """Everything that was found, by the names of the program's lines."""
        for data in DATA:
            if self.losses[data]:
                yield f"{data}_losses", np.array(self.losses[data])
            if len(self.errors[data]) == 1:
                yield f"{data}_error", self.errors[data][0]
            if data in self.labels:
                yield f"{data}_labels", self.labels[data]


def read_files(files: Mapping[str, str]) -> Written:
    """Read the outputs of a run.

    Args:
        files: the text of those that exist: ``metrics_out.txt``, ``train_out.labels`` and
            ``validation_out.labels``.
    """
    written = Written()
    if "metrics_out.txt" in files:
        _read_metrics(files["metrics_out.txt"], written)
    else:
        written.faults.add("form_metrics_file")
    for data in DATA:
        name = f"{data}_out.labels"
        if name in files:
            written.labels[data] = _read_labels(files[name], written)
        else:
            written.faults.add("form_labels_files")
    return written


def _read_metrics(text: str, written: Written) -> None:
    _judge_line_ends(text, written, "form_last_end")
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    seen = [_read_line(line, written) for line in lines]
    expected = [
        (data, epoch) for epoch in range(1, len(written.losses["train"]) + 1) for data in DATA
    ] + [(data, 0) for data in DATA]
    found = [one for one in seen if one]
    if len(found) != len(lines):
        written.faults.add("form_extra")
    if sorted(found) != sorted(expected):
        from_zero = [(data, epoch - 1 if epoch else 0) for data, epoch in expected]
        is_from_zero = sorted(found) == sorted(from_zero)
        written.faults.add("form_from_zero" if is_from_zero else "form_lines")
    elif found != expected:
        written.faults.add("form_order")


def _read_line(line: str, written: Written) -> tuple[str, int] | None:
    """The data and the epoch that a line is of (0 for an error); None for no line of these."""
    if exact := EPOCH_LINE.fullmatch(line):
        written.losses[exact[2]].append(float(exact[3]))
        return exact[2], int(exact[1])
    if exact := ERROR_LINE.fullmatch(line):
        written.errors[exact[1]].append(float(exact[2]))
        return exact[1], 0
    return _read_odd_line(line, written)


def _read_odd_line(line: str, written: Written) -> tuple[str, int] | None:
    low = line.lower()
    number = re.findall(NUMBER, low)
    data = "validation" if re.search(r"val|test", low) else "train" if "train" in low else ""
    if not data or not number:
        return None
    written.faults.add(_oddity(line))
    epoch = re.search(r"epoch\D{0,4}(\d+)", low)
    if epoch and not re.search(r"err|acc", low):
        written.losses[data].append(float(number[-1]))
        return data, int(epoch[1])
    written.errors[data].append(float(number[-1]))
    return data, 0


def _oddity(line: str) -> str:
    """What is odd about a line: its spaces, its number or its words."""
    tight = re.sub(r"\s", "", line)
    shape = rf"(?:epoch=\d+crossentropy|error)\((?:train|validation)\):{NUMBER}"
    if re.fullmatch(shape, tight):
        return "form_spaces"
    bare = re.sub(rf":(?:[\w.]*[\[(]+)?({NUMBER})[\])]*[,;%]?$", r":\1", tight)
    return "form_number" if re.fullmatch(shape, bare) else "form_words"


def _read_labels(text: str, written: Written) -> Array:
    _judge_line_ends(text, written, "form_labels_end")
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if not all(re.fullmatch(r"-?\d+", line) for line in lines):
        written.faults.add("form_labels")
    return np.array([float(number) for number in re.findall(NUMBER, text)])


def _judge_line_ends(text: str, written: Written, last: str) -> None:
    if "\r" in text:
        written.faults.add("form_ends")
    if text and not text.endswith("\n"):
        written.faults.add(last)
