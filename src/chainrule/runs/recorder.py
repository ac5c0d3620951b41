"""What writes a run's folder while the network is trained."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

from chainrule._version import __version__
from chainrule.config.load import Config
from chainrule.core.arrays import Array
from chainrule.core.files import write_whole
from chainrule.data.dataset import Digests
from chainrule.runs.checkpoint import save_checkpoint
from chainrule.runs.frames_file import write_frames
from chainrule.runs.run_folder import Facts, RunFolder
from chainrule.runs.tensor_file import packed
from chainrule.training import Callback, Row, Trainer

CHECKPOINT_SECONDS = 1.0
"""Checkpoints are at least this far apart if the settings give no number of minibatches."""

MOST_TIME = 0.05
"""Checkpoints then take at most about this fraction of the time, even if writing one is slow."""


class Recorder(Callback):
    """A callback that writes a run's files during training.

    Args:
        folder: an empty folder, or that of the run that is resumed.
        config: the configuration as run, for ``config.yaml`` and the checkpoints.
        data: the `chainrule.runs.checkpoint.data_checksums` of its data.
        classes: the names of the classes; None if the targets are values.
        digests: of the data, for ``cases.safetensors``; None if there are none.
        start: initial values by name, for ``start.safetensors``; None if there are none.

    Raises:
        ChainruleError: ``config.yaml`` or ``run.json`` could not be read back.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: Config,
        data: Mapping[str, str] | None = None,
        classes: tuple[str, ...] | None = None,
        digests: Digests | None = None,
        start: Mapping[str, Array] | None = None,
    ) -> None:
        self.folder = folder
        self.config = config
        self._start = start
        self._digests = digests
        self._data = data or {}
        folder.facts_text(Facts(config.training["engine"], False, classes, None, {}))
        self._saved_at = self._seconds = 0.0
        self._last: tuple[int, ...] | None = None

    def on_start(self, trainer: Trainer) -> None:
        """Write a checkpoint of the state before training, digests, configuration and metrics.

        The checkpoint comes first: a run can be resumed from it alone, and if it could not be
        read back, no file is written.
        """
        self.folder.remove_leftovers()
        self._save(trainer)
        if self._digests is not None:
            self.folder.write_digests(self._digests)
        if self._start:
            content = packed(self.folder.start, self._start, {"chainrule": __version__})
            write_whole(self.folder.start, content, own=True)
        write_whole(self.folder.config, self.config.to_yaml(), own=True)
        self.folder.write_metrics(trainer.history)

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        """Add a line to the metrics."""
        self.folder.add_metrics(trainer.history)

    def on_pause(self, trainer: Trainer) -> None:
        """Write a checkpoint if it is due.

        With ``checkpoint_every`` it is due after that number of minibatches; otherwise after an
        epoch, if enough time has passed since the last checkpoint.
        """
        every = trainer.settings.checkpoint_every
        if every:
            is_due = trainer.minibatches_run % every == 0
        else:
            apart = max(CHECKPOINT_SECONDS, self._seconds / MOST_TIME)
            is_due = monotonic() - self._saved_at >= apart
        if is_due and trainer.is_within_epoch == bool(every):
            self._save(trainer)

    def on_end(self, trainer: Trainer) -> None:
        """Write the last checkpoint: the state in which training ended or was stopped; frames."""
        if not trainer.inconsistent:  # else keep the previous checkpoint, which is consistent
            self._save(trainer)
        write_frames(self.folder.frames, trainer.callbacks, trainer.network)

    def _save(self, trainer: Trainer) -> None:
        """Write a checkpoint, unless training has not moved since the last one."""
        position = trainer.epoch, trainer.minibatch, len(trainer.history.rows)
        if position == self._last:
            return
        start = monotonic()
        save_checkpoint(self.folder.checkpoint, trainer, self.config.parts, self._data)
        self._saved_at, self._last = monotonic(), position
        self._seconds = self._saved_at - start
