"""The film of a training: its parameters at several moments, and its losses in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ChainruleError, ConfigError, DataError
from chainrule.core.notation import counted
from chainrule.core.strict_json import finite_or_null
from chainrule.nn.network import Network
from chainrule.runs.frames_file import read_frames
from chainrule.runs.run import Run
from chainrule.runs.run_folder import RunFolder
from chainrule.runs.starts import initial_network
from chainrule.training.callbacks import Frames, TimeLimit
from chainrule.training.frames import Frame

if TYPE_CHECKING:
    from chainrule.config.load import Config
    from chainrule.training import Callback, History

MOST_EMBEDDED = 2_000_000
"""The most bytes of parameters that a page without a server carries for its film."""

MOST_POINTS = 600
"""The most epochs of which the curve of the losses has a point."""

REPLAY_SECONDS = 600.0
"""How long a training may take that is run again for its film."""

ENDS = (
    "This run kept no frames, so that the film is its start and its end. With --film its training "
    "is run again for them; chainrule train CONFIG --film keeps them from the start."
)


class AnyFilm(Protocol):
    """A film that is there, or one that grows while the training runs."""

    def theta(self, number: int) -> Array:
        """The parameters of a frame, in float64."""

    def scene(self, network: Network) -> dict[str, Any]:
        """What the page is told of it, as JSON."""

    def of_bytes(self, most: int) -> Film | None:
        """The same in at most so many bytes; None if that is too few."""


@dataclass(frozen=True, eq=False)
class Film:
    """The parameters of a network at several moments of its training.

    Attributes:
        frames: in order; each is called by its number, its index here unless ``numbers`` say.
        losses: the losses of every epoch: ``epochs``, ``train`` and ``validation``, lists of
            equal length.
        own: the number of the frame whose parameters the network has as it came; None if none.
        note: where the frames come from, as sentences.
        numbers: of the frames.
    """

    frames: Sequence[Frame]
    losses: Mapping[str, Sequence[float | None]]
    own: int | None = None
    note: str = ""
    numbers: Sequence[int] | None = None

    @property
    def called(self) -> Sequence[int]:
        """The number of each frame."""
        return range(len(self.frames)) if self.numbers is None else self.numbers

    def theta(self, number: int) -> Array:
        """The parameters of a frame, in float64.

        Raises:
            ConfigError: there is no such frame.
        """
        found = dict(zip(self.called, self.frames, strict=True)).get(number)
        if found is None:
            raise ConfigError(f"there is no frame {number!r} in this film")
        return found.theta.astype(float)

    def scene(self, network: Network) -> dict[str, Any]:
        """What the page is told of it, as JSON.

        Args:
            network: of which it is; its parameters lie in this order in a frame.
        """
        called = zip(self.called, self.frames, strict=True)
        return {
            "frames": [
                {
                    "id": number,
                    "epoch": frame.epoch,
                    "losses": finite_or_null(frame.losses.tolist()),
                }
                for number, frame in called
            ],
            "curve": {name: list(column) for name, column in self.losses.items()},
            "own": self.own,
            "parameters": list(network.parameters),
            "note": self.note,
        }

    def of_bytes(self, most: int) -> Film | None:
        """The same with frames left out, evenly, so that they take at most so many bytes.

        None if not even two would fit.
        """
        fitting = most // max(1, self.frames[0].theta.nbytes)
        if fitting >= len(self.frames):
            return self
        if fitting < 2:
            return None
        chosen = np.linspace(0, len(self.frames) - 1, fitting).round().astype(int).tolist()
        note = f"{self.note} {fitting} of {len(self.frames)} frames are in this file.".strip()
        numbers = [self.called[k] for k in chosen]
        frames = [self.frames[k] for k in chosen]
        own = self.own if self.own in numbers else None
        return replace(self, frames=frames, numbers=numbers, own=own, note=note)


def losses_of(history: History) -> dict[str, list[float | None]]:
    """The losses of the epochs of a history; of very many some are left out, never the last."""
    rows = history.rows
    step = -(-len(rows) // MOST_POINTS) or 1
    chosen = [row for k, row in enumerate(rows) if k % step == 0 or k == len(rows) - 1]
    columns = {"epochs": "epoch", "train": "train_loss", "validation": "validation_loss"}
    found: dict[str, list[float | None]] = {
        name: finite_or_null([row.get(column) for row in chosen])
        for name, column in columns.items()
    }
    return found


def film_of(run: Run) -> Film | None:
    """The frames that a run has kept, or else its start and its end.

    None where its start can no longer be made, since the configuration names a file that is gone.

    Raises:
        ChainruleError: the file of the frames is damaged.
    """
    folder = None if run.folder is None else RunFolder(run.folder)
    frames = [] if folder is None else read_frames(folder.frames, run.network)
    if frames:
        return _with_own(Film(frames, losses_of(run.history)), run.network.theta)
    return _ends(run)


def _ends(run: Run) -> Film | None:
    """The start of a run, as its configuration and its seed give it, and its end."""
    if not run.engine or not run.history.rows:
        return None
    try:
        start = initial_network(run.config).theta
    except ChainruleError:
        return None
    losses = losses_of(run.history)
    last = [losses[part][-1] for part in ("train", "validation")]
    numbers = np.array([np.nan if loss is None else loss for loss in last])
    frames = [
        Frame(0, start, np.full(2, np.nan)),
        Frame(len(run.history.rows), run.network.theta.copy(), numbers),
    ]
    return Film(frames, losses, own=1, note=ENDS)


def _with_own(film: Film, theta: Array) -> Film:
    """The film with the number of the frame that has these parameters."""
    called = zip(film.called, film.frames, strict=True)
    same = [number for number, frame in called if np.array_equal(frame.theta, theta)]
    if same:
        return replace(film, own=same[-1])
    note = "The run has the parameters of another epoch than that of any frame."
    return replace(film, note=f"{film.note} {note}".strip())


def replayed(source: Run | Config, callbacks: Sequence[Callback] = ()) -> Film:
    """Train again, in memory, and keep the frames: the same bits follow from file and seed.

    A training of more than `REPLAY_SECONDS` is ended there, as is one that Ctrl-C interrupts; the
    film then shows what there is until then. Nothing is written.

    Args:
        source: a run; or a configuration, whose network is shown as it starts.
        callbacks: what else takes part, such as what shows the progress.

    Raises:
        DataError: the data of the run were passed in Python and are in no file.
        ChainruleError: the training fails.
    """
    from chainrule.runs.train import train

    config = source.config if isinstance(source, Run) else source
    if isinstance(source, Run) and not source.engine:
        raise DataError("an exported network has no training that could be run again")
    if "python" in config.data:
        raise DataError(
            "the data of this run were passed in Python and are in no file, so that it cannot be "
            "trained again; train with the callback frames, which keeps them"
        )
    frames, limit = Frames(), TimeLimit(REPLAY_SECONDS)
    quiet = config.replace(training={"callbacks": _without_files(config)})
    began = perf_counter()
    found = train(quiet, save=False, callbacks=[frames, limit, *callbacks])
    again = "Trained again" if isinstance(source, Run) else "Trained"
    words = f"{again} for this film, in {perf_counter() - began:.1f} s"
    if found.interrupted or found.ending is not None:
        words += f", {counted(len(found.history.rows), 'epoch')}"
    film = Film(frames.frames, losses_of(found.history), note=f"{words}.")
    if not isinstance(source, Run):
        return replace(film, own=0)
    return _compared(film, source, found)


def _without_files(config: Config) -> list[Any] | None:
    """The callbacks of a configuration, without those that write into a folder."""
    from chainrule.training.callbacks import callback

    named = config.training["callbacks"] or []
    return [one for one in named if not callback(one).writes_files] or None


def _compared(film: Film, run: Run, again: Run) -> Film:
    """The film, with a sentence on whether it ends where the run had ended."""
    if np.array_equal(run.network.theta, again.network.theta):
        film = replace(film, note=f"{film.note} It ends with the same bits as the run.")
        return _with_own(film, run.network.theta)
    off = float(np.abs(run.network.theta - again.network.theta).max())
    why = "the run was ended or made by other versions"
    note = f"{film.note} It ends up to {off:.2g} away from the parameters of the run: {why}."
    return replace(film, note=note)
