"""The network: the two passes, the loss, and the one place where the chain rule is applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from math import prod
from threading import RLock, get_ident
from typing import Any, Self

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array, as_numbers, assign, require_as_many, rows_of_cases
from chainrule.core.errors import ConfigError, ShapeError, printable, unknown
from chainrule.core.randomness import stream
from chainrule.core.sequences import lengths_of, require_inputs_at_targets
from chainrule.nn.building import (
    checked_layers,
    connect,
    default_loss,
    layers_from_config,
    network_options,
    shape_of_input,
)
from chainrule.nn.context import Buffers, Context
from chainrule.nn.graph import INPUT
from chainrule.nn.jacobians import Jacobian, RowsOf, explicit
from chainrule.nn.layer_types import Layer
from chainrule.nn.layers.base import sizes_text
from chainrule.nn.losses import Loss, loss_function
from chainrule.nn.parameters import Layout, Parameters
from chainrule.nn.penalties import (
    PenaltyLike,
    PenaltySetting,
    PenaltyTerm,
    PlacedPenalty,
    penalty_setting,
    placed,
)

DTYPES = ("float64", "float32")


class Network:
    """A chain or graph of layers with a loss, over one parameter vector θ.

    Args:
        layers: from the input to the output. A layer is fed by the one before it unless its
            ``inputs`` name others; the last one is the network's output. Layers whose
            activation was left out get relu, or linear where none with an activation follows.
        input: the number of inputs, or the sizes of one case: [channels, height, width] of an
            image, [steps, features] of a sequence.
        loss: a name, ``type`` with options, or a `Loss`; by default cross-entropy behind a
            softmax, else the mean squared error.
        learning_rate: for the network; None leaves it to the optimiser. A layer's private
            rate goes before it.
        penalty: None, a name, a mapping of ``type``, ``rate`` and ``biases``, one of rates by
            type, or a setting; a layer's own stands in its place for that layer.
        dtype: ``float64`` or ``float32``.
        explicit_jacobians: multiply by the dense matrices in the backward pass.
        seed: of the first weights; every layer draws from a stream of its own.

    Attributes:
        layers: the layers, in order; a dense one has ``W``, ``b``, ``W_grad``, ``b_grad``.
        graph: which layers feed which, and the order in which they run.
        input: the number of inputs; ``input_shape`` is the shape of one case.
        parameters: θ as `Parameters`; ``theta`` is its vector.
        gradients: ∂L/∂θ of the last backward pass, of the same layout.
        context: what the passes know beside x and θ: training or evaluation, see `Context`.
        lock: a `threading.RLock` that every pass holds.

    Several threads may use one network: every method gives each of them its own numbers.
    The attributes of a network and of its layers are those of the last pass, whichever thread
    it was in. A backward pass goes back through the last forward pass and overwrites the
    gradients, so it is refused where another thread could be in between. Threads that take
    gradients hold the lock (``with network.lock:``) from the forward pass until they have used
    the gradients, or each has a copy of the network (``copy.deepcopy``), which is faster.
    Whoever changes θ or a setting while other threads use the network holds the lock as well.

    Raises:
        ConfigError: the parts do not make a network; all reasons at once.

    Example:
        >>> from chainrule.nn import Dense, Softmax
        >>> network = Network([Dense(3, "tanh"), Dense(2), Softmax()], input=4, seed=1)
        >>> network.forward_pass(np.ones((5, 4))).shape
        (5, 2)
        >>> gradients = network.backward_pass([0, 1, 1, 0, 1])
        >>> gradients["dense_1.W"].shape
        (4, 3)
    """

    input_gradient: Array | None = None
    """∂L/∂x of the last backward pass, (cases, input), if its ``to_input`` was set."""

    _output: Array | None = None

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        input: int | Sequence[int],
        loss: str | Mapping[str, Any] | Loss | None = None,
        learning_rate: float | None = None,
        penalty: PenaltyLike | None = None,
        dtype: str = "float64",
        explicit_jacobians: bool = False,
        seed: int = 0,
    ) -> None:
        self.lock: Any = RLock()
        self.context = Context(seed)
        if dtype not in DTYPES:
            raise ConfigError(unknown("dtype", dtype, DTYPES))
        if learning_rate is not None and not (is_finite(learning_rate) and learning_rate >= 0):
            raise ConfigError(f"learning_rate is finite and at least 0, found {learning_rate!r}")
        checked = checked_layers(layers)
        if loss is None:
            ends_in_softmax = any(layer.gives_distribution for layer in checked[-1:])
            loss = default_loss(ends_in_softmax=ends_in_softmax)
        each_loss = loss_function(loss)
        self.learning_rate = learning_rate
        setting = penalty_setting(penalty)  # before the layers are changed
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.input_shape = shape_of_input(input)
        self.input = prod(self.input_shape)
        self.layers, self.graph, self.loss_function, self.from_logits = connect(
            checked, self.input_shape, each_loss
        )
        self.context.is_chain = self.graph.is_chain
        self.explicit_jacobians = explicit_jacobians
        self._lay_out(seed)
        self.penalty = setting

    @classmethod
    def from_config(cls, config: Mapping[str, Any], seed: int = 0) -> Self:
        """The network that the ``network:`` part of a configuration describes.

        Args:
            config: the mapping, with ``input`` given; see the README's table of keys.
            seed: of the first weights.

        Raises:
            ConfigError: an unknown key or value, or parts that do not make a network.

        Example:
            >>> from chainrule.nn.network import Network
            >>> network = Network.from_config({
            ...     "input": 2, "loss": "mse", "layers": [{"size": 3}, {"size": 1}]})
            >>> [type(layer).__name__ for layer in network.layers]
            ['Dense', 'Dense']
        """
        options = network_options(config)
        return cls(layers_from_config(options.pop("layers")), seed=seed, **options)

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.layers[-1].outputs

    @property
    def reads_sequences(self) -> bool:
        """Whether a case is a sequence, (steps, features)."""
        return len(self.input_shape) == 2

    @property
    def theta(self) -> Array:
        """All parameters as one vector; to change it is to change the network."""
        return self.parameters.vector

    @theta.setter
    def theta(self, value: Array) -> None:
        assign(self.theta, value, "theta")

    def __repr__(self) -> str:
        shapes = (f"{layer.name} {sizes_text(layer.output_shape)}" for layer in self.layers)
        chain = " → ".join([sizes_text(self.input_shape), *shapes])
        size = self.parameters.layout.size
        return printable(f"Network({chain}; {size} parameters, {self.dtype})")

    def _lay_out(self, seed: int) -> None:
        """Make θ with its initial values and its gradient, and give each layer its views."""
        layout = Layout(
            {layer.name: layer.shapes() for layer in self.layers},
            [f"{layer.name}.{name}" for layer in self.layers for name in layer.untrained],
        )
        try:
            self.parameters = Parameters(layout, dtype=self.dtype)
            self.gradients = Parameters(layout, dtype=self.dtype)
        except (MemoryError, ValueError):
            raise ConfigError(f"{layout.size:.3g} parameters do not fit into memory") from None
        self._bind()
        for layer in self.layers:
            for name, view in self.parameters.layer(layer.name).items():
                view[...] = layer.draw(name, stream(seed, "parameters", layer.name, name))

    def _bind(self) -> None:
        self._with_untrained = [layer for layer in self.layers if layer.untrained]
        for layer in self.layers:
            layer.context = self.context
            layer.bind(self.parameters.layer(layer.name), self.gradients.layer(layer.name))

    # The two passes

    def forward_pass(self, x: Any) -> Array:
        """The outputs y, (cases, outputs), for inputs x, (cases, input).

        Keeps what `backward_pass` needs, apart from the caller's array. The result is the
        caller's own.

        Raises:
            ShapeError: x does not fit.
        """
        x = self.prepare_inputs(x).copy()
        with self.lock:
            return self.propagate(x).copy()

    def loss(self, x: Any, t: Any, theta: Array | None = None) -> Any:
        """The mean loss over the cases plus the penalty.

        Args:
            x: inputs, (cases, input).
            t: class numbers (cases,) or rows (cases, outputs).
            theta: evaluate at this vector instead, a complex one included, and keep nothing;
                otherwise this is a forward pass, and `backward_pass` may follow.

        Returns:
            A number of Python: a complex one where x or theta is complex.

        Raises:
            ShapeError: x, t or theta does not fit.
        """
        x, t = self.prepare(x, t)
        if theta is None:
            with self.lock:
                self.propagate(x.copy())
                return np.asarray(self.loss_of_pass(t)).item()
        theta = as_numbers(theta, "the values of theta")
        z, y = self.evaluate(x, theta)
        return np.asarray(self._data_loss(z, y, t) + self._penalty.loss(theta)).item()

    def backward_pass(self, t: Any, *, to_input: bool = False) -> Parameters:
        """The gradient of the loss of the last forward pass, penalty included.

        Args:
            t: the targets of the cases of the forward pass, at the θ of which the gradient
                is taken: change θ after this, not before.
            to_input: also leave ∂L/∂x, (cases, input), in ``input_gradient``.

        Returns:
            ``gradients``, by full name (``dense_1.W``) or by ``layer(name)``; the next
            backward pass overwrites it.

        Raises:
            ShapeError: t does not fit, or there was no forward pass.
            OtherThreadError: another thread uses the network as well, and this one does not hold
                `lock`.
        """
        t, held = self.prepare_targets(t), self.lock._is_owned()
        with self.lock:
            self._require_forward_pass(t)
            self.context.require_own_thread(held=held)
            if not held:
                self.context.gradient_thread = get_ident()
            J = self.backpropagate(t, to_input=to_input)
            self.input_gradient = None if J is None else J.copy()  # it may be a layer's own
            return self.gradients

    def _require_forward_pass(self, t: Array) -> None:
        """Refuse a backward pass that no forward pass of as many real cases went before."""
        if self._output is None:
            raise ShapeError("there was no forward pass to go back through")
        if self._output.dtype.kind == "c":
            raise ShapeError(
                "the last forward pass was of complex inputs; a backward pass follows one of "
                "real inputs"
            )
        if len(t) != len(self._output):
            raise ShapeError(f"the forward pass had {len(self._output)} cases, found {len(t)}")

    # The same, unchecked, for engines: x and t are as `prepare_...` returns them

    def propagate(self, x: Array) -> Array:
        """The forward pass on prepared inputs; the next pass may overwrite its result."""
        self.context.forward_thread = get_ident()
        made = {INPUT: x}
        for k in self.graph.order:
            layer = self.layers[k]
            fed = layer.gather([made[source] for source in self.graph.sources[k]])
            made[k] = layer.forward_pass(fed)
        self._output = made[self.graph.order[-1]]
        return self._output

    def loss_of_pass(self, t: Array) -> Any:
        """The loss of the last forward pass, penalty included."""
        return self._data_loss(self.logits, self._output, t) + self._penalty.loss(self.theta)

    def backpropagate(self, t: Array, *, to_input: bool = False) -> Array | None:
        """The backward pass: J of the loss through one layer after the other.

        What several layers use receives the sum of what they send back.
        """
        received: dict[int, Array] = {}
        for k in reversed(self.graph.order):
            layer, sources = self.layers[k], self.graph.sources[k]
            wanted = to_input or sources != (INPUT,)
            J = (
                layer.backward_pass(received.pop(k), to_input=wanted)
                if received
                else self._backward_through_last(t, to_input=wanted)
            )
            if J is not None:
                for source, part in zip(sources, layer.part(J), strict=True):
                    received[source] = received[source] + part if source in received else part
        if self._penalty.terms:
            self._penalty.add_gradient(self.theta, self.gradients.vector)
        return received.get(INPUT) if to_input else None

    def _backward_through_last(self, t: Array, *, to_input: bool) -> Array | None:
        """J of the loss, or where it was computed from the logits δ, through the last layer."""
        assert self._output is not None, "backpropagate follows propagate"
        last = self.layers[-1]
        if self.from_logits is not None and not self._explicit:
            return last.backward_from_delta(self.loss_delta(t), to_input=to_input)
        by_logs = self.loss_by_logs(t) if self._explicit else None
        if by_logs is None:
            return last.backward_pass(self.loss_jacobian(t), to_input=to_input)
        J, J_z = by_logs
        return last.backward_from_delta(explicit(J_z).vjp(J), to_input=to_input)

    def loss_jacobian(self, t: Array) -> Array:
        """J_L = ∂L/∂y at the last forward pass, (cases, outputs), for prepared targets."""
        assert self._output is not None, "the loss has a Jacobian where there was a forward pass"
        if self.from_logits is not None:
            return self.from_logits.jacobian(self.logits, self._output, t)
        return self.loss_function.jacobian(self._output, t)

    def loss_by_logs(self, t: Array) -> tuple[Array, Jacobian] | None:
        """∂L/∂u and ∂u/∂z, whose product is ∂L/∂z, where ∂L/∂y cannot be had at all outputs.

        u is the output y, and its logarithm (that of 1 − y where a sigmoid nears 1) where the loss
        divides by one below `losses.least_probability`.

        Args:
            t: prepared targets of the cases of the last forward pass.

        Returns:
            J, (cases, outputs), and the Jacobian; None where y does throughout.
        """
        assert self._output is not None, "the loss has a Jacobian where there was a forward pass"
        if self.from_logits is None:
            return None
        found = self.from_logits.by_logs(self.logits, self._output, t)
        if found is None:
            return None
        local = self.layers[-1].jacobians()
        by_log = self.from_logits.log_jacobian(self.logits, self._output, t)
        J_z = RowsOf(found.which, by_log, local["a"] if "a" in local else local["z"])
        with np.errstate(divide="ignore", over="ignore"):  # at the outputs that u replaces
            return np.where(found.which, found.J, self.loss_jacobian(t)), J_z

    def loss_delta(self, t: Array) -> Array:
        """δ = ∂L/∂z at the last forward pass, of a loss that is computed from the logits z."""
        assert self.from_logits is not None, "the loss is of y"
        assert self._output is not None, "there is a δ where there was a forward pass"
        return self.from_logits.delta(self.logits, self._output, t)

    @property
    def logits(self) -> Array:
        """What the last layer's function was applied to in the last forward pass."""
        z: Array = self.layers[-1].z  # type: ignore[attr-defined]
        return z

    def walk(self, x: Array, theta: Array) -> Iterator[tuple[Layer, Array, Array, Array]]:
        """Each layer, in the order of the forward pass, with its x, z and output at any vector.

        Keeps nothing, so no pass is disturbed.

        Args:
            x: prepared inputs, (cases, input).
            theta: the shape of θ, complex ones included.
        """
        made = {INPUT: x}
        for k in self.graph.order:
            layer = self.layers[k]
            fed = layer.gather([made[source] for source in self.graph.sources[k]])
            z, made[k] = layer.evaluate(fed, self.parameters.layout.views(theta, layer.name))
            yield layer, fed, z, made[k]

    def evaluate(self, x: Array, theta: Array | None = None) -> tuple[Array, Array]:
        """Logits and outputs for prepared inputs, as `walk` gives them for the last layer."""
        z = y = x
        for _, _, z, y in self.walk(x, self.theta if theta is None else theta):  # noqa: B007
            pass  # the last layer's are returned; the others' z need not stay in memory
        return z, y

    def loss_of(self, logits: Array, outputs: Array, t: Array) -> float:
        """The loss of logits and outputs made by `evaluate`, without the penalty."""
        return float(self._data_loss(logits, outputs, t))

    def _data_loss(self, z: Array, y: Array | None, t: Array) -> Any:
        if self.from_logits is not None:
            return self.from_logits.value(z, t)
        assert y is not None
        return self.loss_function.value(y, t)

    def update_untrained(self) -> None:
        """Let the layers change what is not trained; see `Layer.update_untrained`."""
        for layer in self._with_untrained:
            layer.update_untrained()

    # What the caller may give

    def prepare_inputs(self, x: Any) -> Array:
        """``x`` as an array (cases, input) of the network's type; complex stays complex.

        Images (cases, channels, height, width) and sequences (cases, steps, features) become
        rows. The caller's array is never changed.

        Raises:
            ShapeError: no numbers, or not ``input`` of them a case; padding within a case.
        """
        x = rows_of_cases(x, self.input_shape, self.dtype)
        if len(self.input_shape) == 2:
            self._require_padding_known(x)
        return x

    def _require_padding_known(self, x: Array) -> None:
        """Refuse cases of different lengths where a layer takes all steps as one row."""
        lengths = lengths_of(x.reshape(-1, *self.input_shape))
        if lengths is None:
            return
        for layer in self.layers:
            if len(layer.input_shape) == 2 and not layer.knows_padding:
                raise ShapeError(
                    f"{layer.name} takes all steps of a case as they are and cannot pass over "
                    f"padding (NaN), but case {int(lengths.argmin())} has {lengths.min()} steps"
                )

    def prepare_targets(self, t: Any) -> Array:
        """``t`` as the loss takes it: class numbers (cases,) or rows (cases, outputs).

        Raises:
            ShapeError: the targets do not fit the outputs.
        """
        return self.loss_function.prepare(t, self.outputs, self.dtype)

    def prepare(self, x: Any, t: Any) -> tuple[Array, Array]:
        """Inputs and targets of the same cases, prepared.

        Raises:
            ShapeError: they do not fit each other, or a target stands at a step that is padding.
        """
        x, t = self.prepare_inputs(x), self.prepare_targets(t)
        require_as_many(x, t)
        require_inputs_at_targets(x, t, self.input_shape)
        return x, t

    # The mode

    def training_mode(self, seed: int = 0, step: int = 0) -> AbstractContextManager[Context]:
        """While this lasts, passes of this thread are those of training, not of evaluation.

        A network is in evaluation mode otherwise: `forward_pass` and `loss` are those of the
        trained network. Layers such as `Dropout` compute something else during training. What
        they draw follows from the seed, the step and the layer's name alone, so a pass gives the
        same numbers again, also at another ``theta``.

        Args:
            seed: of the random numbers.
            step: how many minibatches have been trained on before.

        Example:
            >>> from chainrule.nn import Dense, Dropout
            >>> network = Network([Dense(4), Dropout(0.5), Dense(1)], input=2, seed=1)
            >>> x, t = [[1.0, 2.0]], [[0.5]]
            >>> with network.training_mode(seed=3):
            ...     first, again = network.loss(x, t), network.loss(x, t)
            >>> first == again, first == network.loss(x, t)
            (True, False)
        """
        return self.context.training_mode(seed, step)

    def reused_buffers(self, buffers: Buffers) -> AbstractContextManager[None]:
        """While this lasts, layers write into the arrays of ``buffers`` again and again.

        Faster for a chunk of minibatches; what a pass leaves in a layer is overwritten by
        the next. See `Context.reused_buffers`.
        """
        return self.context.reused_buffers(buffers)

    # Settings

    def rates(self, default: float) -> dict[str, float]:
        """The learning rate of every parameter by full name.

        Args:
            default: where neither the layer nor the network has a rate.
        """
        network_rate = default if self.learning_rate is None else self.learning_rate
        return {
            f"{layer.name}.{name}": network_rate
            if layer.learning_rate is None
            else layer.learning_rate
            for layer in self.layers
            for name in layer.shapes()
        }

    @property
    def explicit_jacobians(self) -> bool:
        """Whether the backward pass multiplies by the dense matrices."""
        return self._explicit

    @explicit_jacobians.setter
    def explicit_jacobians(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise ConfigError(f"explicit_jacobians is true or false, found {value!r}")
        self._explicit = value
        for layer in self.layers:
            layer.explicit = self._explicit

    @property
    def penalty(self) -> PenaltySetting | None:
        """What is added to the loss for large parameters; assign what ``penalty=`` takes.

        It is on the layers that have no penalty of their own.
        """
        return self._penalty_setting

    @penalty.setter
    def penalty(self, value: PenaltyLike | None) -> None:
        self._penalty_setting = penalty_setting(value)
        own = {layer.name: layer.penalty for layer in self.layers if layer.penalty is not None}
        self._penalty: PlacedPenalty = placed(self._penalty_setting, self.parameters.layout, own)

    @property
    def penalised(self) -> tuple[PenaltyTerm, ...]:
        """Which penalty is on which segment of θ at which rate, the layers' own included."""
        return self._penalty.terms

    def penalty_rates(self, name: str) -> Mapping[str, float]:
        """The rates of the penalties on a parameter by type; those of 0 are left out.

        Args:
            name: the parameter's full name, such as ``dense_1.W``.

        Example:
            >>> from chainrule.nn import Dense
            >>> from chainrule.nn.network import Network
            >>> layers = [Dense(2), Dense(1, penalty={"type": "L2", "rate": 0.5})]
            >>> network = Network(layers, input=3, penalty={"L1": 0.1, "L2": 0.2})
            >>> network.penalty_rates("dense_1.W"), network.penalty_rates("dense_1.b")
            ({'L1': 0.1, 'L2': 0.2}, {})
            >>> network.penalty_rates("dense_2.W")
            {'L2': 0.5}
        """
        return self._penalty.rates[name]

    def penalty_loss(self) -> float:
        """What the penalty adds to the loss at θ."""
        return float(self._penalty.loss(self.theta))

    def penalty_gradient(self) -> Array:
        """What the penalty adds to the gradient at θ, shape of θ."""
        added = np.zeros_like(self.theta)
        self._penalty.add_gradient(self.theta, added)
        return added

    # Copies

    def __getstate__(self) -> dict[str, Any]:
        """All but the lock, which no copy shares."""
        return {name: value for name, value in self.__dict__.items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy has a lock of its own, and belongs to the thread that makes it."""
        self.__dict__.update(state)
        self.lock = RLock()
        self.context.forward_thread = get_ident()
        self._bind()  # a copy's views belong to the copy's θ

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy of one moment, also while another thread trains the network."""
        made = memo[id(self)] = type(self).__new__(type(self))
        with self.lock:
            made.__setstate__(deepcopy(self.__getstate__(), memo))
        return made
