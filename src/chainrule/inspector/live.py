"""A training that is followed while it runs: its film grows, and pages are told of it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Condition, Event, RLock, Thread
from time import monotonic, sleep
from typing import Any

import numpy as np

from chainrule.config.load import Config
from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.core.files import locked
from chainrule.core.strict_json import finite_or_null
from chainrule.inspector.film import Film
from chainrule.inspector.publishing import losses_of_rows
from chainrule.nn.network import Network
from chainrule.runs.checkpoint import Checkpoint, read_checkpoint
from chainrule.runs.run_folder import RunFolder
from chainrule.runs.worker_process import Message, WorkerProcess
from chainrule.training.frames import MOST_FRAME_BYTES, Frame

MOST_FRAMES = 60
MOST_RECENT = 20
"""So many of the latest frames are kept as well: a page may still ask for one of them."""

SMALL = 10_000
"""The run of a network of at most so many parameters keeps frames too. They are in every
checkpoint, and those of a larger one would slow the training down."""

MOST_POINTS = 300
"""The most epochs of which the curve has a point, as it is told over and over."""

BETWEEN_EVENTS = 0.1
"""Seconds: a page is told at most ten times a second."""

SILENCE = 5.0
"""After so many seconds without news a page is sent a sign of life, if it is still there."""

ENDING_SECONDS = 15.0
"""How long a training may take to end and to write its run when it is stopped."""

IDLE_ENDING_SECONDS = 1.0
"""The same of one that has not moved yet, such as while its loops are compiled: of it there is
nothing to write."""

LOOK_SECONDS = 0.4
"""A folder in which another process trains is looked at so often."""


class LiveFilm:
    """The film of a training that runs: frames are counted up, and most of the older ones go.

    Args:
        network: as training starts.
        can_stop: whether a page can stop the training.
    """

    def __init__(self, network: Network, *, can_stop: bool) -> None:
        self._lock = RLock()
        self._network = network
        self._can_stop = can_stop
        self._most = max(2, min(MOST_FRAMES, MOST_FRAME_BYTES // max(1, network.theta.nbytes)))
        self._frames = {0: Frame(0, network.theta.copy(), np.full(2, np.nan))}
        self._recent = deque[int](maxlen=min(MOST_RECENT, self._most))
        self._every, self._count, self._latest = 1, 1, 0
        self._rows: list[list[float | None]] = []
        self.epochs: int | None = None
        self.state, self.text = "training", ""

    def add(self, epoch: float, theta: Array, rows: Sequence[Sequence[float | None]]) -> None:
        """Add a frame, and the epochs that have been finished since the last one.

        Args:
            epoch: how many epochs have run, parts of one included.
            theta: the parameters, in the order of the network's.
            rows: of each epoch its number, its training loss and its validation loss.
        """
        with self._lock:
            self._rows += finite_or_null([list(row) for row in rows])
            last = self._rows[-1][1:] if self._rows else [None, None]
            losses = np.array([np.nan if loss is None else loss for loss in last])
            if np.array_equal(theta, self._frames[self._latest].theta):
                return  # training has not moved
            number, self._count = self._count, self._count + 1
            self._frames[number] = Frame(epoch, theta, losses)
            self._latest = number
            self._recent.append(number)
            self._let_go()

    def _let_go(self) -> None:
        """Keep every frame, then every 2nd, 4th, …, the first, the latest and the recent ones."""
        while len(self._shown()) > self._most:
            self._every *= 2
        stays = {*self._shown(), *self._recent}
        self._frames = {n: frame for n, frame in self._frames.items() if n in stays}

    def _shown(self) -> list[int]:
        return [n for n in self._frames if n % self._every == 0 or n == self._latest]

    def theta(self, number: int) -> Array:
        """The parameters of a frame, in float64.

        Raises:
            ConfigError: there is no such frame any more.
        """
        with self._lock:
            found = self._frames.get(number)
        if found is None:
            raise ConfigError(f"frame {number} of this training is no longer there")
        return found.theta.astype(float)

    def now(self) -> Film:
        """The film as it is now."""
        with self._lock:
            numbers = self._shown()
            step = -(-len(self._rows) // MOST_POINTS) or 1
            rows = [
                row
                for k, row in enumerate(self._rows)
                if k % step == 0 or k == len(self._rows) - 1
            ]
            losses = {
                name: [row[k] for row in rows]
                for k, name in enumerate(("epochs", "train", "validation"))
            }
            return Film([self._frames[n] for n in numbers], losses, own=0, numbers=numbers)

    def of_bytes(self, most: int) -> Film | None:
        """What of it a page without a server would carry."""
        return self.now().of_bytes(most)

    def scene(self, network: Network) -> dict[str, Any]:
        """What the page is told of it, as JSON; see `Film.scene`."""
        with self._lock:
            live = {"state": self.state, "text": self.text, "can_stop": self._can_stop}
            return {**self.now().scene(network), "live": live, "epochs": self.epochs}

    @property
    def has_moved(self) -> bool:
        """Whether there is more than the start."""
        return self._latest > 0

    @property
    def told(self) -> dict[str, Any]:
        """What a page is told of it over and over."""
        return self.scene(self._network)


class Live:
    """A training that runs, and the pages that follow it.

    Attributes:
        film: that grows.
    """

    def __init__(self, film: LiveFilm) -> None:
        self.film = film
        self._version = 0
        self._changed = Condition()

    @property
    def is_over(self) -> bool:
        """Whether the training has ended."""
        return self.film.state != "training"

    def _news(self) -> None:
        with self._changed:
            self._version += 1
            self._changed.notify_all()

    def _end(self, state: str, text: str) -> None:
        self.film.state, self.film.text = state, text
        self._news()

    def events(self) -> Iterator[bytes]:
        """What a page is sent: the film whenever it has grown, the latest, not too often."""
        sent = -1
        while True:
            with self._changed:
                # The lambda is called before `sent` changes again.
                self._changed.wait_for(lambda: self._version != sent, timeout=SILENCE)  # noqa: B023
                version, is_over = self._version, self.is_over
            if version == sent:
                if is_over:
                    return
                yield b": it goes on\n\n"
                continue
            sent = version
            yield b"data: " + json.dumps(self.film.told, allow_nan=False).encode() + b"\n\n"
            if is_over:
                return
            sleep(BETWEEN_EVENTS)

    def stop(self) -> None:
        """End the training at its next safe moment, so that it can be gone on with.

        Raises:
            ConfigError: another process trains.
        """
        raise ConfigError("another process trains; end it where it was started")

    def close(self) -> None:
        """Stop the training and wait until its run is written, or no longer follow it."""


class OwnTraining(Live):
    """A training in a process of its own, which this one has started.

    Args:
        config: what is trained.
        network: as training starts.
        run: a new or empty folder for the run; None for a numbered one.
    """

    def __init__(self, config: Config, network: Network, run: Path | None = None) -> None:
        super().__init__(LiveFilm(network, can_stop=True))
        self._worker = WorkerProcess("chainrule.inspector.publishing", {})
        self._worker.send(
            {
                "parts": config.parts,
                "folder": str(config.folder),
                "path": None if config.path is None else str(config.path),
                "name": config.name,
                "run": None if run is None else str(run),
                "film": network.theta.size <= SMALL,
            }
        )
        self.folder: Path | None = None
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while (message := self._worker.receive()) is not None:
            if "state" in message:
                self._end(message["state"], f"{message['text']} {self._place()}".strip())
            else:
                self._take(message)
        if not self.is_over:
            self._end("failed", f"The process that trained has ended. {self._place()}".strip())

    def _take(self, message: Message) -> None:
        if message.get("folder"):
            self.folder = Path(message["folder"])
        self.film.epochs = message.get("epochs", self.film.epochs)
        self.film.add(message["epoch"], message["theta"], message["rows"])
        self._news()

    def _place(self) -> str:
        return "" if self.folder is None else f"The run is {self.folder.name}."

    def stop(self) -> None:
        """See `Live.stop`."""
        self._worker.send({"stop": True})

    def close(self) -> None:
        """See `Live.close`."""
        if not self.is_over:
            self.stop()
        self._reader.join(ENDING_SECONDS if self.film.has_moved else IDLE_ENDING_SECONDS)
        self._worker.kill()
        self._worker.close()


class WatchedTraining(Live):
    """A training in another process, known by what it writes into the folder of its run.

    Args:
        folder: the folder of the run.
        network: as training starts.

    Raises:
        ConfigError: no process trains into this folder.
    """

    def __init__(self, folder: Path, network: Network) -> None:
        super().__init__(LiveFilm(network, can_stop=False))
        self._folder, self._network = RunFolder(folder), network
        if not _is_trained(folder):
            raise ConfigError(
                f"no process trains into {str(folder)!r} now; without --train the page shows the "
                "run as it is, and chainrule train CONFIG --run FOLDER --resume goes on with it"
            )
        self._closed = Event()
        self._seen: int | None = None
        self._rows = 0
        self._looker = Thread(target=self._look, daemon=True)
        self._looker.start()

    def _look(self) -> None:
        quiet_since = monotonic()
        while not self._closed.is_set():
            if self._read():
                quiet_since = monotonic()
            elif monotonic() - quiet_since > 2 * LOOK_SECONDS and not _is_trained(
                self._folder.path
            ):
                self._read()
                self._end("finished", f"The training of {self._folder.path.name} has ended.")
                return
            self._closed.wait(LOOK_SECONDS)

    def _read(self) -> bool:
        """Read the checkpoint if there is a new one."""
        try:
            changed = self._folder.checkpoint.stat().st_mtime_ns
            if changed == self._seen:
                return False
            self._seen = changed
            self._take(read_checkpoint(self._folder.checkpoint))
        except (OSError, ChainruleError):
            return False  # it is just being begun; the next look finds it
        return True

    def _take(self, found: Checkpoint) -> None:
        names = list(self._network.parameters)
        theta = np.concatenate([found.arrays[name].ravel() for name in names])
        rows = found.history.rows[self._rows :]
        self._rows += len(rows)
        self.film.epochs = found.configuration["training"].get("epochs")
        self.film.add(self._rows, theta, losses_of_rows(rows))
        self._news()

    def close(self) -> None:
        """See `Live.close`."""
        self._closed.set()
        self._looker.join()


def _is_trained(folder: Path) -> bool:
    """Whether a process holds the lock of a run's folder."""
    with suppress(ChainruleError), locked(folder, "it is"):
        return False
    return True
