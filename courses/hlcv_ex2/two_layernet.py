"""A network of two layers, as exercise 2 of *High-Level Computer Vision* asks for it.

    probabilities = softmax(relu(X W1 + b1) W2 + b2)
    loss = mean cross-entropy + reg · (‖W1‖² + ‖W2‖²)

All mathematics is chainrule's: this class keeps the exercise's names and shapes, and draws
from NumPy's global generator, because the exercise's script seeds that one.
"""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import numpy.typing as npt

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ShapeError
from chainrule.training.engines import NotFiniteError, NumpyEngine
from chainrule.training.engines.threads import number_of_threads, on_threads
from chainrule.training.metrics import predicted_classes
from chainrule.training.optimizers import SGD
from chainrule.training.scores import outputs

Array = npt.NDArray[Any]
Stats = dict[str, list[float]]

# The exercise's names of the parameters, and the library's.
NAMES = {"W1": "hidden.W", "b1": "hidden.b", "W2": "output.W", "b2": "output.b"}


def iterations_per_epoch(cases: int, batch_size: int) -> int:
    """How many minibatches make an epoch: whole ones, and at least one.

    Example:
        >>> iterations_per_epoch(49_000, 128), iterations_per_epoch(5, 200)
        (382, 1)
    """
    return max(cases // batch_size, 1)


class TwoLayerNet:
    """Two dense layers with relu between them, softmax and cross-entropy on top.

    Args:
        input_size: D, the numbers a case has.
        hidden_size: H, the hidden units.
        output_size: C, the classes.
        std: standard deviation of the first weights, drawn from ``np.random`` in the order W1,
            W2; biases start at 0.

    Attributes:
        params: ``W1`` (D, H), ``b1`` (H,), ``W2`` (H, C), ``b2`` (C,). Change them in place, or
            replace an entry: the next call goes on from there.

    Example:
        >>> np.random.seed(0)
        >>> net = TwoLayerNet(4, 10, 3, std=0.1)
        >>> net.loss(np.ones((2, 4))).shape
        (2, 3)
    """

    def __init__(
        self, input_size: int, hidden_size: int, output_size: int, std: float = 1e-4
    ) -> None:
        self._network = Network(
            [
                Dense(hidden_size, "relu", weights="zeros", name="hidden"),
                Dense(output_size, "linear", weights="zeros", name="output"),
                Softmax(),
            ],
            input=input_size,
            loss="cross_entropy",
        )
        self.params: dict[str, Array] = self._views()
        for name in ("W1", "W2"):
            self.params[name][...] = std * np.random.randn(*self.params[name].shape)  # noqa: NPY002

    def _views(self) -> dict[str, Array]:
        return {name: self._network.parameters[full] for name, full in NAMES.items()}

    def _take_params(self) -> None:
        """What stands in ``params`` into θ, also where an entry was replaced."""
        missing = [name for name in NAMES if name not in self.params]
        if missing:
            raise ShapeError(f"params has no {', '.join(missing)}; it holds {', '.join(NAMES)}")
        for name, view in self._views().items():
            given = self.params[name]
            if given is view:
                continue
            if np.shape(given) != view.shape:
                found = np.shape(given)
                raise ShapeError(f"params[{name!r}] has shape {view.shape}, found {found}")
            view[...] = given

    def _set_reg(self, reg: float) -> None:
        # The library's L2 adds rate · Σ½w², the exercise's reg · Σw².
        self._network.penalty = {"type": "L2", "rate": 2 * float(reg)} if reg else None

    @overload
    def loss(self, X: Array, y: None = None, reg: float = 0.0) -> Array: ...

    @overload
    def loss(
        self, X: Array, y: npt.ArrayLike, reg: float = 0.0
    ) -> tuple[float, dict[str, Array]]: ...

    def loss(
        self, X: Array, y: npt.ArrayLike | None = None, reg: float = 0.0
    ) -> Array | tuple[float, dict[str, Array]]:
        """The class probabilities; with labels, the loss and its gradients.

        Args:
            X: cases, (N, D).
            y: labels 0 to C − 1, (N,).
            reg: of the penalty reg · (‖W1‖² + ‖W2‖²).

        Returns:
            The probabilities (N, C) without ``y``; otherwise the loss and ∂loss/∂param by the
            names of ``params``, in arrays of the caller's own.

        Raises:
            ShapeError: X, y or an entry of ``params`` does not fit.
        """
        self._take_params()
        if y is None:
            return outputs(self._network, X)
        self._set_reg(reg)
        loss = self._network.loss(X, y)
        gradients = self._network.backward_pass(y)
        return loss, {name: gradients[full].copy() for name, full in NAMES.items()}

    def train(
        self,
        X: Array,
        y: npt.ArrayLike,
        X_val: Array,
        y_val: npt.ArrayLike,
        learning_rate: float = 1e-3,
        learning_rate_decay: float = 0.95,
        reg: float = 5e-6,
        num_iters: int = 100,
        batch_size: int = 200,
        verbose: bool = False,
    ) -> Stats:
        """Stochastic gradient descent on minibatches drawn with replacement.

        An epoch is ⌊N / batch_size⌋ iterations, at least one. In the first iteration of each,
        after the step, the accuracies are recorded and the learning rate is multiplied by
        ``learning_rate_decay``.

        Args:
            X: training cases, (N, D).
            y: their labels, (N,).
            X_val: validation cases.
            y_val: their labels.
            learning_rate: of the first epoch.
            learning_rate_decay: a factor on it, once an epoch.
            reg: of the penalty.
            num_iters: how many minibatches.
            batch_size: cases a minibatch, drawn by ``np.random.choice``.
            verbose: print the loss of every hundredth iteration.

        Returns:
            ``loss_history`` (one an iteration, before its step), ``train_acc_history`` (of the
            minibatch, one an epoch) and ``val_acc_history``. If the loss is no longer finite,
            training ends there, with the parameters before that iteration.

        Raises:
            ShapeError: the arrays do not fit each other or the network, or there are no cases.
        """
        self._take_params()
        self._set_reg(reg)
        self.params = self._views()
        X, labels = self._network.prepare_inputs(X), self._network.prepare_targets(y)
        if len(X) != len(labels) or not len(X):
            raise ShapeError(f"{len(X)} training cases have {len(labels)} labels")
        if batch_size < 1:
            raise ShapeError(f"a minibatch has at least 1 case, found {batch_size}")
        descent = SGD()
        descent.bind(
            self._network.theta,
            self._network.gradients.vector,
            [(slice(0, self._network.theta.size), learning_rate)],
        )
        engine = NumpyEngine(
            self._network, descent, X, labels, batch_size=batch_size, classes=False
        )
        stats: Stats = {"loss_history": [], "train_acc_history": [], "val_acc_history": []}
        epoch = iterations_per_epoch(len(X), batch_size)
        with on_threads(number_of_threads(self._network, batch_size)):
            for it in range(num_iters):
                chosen = np.random.choice(len(X), batch_size)  # noqa: NPY002
                try:
                    loss = float(engine.run(chosen, 0, 1).losses[0])
                except NotFiniteError as error:
                    print(f"iteration {it}: the {error.what} is no longer finite")
                    break
                stats["loss_history"].append(loss)
                if verbose and it % 100 == 0:
                    print(f"iteration {it} / {num_iters}: loss {loss:f}", flush=True)
                if it % epoch == 0:
                    train_accuracy = self._accuracy(X[chosen], labels[chosen])
                    stats["train_acc_history"].append(train_accuracy)
                    stats["val_acc_history"].append(self._accuracy(X_val, y_val))
                    descent.scale *= learning_rate_decay
        return stats

    def _accuracy(self, X: Array, y: npt.ArrayLike) -> float:
        return float(np.mean(self.predict(X) == np.asarray(y)))

    def predict(self, X: Array) -> Array:
        """The most probable class of each case, (N,); of equals the smaller.

        Raises:
            ShapeError: X or an entry of ``params`` does not fit.
        """
        self._take_params()
        return predicted_classes(outputs(self._network, X))
