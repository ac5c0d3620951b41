"""Parameters, and a training in progress, to and from safetensors files.

``parameters.safetensors`` holds θ by names (``dense_1.W``). A checkpoint holds the same and,
beside it, the optimiser's vectors and where training stood.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.errors import ChainruleError, Problem
from chainrule.files import write_whole
from chainrule.network import Network
from chainrule.parameters import Array
from chainrule.tensor_file import read_tensors
from chainrule.training import Trainer


def save_parameters(path: Path, network: Network) -> None:
    """Write θ by names.

    Raises:
        ChainruleError: the file cannot be written.
    """
    _write(path, dict(network.parameters), {"chainrule": __version__})


def load_parameters(path: Path, network: Network) -> None:
    """Read θ by names into a network of the same layout; it changes only if all of it fits.

    Raises:
        ChainruleError: the file is missing, is no safetensors file, or holds other arrays.
    """
    arrays, _ = read_tensors(path)
    problems = [
        Problem(f"holds {name}, which the network does not have", path)
        for name in sorted(set(arrays).difference(network.parameters))
    ]
    for name, view in network.parameters.items():
        found = arrays.get(name)
        if found is None or found.shape != view.shape or found.dtype.kind != "f":
            what = "no such array" if found is None else f"{found.dtype} of shape {found.shape}"
            message = f"expected {name} of shape {view.shape}, found {what}"
            problems.append(Problem(message, path))
        elif not np.isfinite(found).all():
            problems.append(Problem(f"{name} holds numbers that are not finite", path))
    if problems:
        raise ChainruleError(problems)
    for name, view in network.parameters.items():
        view[...] = arrays[name]


def save_checkpoint(path: Path, trainer: Trainer) -> None:
    """Write θ, the optimiser's state and where training stands.

    Raises:
        ChainruleError: the file cannot be written.
    """
    state = {f"optimizer.{name}": vector for name, vector in trainer.optimizer.state.items()}
    position = {
        "epoch": trainer.epoch,
        "minibatch": trainer.minibatch,
        "steps": trainer.optimizer.steps,
        "seed": trainer.settings.seed,
    }
    metadata = {"chainrule": __version__, "position": json.dumps(position)}
    _write(path, {**trainer.network.parameters, **state}, metadata)


def _write(path: Path, arrays: Mapping[str, Array], metadata: Mapping[str, Any]) -> None:
    from safetensors.numpy import save

    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_whole(path, save(whole, metadata=dict(metadata)))
