"""The readers that the commands use, each for files that may come from a stranger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import chainrule
from chainrule.config.load import load_config
from chainrule.data.named.pickles import read_pickle
from chainrule.data.readers.array_file import read_array
from chainrule.data.readers.files import read_inputs
from chainrule.data.readers.image_folder import read_images
from chainrule.data.sources import load_data
from chainrule.nn.network import Network
from chainrule.runs.checkpoint import load_parameters, read_checkpoint
from chainrule.runs.sweeps.folder import SweepFolder

NETWORK = {
    "input": 2,
    "loss": "cross_entropy",
    "layers": [{"size": 3}, {"size": 2}, {"type": "softmax"}],
}


def network() -> Network:
    """The network that parameters are read into."""
    config = load_config({"network": NETWORK, "data": {"generator": "xor"}})
    return Network.from_config(config.network)


def _config(path: Path) -> None:
    config = load_config(path)
    if config.network["input"] is not None:
        Network.from_config(config.network)


def _data(**settings: Any) -> None:
    load_data(settings, folder=Path(), seed=0)


def _sweep(folder: Path) -> None:
    files = SweepFolder(folder)
    files.read_identity()
    files.read_trials()


READERS: dict[str, Callable[[Path], object]] = {
    # chainrule train, check: the configuration, and what its data part names
    "config": _config,
    "data": lambda path: _data(file=str(path)),
    "idx": lambda path: _data(file=str(path), labels=str(path.with_name("labels-ubyte"))),
    "folder": lambda path: _data(folder=str(path)),
    "characters": lambda path: _data(text=str(path)),
    "array": read_array,  # initial values
    # chainrule predict, evaluate
    "inputs": lambda path: read_inputs(path, features=2),
    "image": lambda path: read_images(path, size=None, color=True),
    "run": lambda path: chainrule.load(path).digests,  # which evaluate reads, and predict not
    "model": chainrule.load,  # an exported file in the place of a run
    # beneath them
    "pickle": read_pickle,
    "parameters": lambda path: load_parameters(path, network()),
    "checkpoint": read_checkpoint,  # chainrule train --resume
    # chainrule sweep, when it goes on with one
    "sweep": _sweep,
}
