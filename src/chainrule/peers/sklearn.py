"""The network as scikit-learn's `MLPClassifier` or `MLPRegressor`.

An epoch is scikit-learn's own loop over minibatches. Its conventions differ from ours, and are
converted in `_Converted`, where the loss and the gradient of a minibatch are computed:

=====================  =================================================================
penalty                ½ alpha Σw² is divided by the cases of the minibatch
cross-entropy          the same
binary cross-entropy   a sum over the outputs, where ours is a mean
squared error          half of ours; its gradient is summed over the outputs as well
Adam's epsilon         added to √v before the bias correction of v
velocity               includes the learning rate, so that a new rate changes it
=====================  =================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, ClassVar

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import ThreadpoolController

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.nn import activations, losses
from chainrule.nn.activations import Activation
from chainrule.nn.layer_types import Dense, Softmax
from chainrule.nn.network import Network
from chainrule.peers.base import Peer
from chainrule.training import optimizers
from chainrule.training.engines.other_libraries import Library
from chainrule.training.optimizers import Optimizer

ACTIVATIONS: Mapping[type[Activation], str] = {
    activations.Linear: "identity",
    activations.Sigmoid: "logistic",
    activations.Tanh: "tanh",
    activations.ReLU: "relu",
}
"""scikit-learn's names of the activations it has."""

LIBRARY = Library(
    layers=(Dense, Softmax),
    activations=ACTIVATIONS,
    losses=(losses.CrossEntropy, losses.BinaryCrossEntropy, losses.MeanSquaredError),
    penalties=("L2",),
    rules=(optimizers.SGD, optimizers.Momentum, optimizers.Adam),
)
"""What scikit-learn has; `_reason_of_functions` and `_reason_of_settings` narrow it down."""


class _Converted:
    """scikit-learn's network with our penalty, our Adam, and a record of our losses.

    Attributes:
        decay: our rate of the L2 penalty.
        gradient_factor: scikit-learn's gradient divided by ours.
        loss_factor: scikit-learn's loss without the penalty divided by ours.
        corrected_epsilon: our Adam's epsilon; None for another rule.
        reported: our losses of the minibatches of this epoch.
    """

    decay = 0.0
    gradient_factor = 1.0
    loss_factor = 1.0
    corrected_epsilon: float | None = None
    beta_2: float
    alpha: float
    coefs_: list[Array]
    reported: list[float]
    _optimizer: Any

    def start(self) -> None:
        """Switch off scikit-learn's check of x and y, because `Network` has prepared them."""
        self._validate_input = lambda x, y, incremental, reset: (x, y)

    def _backprop(self, x: Array, *rest: Any) -> Any:
        """The loss and the gradients of a minibatch."""
        self.alpha = self.gradient_factor * self.decay * len(x)
        if self.corrected_epsilon is not None:
            correction = sqrt(1 - self.beta_2 ** (self._optimizer.t + 1))
            self._optimizer.epsilon = self.gradient_factor * self.corrected_epsilon * correction
        loss, *gradients = super()._backprop(x, *rest)  # type: ignore[misc]
        self.reported.append(self._ours(loss))
        return loss, *gradients

    def _ours(self, loss: float) -> float:
        """Our loss of a minibatch, from scikit-learn's."""
        if self.loss_factor == self.gradient_factor or not self.decay:
            return loss / self.loss_factor
        penalty = 0.5 * self.decay * sum(float(np.dot(w.ravel(), w.ravel())) for w in self.coefs_)
        return (loss - self.gradient_factor * penalty) / self.loss_factor + penalty


_CLASSIFIER: Any = type("Classifier", (_Converted, MLPClassifier), {})
_REGRESSOR: Any = type("Regressor", (_Converted, MLPRegressor), {})


