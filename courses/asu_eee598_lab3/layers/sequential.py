"""A stack of layers with a loss: one network of the library, whose parameters the layers show."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chainrule import layers as library
from chainrule.errors import ConfigError, DivergenceError, ShapeError
from chainrule.network import Network
from chainrule.scores import outputs, predicted_classes
from chainrule.training import Part, Settings, Trainer

from .cross_entropy import CrossEntropyLayer
from .full import FullLayer
from .layer import Array, Layer, checked_rate, descend
from .relu import ReluLayer
from .softmax import SoftMaxLayer


class Sequential:
    """Layers from the input to the output, and the loss on top.

    The layers stay usable on their own; their parameters are the network's, in both directions.

    Args:
        layers: full layers, each perhaps followed by a relu, and softmax at the end.
        loss: the cross-entropy.

    Attributes:
        minibatch_losses: of every minibatch of the last `fit`, as it ran, (minibatches,).

    Raises:
        ConfigError: a stack that makes no network.

    Example:
        >>> full = FullLayer(2, 2, seed=1)
        >>> model = Sequential([full, SoftMaxLayer()], CrossEntropyLayer())
        >>> full.W[...] = 0
        >>> round(model.forward([[1.0, 2.0]], [[1, 0]]), 6)
        0.693147
        >>> model.backward().shape
        (1, 2)
    """

    def __init__(self, layers: Sequence[Layer], loss: CrossEntropyLayer) -> None:
        self.layers = layers
        self.loss = loss
        if not isinstance(loss, CrossEntropyLayer):
            raise ConfigError(f"the loss is a CrossEntropyLayer, found {type(loss).__name__}")
        parts = _library_layers(layers)
        full = [layer for layer in layers if isinstance(layer, FullLayer)]
        dense = [part for part in parts if isinstance(part, library.Dense)]
        self._pairs = list(zip(full, dense, strict=True))
        self._network = Network(parts, input=full[0].W.shape[1], loss="cross_entropy")
        self._t: Array | None = None
        self.minibatch_losses: Array = np.empty(0)
        self._join()

    def _join(self) -> None:
        """Take the layers' parameters in, also where another model has had them since."""
        for layer, dense in self._pairs:
            if not layer.lives_in(dense):
                layer.move_into(dense)
        last, softmax = self.layers[-1], self._network.layers[-1]
        if isinstance(last, SoftMaxLayer) and isinstance(softmax, library.Softmax):
            last.move_into(softmax)

    def forward(self, x: npt.ArrayLike, target: npt.ArrayLike | None = None) -> Array | float:
        """The outputs, (cases, classes); with targets, the mean loss instead.

        Args:
            x: (cases, n_i).
            target: one-hot rows, (cases, classes), or class numbers.

        Raises:
            ShapeError: x or target does not fit.
        """
        self._join()
        y = self._network.forward_pass(x)
        self._t = None
        self._remember()
        if target is None:
            return y
        t = self._network.prepare_targets(target)
        if len(t) != len(y):
            raise ShapeError(f"{len(y)} cases have {len(t)} targets")
        self._t = t
        self.loss.saw(y, t)
        return float(self._network.loss_of_pass(t))

    def _remember(self) -> None:
        """Let each relu know what went through it, so that it can go backward on its own."""
        pairs = iter(self._pairs)
        z: Array | None = None
        for layer in self.layers:
            if isinstance(layer, FullLayer):
                z = next(pairs)[1].z
            elif isinstance(layer, ReluLayer) and z is not None:
                layer.saw(z)

    def backward(self) -> Array:
        """∂L/∂x, (cases, n_i), of the last forward pass with targets; leaves all gradients.

        Raises:
            ShapeError: there was none.
        """
        if self._t is None:
            raise ShapeError("backward follows forward with targets")
        self._network.backward_pass(self._t, to_input=True)
        assert self._network.input_gradient is not None
        return self._network.input_gradient

    def update_param(self, lr: float) -> None:
        """One step of gradient descent on all parameters."""
        self._join()
        descend(self._network.theta, self._network.gradients.vector, lr)

    def update_params(self, lr: float) -> None:
        """`update_param` by its other name."""
        self.update_param(lr)

    def fit(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        epochs: int = 10,
        lr: float = 0.1,
        batch_size: int = 128,
    ) -> Array:
        """Gradient descent on minibatches, in the order given.

        Args:
            x: training cases, (cases, n_i).
            y: one-hot targets, (cases, classes), or class numbers.
            epochs: passes over the cases.
            lr: the learning rate.
            batch_size: cases a minibatch; the last one of an epoch may be smaller.

        Returns:
            The average loss of each epoch's minibatches, (epochs,). Where training diverges,
            that is said on stderr, and the epochs from there on are NaN.

        Raises:
            ShapeError: x or y does not fit.
            ConfigError: epochs, a rate or a batch size that are none.
        """
        self._join()
        settings = Settings(
            epochs=_whole("epochs", epochs, 0),
            batch_size=_whole("batch_size", batch_size, 1),
            shuffle=False,
        )
        self._network.learning_rate = checked_rate(lr)
        trainer = Trainer(
            self._network,
            self._cases(x, y),
            Part(np.empty(0), np.empty(0)),
            settings,
            classes=True,
        )
        try:
            trainer.run()
        except DivergenceError as error:
            print(f"Sequential.fit: {error}", file=sys.stderr)
        self.minibatch_losses = trainer.history.minibatch_losses
        losses = np.full(settings.epochs, np.nan)
        found = trainer.history["train_loss"]
        losses[: len(found)] = found
        return losses

    def _cases(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Part:
        x, t = self._network.prepare_inputs(x), self._network.prepare_targets(y)
        if len(x) != len(t) or not len(x):
            raise ShapeError(f"training needs cases, one target each; found {len(x)}, {len(t)}")
        return Part(x, t)

    def predict(self, x: npt.ArrayLike) -> Array:
        """The label of each case, (cases,): the class of the largest output.

        Raises:
            ShapeError: x does not fit.
        """
        self._join()
        return predicted_classes(outputs(self._network, np.asarray(x)))


def _library_layers(layers: Sequence[Layer]) -> list[library.Layer]:
    """The library's layers for a stack of the lab's: a relu belongs to the layer before it."""
    parts: list[library.Layer] = []
    previous: Layer | None = None
    for layer in layers:
        if isinstance(layer, FullLayer):
            n_o, n_i = layer.W.shape
            if parts and parts[-1].size != n_i:
                raise ConfigError(f"{layer!r} follows a layer of {parts[-1].size} outputs")
            parts.append(library.Dense(n_o, "linear", weights="zeros"))
        elif isinstance(layer, ReluLayer) and isinstance(previous, FullLayer):
            assert isinstance(parts[-1], library.Dense)
            parts[-1].activation = "relu"
        elif isinstance(layer, SoftMaxLayer) and layer is layers[-1] and parts:
            parts.append(library.Softmax())
        else:
            after = "at the beginning" if previous is None else f"after {previous!r}"
            raise ConfigError(
                f"found {type(layer).__name__} {after}; a stack is of FullLayers, each perhaps "
                "with a ReluLayer behind it, and a SoftMaxLayer at the end"
            )
        previous = layer
    if len({id(layer) for layer in layers}) < len(layers):
        raise ConfigError("a layer stands twice in the stack")
    if not isinstance(previous, SoftMaxLayer):
        raise ConfigError("a stack ends in a SoftMaxLayer, whose probabilities the loss takes")
    return parts


def _whole(name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ConfigError(f"{name} is a whole number of at least {least}, found {value!r}")
    return int(value)
