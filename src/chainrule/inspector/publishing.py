"""A training in a process of its own, which tells the page what it has reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Condition, Event, Thread
from time import monotonic
from typing import Any

from chainrule.config.load import Source
from chainrule.config.reading.tree import Tree
from chainrule.core.errors import ChainruleError
from chainrule.runs.frames_file import with_frames
from chainrule.runs.run import Run
from chainrule.runs.worker_process import Message, Send, serve
from chainrule.training import Callback
from chainrule.training.history import Row

SECONDS = 0.1
"""θ is told at least so far apart: at most ten times a second."""


def losses_of_rows(rows: Sequence[Row]) -> list[list[float | None]]:
    """Of each epoch its number, its training loss and its validation loss."""
    return [[row["epoch"], row.get("train_loss"), row.get("validation_loss")] for row in rows]


class Publisher(Callback):
    """Tells of θ and of the epochs from a thread of its own, the latest only.

    Training copies θ at most ten times a second and goes on. A reader that is slow makes it wait
    for nothing: what has not been sent when there is something newer is not sent.

    Args:
        send: writes a message to whoever listens; it may block.
        stop: set by whoever wants training to end.
    """

    def __init__(self, send: Send, stop: Event) -> None:
        self._send, self._stop = send, stop
        self._latest: dict[str, Any] | None = None
        self._history: list[Row] = []
        self._rows_sent = 0
        self._at = -1.0
        self._is_over = False
        self._changed = Condition()
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def on_start(self, trainer: Any) -> None:
        """Tell where training begins, and where its files lie."""
        self._history = trainer.history.rows
        folder = None if trainer.folder is None else str(trainer.folder)
        self._offer(trainer, folder=folder, epochs=trainer.settings.epochs)

    def on_pause(self, trainer: Any) -> None:
        """Tell of θ if it is time, and stop if that is wanted."""
        if self._stop.is_set():
            trainer.interrupted = True
        if monotonic() - self._at >= SECONDS:
            self._offer(trainer)

    def on_end(self, trainer: Any) -> None:
        """Tell of θ as it is at the end."""
        self._offer(trainer)

    def _offer(self, trainer: Any, **more: Any) -> None:
        part = trainer.minibatch / max(1, trainer.engine.minibatches)
        epoch = max(0, trainer.epoch - 1) + part
        latest = {"epoch": epoch, "theta": trainer.network.theta.copy(), **more}
        with self._changed:
            kept = {} if self._latest is None else self._latest
            latest["rows"] = len(self._history)
            self._latest = {**kept, **latest}
            self._changed.notify()
        self._at = monotonic()

    def _work(self) -> None:
        """Send what is the latest, until it is over."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._latest is not None or self._is_over)
                latest, self._latest = self._latest, None
            if latest is None:
                return
            count = latest.pop("rows")
            new = self._history[self._rows_sent : count]
            self._rows_sent = count
            try:
                self._send({**latest, "rows": losses_of_rows(new)})
            except OSError:  # whoever listened has gone
                self._stop.set()

    def close(self) -> None:
        """Send what is left, and end."""
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self._thread.join()


def main() -> None:
    """The program of the process; see `chainrule.inspector.live`."""
    serve(_train)


def _train(receive: Callable[[], Message], send: Send) -> None:
    """Train what the first message describes; a second one stops it."""
    from chainrule.runs.train import train

    asked, stop = receive(), Event()

    def listen() -> None:
        receive()
        stop.set()

    Thread(target=listen, daemon=True).start()
    publisher = Publisher(send, stop)
    try:
        tree = Tree(asked["parts"])
        config = Source(tree, *_where(asked)).config()
        config = with_frames(config) if asked["film"] else config
        run = train(config, run=asked["run"], callbacks=[publisher])
        ended = _ending(run)
    except ChainruleError as error:
        ended = {"state": "failed", "text": str(error)}
    publisher.close()
    send(ended)


def _where(asked: Message) -> tuple[Any, Any, str]:
    """Where the configuration comes from, for relative paths and for the name of the run."""
    from pathlib import Path

    path = asked["path"]
    return Path(asked["folder"]), None if path is None else Path(path), asked["name"]


def _ending(run: Run) -> Message:
    """How the training ended, in words."""
    epochs = len(run.history.rows)
    if run.interrupted:
        return {"state": "stopped", "text": f"Stopped in epoch {epochs + 1}."}
    return {"state": "finished", "text": run.ending or f"All {epochs} epochs have run."}
