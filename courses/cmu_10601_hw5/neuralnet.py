"""The program of 10-601, homework 5: train a network on one file, try it on two.

python3 neuralnet.py <train_input> <validation_input> <train_out> <validation_out> <metrics_out>
                     <num_epoch> <hidden_units> <init_flag> <learning_rate>

Trains one hidden layer of sigmoid units under a softmax by stochastic gradient descent, one case
at a time in the order of the file. Writes the mean cross-entropy of both files after each epoch
and the errors at the end to <metrics_out>, and the predicted labels to the two other files.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from chainrule.cli.terminal import failures_reported
from chainrule.core.errors import ConfigError, Problem
from chainrule.core.files import refuse_input, whole_file
from chainrule.data.dataset import Dataset
from chainrule.training import History
from chainrule.training.engines.threads import number_of_threads, on_threads
from chainrule.training.metrics import predicted_classes
from chainrule.training.scores import outputs
from letters import letters_network, read_letters, train_letters

ARGUMENTS = (
    "train_input",
    "validation_input",
    "train_out",
    "validation_out",
    "metrics_out",
    "num_epoch",
    "hidden_units",
    "init_flag",
    "learning_rate",
)
PARTS = ("train", "validation")


@dataclass(frozen=True)
class Arguments:
    """The command line, checked.

    Attributes:
        inputs: the files of training and validation data.
        outputs: the files to write: the labels of both parts, and the metrics.
        epochs: at least 0.
        hidden_units: at least 1.
        init_flag: 1 for random weights, 2 for weights of 0.
        learning_rate: at least 0.
    """

    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    epochs: int
    hidden_units: int
    init_flag: int
    learning_rate: float

    @classmethod
    def parse(cls, words: Sequence[str]) -> Arguments:
        """The nine arguments.

        Raises:
            ConfigError: too few or too many, or what is no number; all that is wrong.
        """
        if len(words) != len(ARGUMENTS):
            usage = " ".join(f"<{name}>" for name in ARGUMENTS)
            raise ConfigError(
                f"expected {len(ARGUMENTS)} arguments, found {len(words)}; "
                f"usage: python3 neuralnet.py {usage}"
            )
        problems: list[Problem] = []
        given = dict(zip(ARGUMENTS, words, strict=True))
        epochs = _whole("num_epoch", given["num_epoch"], 0, problems)
        hidden_units = _whole("hidden_units", given["hidden_units"], 1, problems)
        if given["init_flag"] not in ("1", "2"):
            message = f"init_flag is 1 (random weights) or 2 (zeros), found {given['init_flag']!r}"
            problems.append(Problem(message))
        rate = _rate(given["learning_rate"], problems)
        if problems:
            raise ConfigError(problems)
        paths = tuple(map(Path, words[:5]))
        return cls(paths[:2], paths[2:], epochs, hidden_units, int(given["init_flag"]), rate)


def _whole(name: str, word: str, least: int, problems: list[Problem]) -> int:
    try:
        number = int(word)
    except ValueError:
        number = least - 1
    if number < least:
        message = f"{name} is a whole number of at least {least}, found {word!r}"
        problems.append(Problem(message))
    return number


def _rate(word: str, problems: list[Problem]) -> float:
    try:
        rate = float(word)
    except ValueError:
        rate = -1.0
    if not 0 <= rate < float("inf"):
        message = f"learning_rate is a finite number of at least 0, found {word!r}"
        problems.append(Problem(message))
    return rate


def as_printed(value: float) -> str:
    """A number as the homework prints it: twelve digits, and always a decimal point.

    Example:
        >>> [as_printed(value) for value in (2.185062761142, 0.77, 0.0, 1e-5)]
        ['2.18506276114', '0.77', '0.0', '1e-05']
    """
    text = f"{value:.12g}"
    return text if any(mark in text for mark in ".en") else f"{text}.0"


def metrics_of(history: History, errors: Sequence[float]) -> str:
    """The metrics file.

    Args:
        history: with a loss of both parts for each epoch.
        errors: the fractions of wrong predictions, training and validation.
    """
    losses = zip(*(history[f"{part}_loss"] for part in PARTS), strict=True)
    lines = [
        f"epoch={epoch} crossentropy({part}): {as_printed(loss)}"
        for epoch, row in enumerate(losses, start=1)
        for part, loss in zip(PARTS, row, strict=True)
    ]
    for part, error in zip(PARTS, errors, strict=True):
        lines.append(f"error({part}): {as_printed(error)}")
    return text_of(lines)


def text_of(lines: Iterable[object]) -> str:
    """Lines with Unix ends."""
    return "".join(f"{line}\n" for line in lines)


def results(parts: Sequence[Dataset], arguments: Arguments) -> list[str]:
    """What goes into the three files, in their order."""
    network = letters_network(
        parts[0].x.shape[1], arguments.hidden_units, arguments.init_flag, arguments.learning_rate
    )
    history = train_letters(network, parts[0], parts[1], arguments.epochs)
    with on_threads(number_of_threads(network, batch_size=1)):
        predicted = [predicted_classes(outputs(network, part.x)) for part in parts]
    errors = [float((p != part.t).mean()) for p, part in zip(predicted, parts, strict=True)]
    return [*(text_of(labels.tolist()) for labels in predicted), metrics_of(history, errors)]


class OnlyTried(Exception):
    """Files were opened to see whether they can be; nothing is to be written."""


def try_outputs(arguments: Arguments) -> None:
    """Find out, before any work and without a trace, whether the files can be written.

    Raises:
        ChainruleError: one cannot be written, is being read, or is named twice.
    """
    files = [path for path in arguments.outputs if is_ordinary(path)]
    places = [os.path.realpath(path) for path in files]
    for path, place in zip(files, places, strict=True):
        refuse_input(path, *arguments.inputs)
        if places.count(place) > 1:
            raise ConfigError(Problem("two of the files to write have this name", path))
    with suppress(OnlyTried), ExitStack() as stack:
        for path in files:
            stack.enter_context(whole_file(path))
        raise OnlyTried


def is_ordinary(path: Path) -> bool:
    """Whether a file of that name would be one on the disk, unlike ``/dev/null`` or a pipe."""
    return path.is_file() or path.is_dir() or not path.exists()


def write(contents: Sequence[str], paths: Sequence[Path]) -> None:
    """Write all files, or none where one cannot be written.

    Raises:
        ChainruleError: one cannot.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(whole_file(path)) for path in paths]
        for file, content in zip(files, contents, strict=True):
            file.write(content.encode("ascii"))


def main(words: Sequence[str]) -> None:
    """Try the outputs, read, train, write.

    Raises:
        ChainruleError: for whatever is wrong with the arguments and the files; then nothing is
            written.
    """
    arguments = Arguments.parse(words)
    try_outputs(arguments)
    train = read_letters(arguments.inputs[0])
    parts = (train, read_letters(arguments.inputs[1], features=train.x.shape[1]))
    write(results(parts, arguments), arguments.outputs)


if __name__ == "__main__":
    with failures_reported("neuralnet"):
        main(sys.argv[1:])
