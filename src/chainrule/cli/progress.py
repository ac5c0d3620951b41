"""The progress of a training: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from chainrule.cli.terminal import console, say
from chainrule.training import Callback, Row, Trainer
from chainrule.training.metrics import METRICS

MOST_LINES = 20
"""About how many lines a training prints where there is no terminal."""


def epoch_text(row: Row, trainer: Trainer) -> str:
    """One epoch in words: losses, accuracy or R² if known, and the learning rate."""
    parts = [f"train loss {_number(row['train_loss'])}"]
    if row.get("validation_loss") is not None:
        parts.append(f"validation loss {_number(row['validation_loss'])}")
    for column, name, form in (
        ("train_accuracy", "train accuracy", ".1%"),
        ("validation_accuracy", "validation accuracy", ".1%"),
        ("validation_f1", "validation F1", ".4g"),
        ("validation_r2", "validation R²", ".4g"),
    ):
        if row.get(column) is not None:
            parts.append(f"{name} {row[column]:{form}}")
    for name, metric in METRICS.items():
        value = row.get(f"validation_{name}")
        form = ".1%" if name.endswith("accuracy") else ".4g"
        if value is not None and name not in ("accuracy", "f1", "r2", "mae", "rmse"):
            parts.append(f"{metric.heading} {value:{form}}")
    return ", ".join(parts) + _rate(trainer)


def _rate(trainer: Trainer) -> str:
    """The learning rate, behind other figures; nothing if the optimiser has none."""
    return f", rate {trainer.rate:g}" if trainer.optimizer.has_rate else ""


def _number(value: float | int | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def say_if_stopped(trainer: Trainer) -> None:
    """Report a Ctrl-C at once, because writing the run takes a moment."""
    if trainer.interrupted and not trainer.finished:
        say(f"stopped in epoch {trainer.epoch}; writing the run so far ...")


class SayWhereItGoesOn(Callback):
    """Prints a line at the start of a run that is resumed."""

    def on_start(self, trainer: Trainer) -> None:
        """Print it, unless training begins with the first minibatch."""
        epochs, minibatches = trainer.settings.epochs, trainer.engine.minibatches
        if trainer.epoch and trainer.is_complete:
            why = trainer.stop_reason or f"all its {epochs} epochs have run"
            say(f"this run is finished: {why}")
        elif trainer.minibatches_run:
            say(
                f"going on after minibatch {trainer.minibatch}/{minibatches} of epoch "
                f"{trainer.epoch}/{epochs}",
            )


class EpochLines(Callback):
    """Prints a line for every epoch, or for about twenty epochs of a longer training.

    Args:
        all: whether every epoch has a line.
    """

    def __init__(self, *, all: bool = False) -> None:
        self._all = all

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        """Print the epoch if its turn has come."""
        epochs, epoch = trainer.settings.epochs, trainer.epoch
        every = 1 if self._all else -(-epochs // MOST_LINES) or 1
        if epoch == 1 or epoch == epochs or epoch % every == 0:
            say(f"epoch {epoch:>{len(str(epochs))}}/{epochs}: {epoch_text(row, trainer)}")

    def on_end(self, trainer: Trainer) -> None:
        """Say that training was stopped, if it was."""
        say_if_stopped(trainer)


class ProgressBar(Callback):
    """A bar over all minibatches, with the loss of the last one and of the last epoch."""

    def on_start(self, trainer: Trainer) -> None:
        """Draw the bar, empty."""
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.description}"),
            console=console(),
        )
        total = trainer.settings.epochs * trainer.engine.minibatches
        self._task: TaskID = self._progress.add_task("", total=total, epoch=self._epoch(trainer))
        self._last_epoch = ""
        self._progress.start()

    def _epoch(self, trainer: Trainer) -> str:
        epochs = str(trainer.settings.epochs)
        return f"{trainer.epoch:>{len(epochs)}}/{epochs}"

    def on_chunk(self, trainer: Trainer) -> None:
        """Move the bar."""
        text = self._last_epoch or f"loss {trainer.last_loss:.4g}{_rate(trainer)}"
        self._progress.update(
            self._task,
            completed=trainer.minibatches_run,
            description=text,
            epoch=self._epoch(trainer),
        )

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        """Show the epoch's figures."""
        self._last_epoch = _short(row, trainer)
        self._progress.update(self._task, description=self._last_epoch)

    def on_end(self, trainer: Trainer) -> None:
        """Leave the bar as it is."""
        self._progress.stop()
        say_if_stopped(trainer)


def _short(row: Row, trainer: Trainer) -> str:
    """An epoch's figures in a few words, for the line of the bar."""
    text = f"loss {_number(row['train_loss'])}"
    if row.get("validation_loss") is not None:
        text += f", validation {_number(row['validation_loss'])}"
    if row.get("validation_accuracy") is not None:
        text += f" ({row['validation_accuracy']:.1%})"
    elif row.get("validation_r2") is not None:
        text += f" (R² {row['validation_r2']:.4g})"
    return text + _rate(trainer)