class SklearnPeer(Peer):
    """scikit-learn's multilayer perceptron. See `Peer` for the arguments.

    Raises:
        ConfigError: targets that are distributions, or probabilities other than 0 and 1; the
            cases have weights; or the gradient is to be clipped.
    """

    name: ClassVar[str] = "sklearn"
    library: ClassVar[Library] = LIBRARY
    rates_of_minibatches: ClassVar[bool] = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.clip_gradient_norm is not None:
            raise ConfigError("it does not clip the norm of the gradient")
        if self.weights is not None:
            raise ConfigError("its loop over minibatches takes no weights of cases")
        network, outputs = self.network, self.network.outputs
        self._rate = self.optimizer.rates[0][1]
        # The BLAS libraries are looked for only once, because that takes a millisecond.
        self._blas = ThreadpoolController().select(user_api="blas")
        classes: Any = None
        y = self.t
        if isinstance(network.loss_function, losses.CrossEntropy):
            if y.ndim > 1:
                raise ConfigError("it takes classes, not distributions over them")
            classes, y = np.arange(outputs), np.eye(outputs, dtype=bool)[y]
        elif isinstance(network.loss_function, losses.BinaryCrossEntropy):
            if not ((y == 0) | (y == 1)).all():
                raise ConfigError("it takes targets of 0 and 1 alone")
            classes, y = np.arange(max(2, outputs)), y.astype(bool)
        self._y = y
        self.model = self._made(classes)

    @classmethod
    def reason_against(cls, network: Network, optimizer: Optimizer) -> str | None:
        """See `Peer.reason_against`."""
        if not network.graph.is_chain:
            return "it has no layers that branch"
        if network.input_shape != (network.input,):
            return "it has no networks of images or sequences"
        return (
            super().reason_against(network, optimizer)
            or _reason_of_functions(network)
            or _reason_of_settings(network, optimizer)
        )

    def _made(self, classes: Any) -> Any:
        """scikit-learn's network with our θ, after one case that makes it allocate its arrays."""
        is_regressor = classes is None
        model = (_REGRESSOR if is_regressor else _CLASSIFIER)(**self._settings())
        (model.decay,) = _decays(self.network)
        outputs = self.network.outputs
        model.gradient_factor, model.loss_factor = {
            losses.CrossEntropy: (1.0, 1.0),
            losses.BinaryCrossEntropy: (float(outputs), float(outputs)),
            losses.MeanSquaredError: (0.5 * outputs, 0.5),
        }[type(self.network.loss_function)]
        model.reported = []
        first = (self.x[:1], self.t[:1] if self.t.shape[1:] != (1,) else self.t[:1, 0])
        model.partial_fit(*first, **({} if is_regressor else {"classes": classes}))
        for layer, W, b in zip(
            _dense_layers(self.network), model.coefs_, model.intercepts_, strict=True
        ):
            W[...], b[...] = layer.W, layer.b
        del model._optimizer  # its state comes from that one case
        model.batch_size = self.batch_size
        if isinstance(self.optimizer, optimizers.Adam):
            model.corrected_epsilon = self.optimizer.epsilon
        model.start()
        return model

    def _settings(self) -> dict[str, Any]:
        """The arguments of scikit-learn's constructor."""
        rule, layers = self.optimizer, _dense_layers(self.network)
        settings: dict[str, Any] = {
            "hidden_layer_sizes": tuple(layer.size for layer in layers[:-1]),
            "activation": ACTIVATIONS[type(layers[0].activation)] if layers[1:] else "identity",
            "solver": "adam" if isinstance(rule, optimizers.Adam) else "sgd",
            "learning_rate_init": self._rate,
            "batch_size": 1,
            "shuffle": False,
            "tol": 0.0,
            "n_iter_no_change": np.inf,
        }
        if isinstance(rule, optimizers.Adam):
            return settings | {"beta_1": rule.beta1, "beta_2": rule.beta2}
        if isinstance(rule, optimizers.Momentum):
            return settings | {"momentum": rule.momentum, "nesterovs_momentum": rule.nesterov}
        return settings | {"momentum": 0.0, "nesterovs_momentum": False}

    def run(self, order: Array | None, scales: Array | None = None) -> Array:
        """See `Peer.run`."""
        model = self.model
        self._set_rate()
        model.reported = []
        x, y = self.x, self._y
        with self._blas.limit(limits=self.threads), np.errstate(all="ignore"):
            if order is not None:
                x, y = x[order], y[order]
            try:
                model._fit(x, y, incremental=True)
            except ValueError:  # the parameters are no longer finite
                if len(model.reported) * self.batch_size < len(x):
                    raise
        return np.array(model.reported)

    def _set_rate(self) -> None:
        """Set this epoch's learning rate; scikit-learn's gradient is a multiple of ours."""
        rate = self._rate * self.optimizer.scale
        if not isinstance(self.optimizer, optimizers.Adam):  # Adam's step has no such factor
            rate /= self.model.gradient_factor
        before, self.model.learning_rate_init = self.model.learning_rate_init, rate
        if not hasattr(self.model, "_optimizer"):
            return
        steps = self.model._optimizer
        steps.learning_rate_init = steps.learning_rate = rate
        if isinstance(self.optimizer, optimizers.Momentum) and before:  # velocity includes it
            steps.velocities = [rate / before * v for v in steps.velocities]

    def theta(self) -> Array:
        """See `Peer.theta`."""
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return np.concatenate([a.ravel() for pair in pairs for a in pair])


def _dense_layers(network: Network) -> list[Any]:
    """The layers that have weights, from the input to the output; they are of class Dense."""
    return [layer for layer in network.layers if layer.has_weights]


def _reason_of_functions(network: Network) -> str | None:
    """The reason why scikit-learn lacks the activations or the loss; None if it has them."""
    *hidden, last = _dense_layers(network)
    is_linear = type(last.activation) is activations.Linear
    if not all(layer.bias for layer in (*hidden, last)):
        return "it has biases in every layer"
    if len({type(layer.activation) for layer in hidden}) > 1:
        return "it has one activation for all hidden layers"
    if getattr(network.loss_function, "label_smoothing", 0):
        return "it smooths no labels"
    if isinstance(network.loss_function, losses.MeanSquaredError):
        if network.layers[-1].gives_distribution or not is_linear:
            return "its squared error has linear outputs"
    elif isinstance(network.loss_function, losses.CrossEntropy):
        if not is_linear:
            return "its softmax has a linear layer before it"
        if last.size < 3:
            return "for two classes it has a single sigmoid output and no softmax"
    return None


def _reason_of_settings(network: Network, optimizer: Optimizer) -> str | None:
    """The reason why scikit-learn cannot have the penalty and the rates; None if it can."""
    if any(s.is_bias and network.penalty_rates(s.full_name) for s in network.parameters.layout):
        return "its penalty is on the weights alone"
    if len(_decays(network)) > 1:
        return "it has one penalty for all layers"
    if len(optimizer.rates) > 1:
        return "it has one learning rate for all layers, weights and biases alike"
    if not optimizer.rates[0][1] > 0:
        return "its learning rate is above 0"
    return None


def _decays(network: Network) -> set[float]:
    """The different rates of the L2 penalty on weights; more than one if layers differ."""
    weights = [segment for segment in network.parameters.layout if not segment.is_bias]
    return {network.penalty_rates(segment.full_name).get("L2", 0.0) for segment in weights}
