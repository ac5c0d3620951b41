"""Common parent of all layers."""
from abc import ABC, abstractmethod
from typing import Dict, Tuple

import numpy as np

Array = np.ndarray

class Layer(ABC):
    """A node of the chain. Whatever the backward pass needs goes into ``self._saved``."""

    def __init__(self) -> None:
        self._saved: Tuple[Array, ...] = ()

    def save(self, *arrays: Array) -> None:
        self._saved = arrays

    @property
    def saved(self) -> Tuple[Array, ...]:
        if not self._saved:
            raise RuntimeError("backward before forward")
        return self._saved

    @abstractmethod
    def forward(self, x: Array) -> Array:
        ...

    @abstractmethod
    def backward(self, y_grad: Array) -> Array:
        ...

    def update_param(self, lr: float) -> None:
        """Nothing to learn here."""

    update_params = update_param
