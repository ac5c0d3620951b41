"""A stack of layers with a loss: one network of the library, whose parameters the layers show."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chainrule.core.errors import ConfigError, DivergenceError, ShapeError
from chainrule.nn import Network
from chainrule.training import Part, Settings, Trainer
from chainrule.training.metrics import predicted_classes
from chainrule.training.scores import outputs

from .cross_entropy import CrossEntropyLayer
from .full import FullLayer
from .in_library import check_fit, library_layers, move
from .layer import Array, Layer, checked_rate, descend, shape_of_images, shaped, whole
from .relu import ReluLayer


class Sequential:
    """Layers from the input to the output, and the loss on top.

    The layers stay usable on their own; their parameters are the network's, in both directions.

    A stack that begins with a layer of images learns their size from the first it sees, and may
    be given images of another size afterwards wherever its full layers fit them.

    Args:
        layers: for images convolutions and max pools, then flatten; full layers; softmax at the
            end. Behind a convolution or a full layer, or behind the pool or the flatten layer that
            follows one, there may be a relu.
        loss: the cross-entropy.

    Attributes:
        minibatch_losses: of every minibatch of the last `fit`, as it ran, (minibatches,).

    Raises:
        ConfigError: a stack that makes no network.

    Example:
        >>> from layers import SoftMaxLayer
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
        self._parts = library_layers(layers)
        self._network: Network | None = None
        self._t: Array | None = None
        self.minibatch_losses: Array = np.empty(0)
        first = layers[0]
        if isinstance(first, FullLayer):
            self._join((first.W.shape[1],))

    def _join(self, shape: tuple[int, ...] | None = None) -> Network:
        """Take the layers' parameters in, also where another model has had them since.

        Args:
            shape: of a case; None for that of before.

        Raises:
            ConfigError: the layers cannot take cases of this shape.
        """
        if shape is not None and (self._network is None or self._network.input_shape != shape):
            parts = library_layers(self.layers)
            network = Network([*dict.fromkeys(parts)], input=list(shape), loss="cross_entropy")
            for layer, part in zip(self.layers, parts, strict=True):
                check_fit(layer, part)
            self._parts, self._network, self._t = parts, network, None
        if self._network is None:
            raise ShapeError("the stack has seen no images, which would say how large they are")
        for layer, part in zip(self.layers, self._parts, strict=True):
            move(layer, part)
        return self._network

    def _network_for(self, x: npt.ArrayLike) -> Network:
        """The network with the layers' parameters, for cases such as these."""
        takes_rows = isinstance(self.layers[0], FullLayer)
        return self._join(None if takes_rows else shape_of_images(x))

    def forward(self, x: npt.ArrayLike, target: npt.ArrayLike | None = None) -> Array | float:
        """The outputs, (cases, classes); with targets, the mean loss instead.

        Args:
            x: (cases, n_i), or images (cases, channels, height, width).
            target: one-hot rows, (cases, classes), or class numbers.

        Raises:
            ShapeError: x or target does not fit.
        """
        network = self._network_for(x)
        y = network.forward_pass(x)
        self._t = None
        self._remember()
        if target is None:
            return y
        t = network.prepare_targets(target)
        if len(t) != len(y):
            raise ShapeError(f"{len(y)} cases have {len(t)} targets")
        self._t = t
        self.loss.saw(y, t)
        return float(network.loss_of_pass(t))

    def _remember(self) -> None:
        """Let each relu know what went through it, so that it can go backward on its own.

        Behind a pool that is what the library's pool put out, of numbers that a relu has seen
        already: it is above 0 in the same places.
        """
        before = self._parts[0]
        for layer, part in zip(self.layers, self._parts, strict=True):
            if isinstance(layer, ReluLayer):
                z: Array = before.z  # type: ignore[attr-defined]
                layer.saw(shaped(z, before))
            else:
                before = part

    def backward(self) -> Array:
        """∂L/∂x, of the shape of x, of the last forward pass with targets; leaves all gradients.

        Raises:
            ShapeError: there was none.
        """
        network = self._network
        if self._t is None or network is None:
            raise ShapeError("backward follows forward with targets")
        network.backward_pass(self._t, to_input=True)
        assert network.input_gradient is not None
        return network.input_gradient.reshape(-1, *network.input_shape)

    def update_param(self, lr: float) -> None:
        """One step of gradient descent on all parameters."""
        network = self._join()
        descend(network.theta, network.gradients.vector, lr)

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
            x: training cases, (cases, n_i) or (cases, channels, height, width).
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
        network = self._network_for(x)
        settings = Settings(
            epochs=whole("epochs", epochs, 0),
            batch_size=whole("batch_size", batch_size, 1),
            shuffle=False,
        )
        network.learning_rate = checked_rate(lr)
        trainer = Trainer(
            network,
            _cases(network, x, y),
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

    def predict(self, x: npt.ArrayLike) -> Array:
        """The label of each case, (cases,): the class of the largest output.

        Raises:
            ShapeError: x does not fit.
        """
        return predicted_classes(outputs(self._network_for(x), x))


def _cases(network: Network, x: npt.ArrayLike, y: npt.ArrayLike) -> Part:
    x, t = network.prepare_inputs(x), network.prepare_targets(y)
    if len(x) != len(t) or not len(x):
        raise ShapeError(f"training needs cases, one target each; found {len(x)}, {len(t)}")
    return Part(x, t)
