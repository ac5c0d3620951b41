"""The frames of a run's training: written into its folder, and read from it.

``frames.safetensors`` holds ``epochs`` (frames,), ``theta`` (frames, parameters) and ``losses``
(frames, 2); see `chainrule.training.Frames`. Its metadata name the parameters in order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from chainrule.config.load import Config
from chainrule.core.errors import ChainruleError, Problem
from chainrule.core.files import require_own, write_whole
from chainrule.nn.network import Network
from chainrule.runs.tensor_file import packed, read_header, read_tensors
from chainrule.training.callbacks import Callback, Frames
from chainrule.training.frames import FRAME_ARRAYS, MOST_FRAME_BYTES, Frame, problem_of_frames

_WHAT = "the frames of a training"


def write_frames(path: Path, callbacks: Sequence[Callback], network: Network) -> None:
    """Write what the callback `Frames` has kept, if there is one among the callbacks.

    Raises:
        ChainruleError: the file cannot be written.
    """
    for one in callbacks:
        if isinstance(one, Frames):
            said = {"parameters": _layout(network)}  # one text alone: several come in any order
            write_whole(path, packed(path, one.arrays(), said), own=True)
            return


def _layout(network: Network) -> str:
    """The names and shapes of the parameters in the order in which a frame holds them."""
    return json.dumps([[name, *view.shape] for name, view in network.parameters.items()])


def read_frames(path: Path, network: Network) -> list[Frame]:
    """The frames in a run's file; none if the run kept no frames.

    Raises:
        ChainruleError: the file is damaged, or holds the frames of another network.
    """
    if not os.path.lexists(path):
        return []
    require_own(path)
    shapes, said = read_header(path, _WHAT)
    size = network.theta.size
    fits = set(shapes) == set(FRAME_ARRAYS) and said.get("parameters") == _layout(network)
    frames = shapes.get("epochs", ())
    if not fits or frames[1:] or shapes["theta"] != (*frames, size):
        message = "expected frames of this run's network, found those of another"
        raise ChainruleError(Problem(message, path))
    arrays, _ = read_tensors(path, _WHAT)
    problem = problem_of_frames(arrays, size, network.dtype)
    if problem is None and arrays["theta"].nbytes > MOST_FRAME_BYTES:
        problem = f"frames take at most {MOST_FRAME_BYTES / 2**20:.0f} MB"
    if problem is not None:
        raise ChainruleError(Problem(problem, path))
    rows = zip(*(arrays[name] for name in FRAME_ARRAYS), strict=True)
    return [Frame(int(epoch), theta, losses) for epoch, theta, losses in rows]


def with_frames(config: Config) -> Config:
    """The configuration with the callback ``frames`` after those that it names, unless it has it.

    Example:
        >>> from chainrule.config.load import load_config
        >>> made = load_config({"network": {"layers": [{"size": 1}]},
        ...     "training": {"callbacks": ["best_weights"]}})
        >>> [one["type"] for one in with_frames(made).training["callbacks"]]
        ['best_weights', 'frames']
    """
    named = config.training["callbacks"] or []
    types = [one if isinstance(one, str) else one.get("type") for one in named]
    if "frames" in types:
        return config
    return config.replace(training={"callbacks": [*named, "frames"]})
