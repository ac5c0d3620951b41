"""A trained network as a program of PyTorch (``torch.export``), which loads without chainrule.

The file holds the graph of PyTorch's own operators and the parameters by name, no classes of
Python: ``torch.export.load(path).module()`` gives a module of plain PyTorch.

Only what needs PyTorch imports this module; ``pip install 'chainrule[torch]'``.
"""

from __future__ import annotations

from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from chainrule.core.strict_json import as_json
from chainrule.data.standardization import Standardization
from chainrule.nn.network import Network
from chainrule.runs.export.document import description
from chainrule.runs.export.model import Model, not_finite, refused
from chainrule.training.engines.torch.modules import to_torch

DESCRIPTION = "chainrule.json"
"""The name of the text, beside the program, that describes inputs, outputs and classes."""


class Standardized(nn.Module):
    """(x − mean) / scale, computed in float64 and rounded to the type of x."""

    def __init__(self, scaling: Standardization, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(scaling.mean.reshape(shape).copy()))
        self.register_buffer("scale", torch.from_numpy(scaling.scale.reshape(shape).copy()))

    def forward(self, x: Tensor) -> Tensor:
        """Of the shape of x."""
        return ((x.double() - self.mean) / self.scale).to(x.dtype)


class InOwnUnits(nn.Module):
    """y · scale + mean, computed in float64 and rounded to the type of y."""

    def __init__(self, scaling: Standardization) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(scaling.mean.ravel().copy()))
        self.register_buffer("scale", torch.from_numpy(scaling.scale.ravel().copy()))

    def forward(self, y: Tensor) -> Tensor:
        """Of the shape of y."""
        return (y.double() * self.scale + self.mean).to(y.dtype)


class Whole(nn.Module):
    """From inputs in their own units to outputs in theirs, each in the shape of its cases."""

    def __init__(self, model: Model, dtype: Any) -> None:
        super().__init__()
        shape = model.network.input_shape
        scaling, units = model.scaling, model.target_scaling
        # The scalings stay in float64, whatever the type of the network is.
        self.network = to_torch(_without_truncation(model.network)).to(dtype)
        self.scaling = nn.Identity() if scaling is None else Standardized(scaling, shape)
        self.units = nn.Identity() if units is None else InOwnUnits(units)
        self.shape = model.output_shape

    def forward(self, x: Tensor) -> Tensor:
        """(cases, *output shape) for (cases, *input shape)."""
        y = self.network(self.scaling(x))
        return self.units(y.reshape(-1, *self.shape))


def _without_truncation(network: Network) -> Network:
    """A copy whose truncated layers run each step once: their outputs are the same."""
    found = deepcopy(network)
    for layer in found.layers:
        if layer.truncate is not None:
            layer.truncate = None
    return found


def written(model: Model, path: Path, dtype: str | None) -> tuple[bytes, tuple[str, ...]]:
    """The content of the file, and notes on it.

    Raises:
        ConfigError: layers or activations have no counterpart in PyTorch; all of them are named.
    """
    numbers = np.dtype(dtype or model.network.dtype)
    refused(model, "PyTorch", [*not_finite(dict(model.network.parameters), numbers)])
    kind = getattr(torch, str(numbers))
    whole = Whole(model, kind)
    whole.eval()
    example = torch.zeros(2, *model.network.input_shape, dtype=kind)
    cases = torch.export.Dim("cases", min=1)
    program = torch.export.export(whole, (example,), dynamic_shapes=({0: cases},))
    texts = {DESCRIPTION: as_json(description(model, path))}
    content = BytesIO()
    torch.export.save(program, content, extra_files=texts)
    return content.getvalue(), ()
