"""The network: the two passes, the loss, and the chain rule from layer to layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from importlib import import_module
from inspect import signature
from math import prod
from threading import RLock, get_ident
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from chainrule.core import html
from chainrule.core.arguments import is_finite
from chainrule.core.arrays import (
    Array,
    as_numbers,
    assign,
    require_as_many,
    rows_of_cases,
    weights_of_cases,
)
from chainrule.core.errors import ConfigError, ShapeError, unknown
from chainrule.core.notation import counted
from chainrule.core.randomness import stream
from chainrule.core.registry import name_in
from chainrule.core.sequences import lengths_of, require_inputs_at_targets
from chainrule.core.vocabulary import instead
from chainrule.nn.building import (
    checked_layers,
    connect,
    default_loss,
    layers_from_config,
    network_options,
    shape_of_input,
)
from chainrule.nn.context import Buffers, Context
from chainrule.nn.description import describe
from chainrule.nn.graph import INPUT
from chainrule.nn.jacobians import Jacobian, RowsOf, explicit
from chainrule.nn.layer_types import Layer
from chainrule.nn.losses import LOSSES, Loss, loss_function, mean_loss, times_weights
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
            ``inputs`` name others; the last one is the network's output. If an activation was
            left out, it is relu, or linear if no layer with an activation follows.
        input: the number of inputs, or the sizes of one case: [channels, height, width] of an
            image, [steps, features] of a sequence.
        loss: a name, ``type`` with options, or a `Loss`; by default cross-entropy after a
            softmax layer, else the mean squared error.
        learning_rate: the learning rate of layers without their own; None for the optimiser's.
        bias_learning_rate: that of their biases (b, b_hn and β), where it is another one; 0 keeps
            the biases as they are.
        penalty: None, a name, a mapping of ``type``, ``rate`` and ``biases``, a mapping of rates
            by type, or a setting; for layers without their own penalty.
        dtype: ``float64`` or ``float32``.
        explicit_jacobians: multiply by the dense matrices in the backward pass.
        seed: for the initial values; each parameter is drawn from its own random stream.

    Attributes:
        layers: the layers, in order; a dense one has ``W``, ``b``, ``W_grad``, ``b_grad``.
        graph: which layers feed which, and the order in which they run.
        input: the number of inputs; ``input_shape`` is the shape of one case.
        parameters: θ as `Parameters`; ``theta`` is its vector.
        gradients: ∂L/∂θ of the last backward pass, of the same layout.
        context: what the passes depend on besides x and θ, such as the mode; see `Context`.
        lock: a `threading.RLock` that every pass holds.

    Several threads may use one network: every method returns results of its own call. The
    attributes of a network and of its layers are those of the last pass, in whichever thread.
    A backward pass uses what the last forward pass stored and overwrites the gradients, so it is
    refused if another thread could come in between. Threads that compute gradients hold the lock
    (``with network.lock:``) from the forward pass until they have used the gradients, or each
    uses a copy of the network (``copy.deepcopy``), which is faster. A thread that changes θ or a
    setting while others use the network holds the lock as well.

    Raises:
        ConfigError: the parts do not make a network; the error lists all reasons.

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
    """∂L/∂x of the last backward pass, (cases, input); None unless ``to_input`` was true."""

    _output: Array | None = None

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        input: int | Sequence[int],
        loss: str | Mapping[str, Any] | Loss | None = None,
        learning_rate: float | None = None,
        bias_learning_rate: float | None = None,
        penalty: PenaltyLike | None = None,
        dtype: str = "float64",
        explicit_jacobians: bool = False,
        seed: int = 0,
    ) -> None:
        self.lock: Any = RLock()
        self.context = Context(seed)
        if dtype not in DTYPES:
            raise ConfigError(unknown("dtype", dtype, DTYPES))
        rates = {"learning_rate": learning_rate, "bias_learning_rate": bias_learning_rate}
        for key, rate in rates.items():
            if rate is not None and not (is_finite(rate) and rate >= 0):
                raise ConfigError(f"{key} is finite and at least 0, found {rate!r}")
        checked = checked_layers(layers)
        if loss is None:
            ends_in_softmax = any(layer.gives_distribution for layer in checked[-1:])
            loss = default_loss(ends_in_softmax=ends_in_softmax)
        each_loss = loss_function(loss)
        self.learning_rate = learning_rate
        self.bias_learning_rate = bias_learning_rate
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
            seed: for the initial values of the parameters.

        Raises:
            ConfigError: a key or value is unknown, or the parts do not make a network.

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
        """All parameters as one vector; changing it changes the network."""
        return self.parameters.vector

    @theta.setter
    def theta(self, value: Array) -> None:
        assign(self.theta, value, "theta")

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """Refuse an attribute that there is not; of other libraries' say what is here."""
            there = None if name.startswith("_") else instead("attribute of Network", name)
            hint = f"; {there}" if there else ""
            raise AttributeError(f"'Network' has no attribute {name!r}{hint}")

    def __repr__(self) -> str:
        return f"Network({describe(self)})"

    @html.never_fails
    def _repr_html_(self) -> str:
        found = describe(self)
        title = f"Network: {counted(len(found.layers), 'layer')}, {found.parameters:,} parameters"
        loss = f"loss: {name_in(LOSSES, self.loss_function)}"
        return html.piece(title, found._repr_html_() or "", html.lines(loss, self._penalty_text()))

    def _penalty_text(self) -> str:
        rates = self.penalty.rates.items() if self.penalty else ()
        return f"penalty: {', '.join(f'{kind} {rate:g}' for kind, rate in rates)}" if rates else ""

    def _lay_out(self, seed: int) -> None:
        """Create θ and its gradient, give each layer its views, and draw the initial values."""
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

        Stores what `backward_pass` needs. The inputs are copied, and so is the result, so that
        the caller may change both.

        Raises:
            ShapeError: x does not fit.
        """
        x = self.prepare_inputs(x).copy()
        with self.lock:
            return self.propagate(x).copy()

    def loss(self, x: Any, t: Any, theta: Array | None = None, weights: Any = None) -> Any:
        """The mean loss over the cases, (1/N) Σ wᵢ Lᵢ, plus the penalty.

        Args:
            x: inputs, (cases, input).
            t: class numbers (cases,) or rows (cases, outputs).
            theta: parameters to use instead of the network's, which may be complex. Nothing is
                stored then; without ``theta`` this is a forward pass, and `backward_pass` may
                follow.
            weights: w, (cases,), numbers of at least 0 that are used as they are: the sum is
                divided by N, not by Σ wᵢ. None for 1 everywhere.

        Returns:
            A Python ``float``, or a ``complex`` if x or theta is complex.

        Raises:
            ShapeError: x, t, theta or weights do not fit.

        Example:
            >>> from chainrule.nn import Dense
            >>> network = Network([Dense(1, "linear", weights="zeros")], input=1, loss="mse")
            >>> x, t = [[1.0], [1.0]], [[1.0], [3.0]]
            >>> network.loss(x, t), network.loss(x, t, weights=[1.5, 0.5])
            (5.0, 3.0)
        """
        x, t = self.prepare(x, t)
        weights = self.prepare_weights(weights, len(x))
        if theta is None:
            with self.lock:
                self.propagate(x.copy())
                return np.asarray(self.loss_of_pass(t, weights)).item()
        theta = as_numbers(theta, "the values of theta")
        z, y = self.evaluate(x, theta)
        return np.asarray(self._data_loss(z, y, t, weights) + self._penalty.loss(theta)).item()

    def backward_pass(self, t: Any, *, to_input: bool = False, weights: Any = None) -> Parameters:
        """The gradient of the loss of the last forward pass, penalty included.

        Args:
            t: the targets of the cases of the forward pass. Change θ only after this call: the
                gradient is the one at the θ of the forward pass.
            to_input: whether to store ∂L/∂x, (cases, input), in ``input_gradient``.
            weights: those of the cases, as `loss` takes them.

        Returns:
            ``gradients``, which has arrays by full name (``dense_1.W``) and by ``layer(name)``;
            the next backward pass overwrites them.

        Raises:
            ShapeError: t or weights do not fit, or there was no forward pass.
            OtherThreadError: another thread made the last forward pass; or it took gradients and
                may still use them, and this thread does not hold `lock`.
        """
        t, held = self.prepare_targets(t), self.lock._is_owned()
        weights = self.prepare_weights(weights, len(t))
        with self.lock:
            self._require_forward_pass(t)
            self.context.require_own_thread(held=held)
            if not held:
                self.context.gradient_thread = get_ident()
            J = self.backpropagate(t, to_input=to_input, weights=weights)
            self.input_gradient = None if J is None else J.copy()  # a layer may reuse J's array
            return self.gradients

    def _require_forward_pass(self, t: Array) -> None:
        """Require a preceding forward pass of real inputs, of as many cases as ``t`` has."""
        if self._output is None:
            raise ShapeError("there was no forward pass to go back through")
        if self._output.dtype.kind == "c":
            raise ShapeError(
                "the last forward pass was of complex inputs; a backward pass follows one of "
                "real inputs"
            )
        if len(t) != len(self._output):
            raise ShapeError(f"the forward pass had {len(self._output)} cases, found {len(t)}")

    def fit(self, x: Any, y: Any, epochs: int = 20, **settings: Any) -> Mapping[str, list[Any]]:
        """Train the network on arrays, from its parameters as they are.

        Args:
            x: inputs, (cases, input), images or sequences.
            y: class numbers (cases,), rows (cases, outputs) or values.
            epochs: how often training goes through the cases.
            settings: ``validation=(x, y)``, ``weights``, ``callbacks``, ``batch_size``,
                ``optimizer``, ``schedule``, ``seed`` and others; see
                `chainrule.training.fitting.fit`.

        Returns:
            The history, such as ``history["train_loss"]`` with a loss for each epoch.

        Raises:
            ChainruleError: x, y or a setting is not as it must be, or a loss is not finite.

        Example:
            >>> from chainrule.nn import Dense
            >>> network = Network([Dense(1)], input=1, loss="mse", learning_rate=0.1)
            >>> history = network.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=200)
            >>> network.forward_pass([[3.0]]).round(1)
            array([[7.]])
        """
        # Training stands on the network and not the other way round. This, `explain` and `inspect`
        # are the imports upwards, by name, so that a network can be trained by its own method.
        fitting = import_module("chainrule.training.fitting")
        history: Mapping[str, list[Any]] = fitting.fit(self, x, y, epochs=epochs, **settings)
        return history

    def explain(self, x: Any, t: Any, weight: str | None = None, **settings: Any) -> Any:
        """The forward and the backward pass of one case worked out, as a teacher writes them.

        Args:
            x: inputs, (cases, input); one case is worked out, the first unless ``case`` is given.
            t: the targets, as `loss` takes them.
            weight: the weight to look at, such as ``dense_1.W[0,2]``, its place counted from 0.
            settings: ``case``, ``digits``, ``names`` of the inputs and others; see
                `chainrule.explain.explaining.explain`.

        Returns:
            A `chainrule.explain.explanation.Explanation`, which ``print`` shows as text.

        Raises:
            ChainruleError: x, t, the weight or a setting is not as it must be.

        Example:
            >>> from chainrule.nn import Dense
            >>> network = Network([Dense(1, "linear")], input=1, loss="mse")
            >>> network.theta = [3.0, 1.0]
            >>> network.explain([[2.0]], [[5.0]]).step("∂L/∂W⁽¹⁾₁₁").result.value
            8.0
        """
        explaining = import_module("chainrule.explain.explaining")  # upwards by name, as in fit
        known = list(signature(explaining.explain).parameters)[3:]
        for name in settings:
            if name not in known:
                raise ConfigError(unknown("argument of explain", name, known))
        return explaining.explain(self, x, t, weight, **settings)

    def inspect(self, x: Any, t: Any, **settings: Any) -> Any:
        """A page that steps through the forward and the backward pass of some cases.

        Args:
            x: inputs, (cases, input).
            t: the targets, as `loss` takes them.
            settings: ``save="page.html"``, ``names`` of the inputs, ``outputs``, ``labels`` of the
                cases, ``optimizer`` and others; see
                `chainrule.inspector.inspecting.inspection_of`.

        Returns:
            A `chainrule.inspector.inspection.Inspection`: a notebook shows the page, and
            ``save("page.html")`` writes it.

        Raises:
            ChainruleError: x, t or a setting is not as it must be, or the page cannot be written.

        Example:
            >>> from chainrule.nn import Dense
            >>> network = Network([Dense(1, "linear")], input=1, loss="mse")
            >>> network.inspect([[2.0], [3.0]], [[5.0], [6.0]])
            Inspection(A network: 1 layer, 2 cases)
        """
        inspecting = import_module("chainrule.inspector.inspecting")  # upwards by name, as in fit
        known = list(signature(inspecting.inspection_of).parameters)[3:]
        for name in settings:
            if name not in known:
                raise ConfigError(unknown("argument of inspect", name, known))
        return inspecting.inspection_of(self, x, t, **settings)

    # The passes without checks, for engines: x and t are results of `prepare`, weights of
    # `prepare_weights`

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

    def loss_of_pass(self, t: Array, weights: Array | None = None) -> Any:
        """The loss of the last forward pass, penalty included."""
        found = self._data_loss(self.logits, self._output, t, weights)
        return found + self._penalty.loss(self.theta)

    def backpropagate(
        self, t: Array, *, to_input: bool = False, weights: Array | None = None
    ) -> Array | None:
        """The backward pass: the chain rule from the loss through one layer after the other.

        If several layers use one output, its gradient is the sum of those that they return.
        """
        received: dict[int, Array] = {}
        for k in reversed(self.graph.order):
            layer, sources = self.layers[k], self.graph.sources[k]
            wanted = to_input or sources != (INPUT,)
            J = (
                layer.backward_pass(received.pop(k), to_input=wanted)
                if received
                else self._backward_through_last(t, weights, to_input=wanted)
            )
            if J is not None:
                for source, part in zip(sources, layer.part(J), strict=True):
                    received[source] = received[source] + part if source in received else part
        if self._penalty.terms:
            self._penalty.add_gradient(self.theta, self.gradients.vector)
        return received.get(INPUT) if to_input else None

    def _backward_through_last(
        self, t: Array, weights: Array | None, *, to_input: bool
    ) -> Array | None:
        """The backward pass of the last layer, from J_L; or from δ, if the loss is of logits."""
        assert self._output is not None, "backpropagate follows propagate"
        last = self.layers[-1]
        if self.from_logits is not None and not self._explicit:
            return last.backward_from_delta(self.loss_delta(t, weights), to_input=to_input)
        by_logs = self.loss_by_logs(t, weights) if self._explicit else None
        if by_logs is None:
            return last.backward_pass(self.loss_jacobian(t, weights), to_input=to_input)
        J, J_z = by_logs
        return last.backward_from_delta(explicit(J_z).vjp(J), to_input=to_input)

    def loss_jacobian(self, t: Array, weights: Array | None = None) -> Array:
        """J_L = ∂L/∂y at the last forward pass, (cases, outputs), for prepared targets."""
        assert self._output is not None, "the loss has a Jacobian where there was a forward pass"
        if self.from_logits is not None:
            J = self.from_logits.jacobian(self.logits, self._output, t)
        else:
            J = self.loss_function.jacobian(self._output, t)
        return times_weights(J, weights)

    def loss_by_logs(
        self, t: Array, weights: Array | None = None
    ) -> tuple[Array, Jacobian] | None:
        """∂L/∂u and ∂u/∂z, with ∂L/∂z as their product, if some of ∂L/∂y could overflow.

        u is y, except where ∂L/∂y divides by a probability p, y or 1 − y of a sigmoid, that is
        below `losses.least_probability`: there u is ln p.

        Args:
            t: prepared targets of the cases of the last forward pass.
            weights: prepared weights of these cases.

        Returns:
            ∂L/∂u, (cases, outputs), and the Jacobian ∂u/∂z; None if u is y for all outputs.
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
        with np.errstate(divide="ignore", over="ignore"):  # where ∂L/∂y is not used
            J = np.where(
                found.which, times_weights(found.J, weights), self.loss_jacobian(t, weights)
            )
            return J, J_z

    def loss_delta(self, t: Array, weights: Array | None = None) -> Array:
        """δ = ∂L/∂z at the last forward pass, for a loss that is computed from the logits z."""
        assert self.from_logits is not None, "the loss is of y"
        assert self._output is not None, "there is a δ where there was a forward pass"
        return times_weights(self.from_logits.delta(self.logits, self._output, t), weights)

    @property
    def logits(self) -> Array:
        """The argument z of the last layer's function, in the last forward pass."""
        z: Array = self.layers[-1].z  # type: ignore[attr-defined]
        return z

    def walk(self, x: Array, theta: Array) -> Iterator[tuple[Layer, Array, Array, Array]]:
        """Each layer, in the order of the forward pass, with its x, z and output for any θ.

        Nothing is stored, so that a backward pass may still follow an earlier forward pass.

        Args:
            x: prepared inputs, (cases, input).
            theta: parameters of the shape of θ, which may be complex.
        """
        made = {INPUT: x}
        for k in self.graph.order:
            layer = self.layers[k]
            fed = layer.gather([made[source] for source in self.graph.sources[k]])
            z, made[k] = layer.evaluate(fed, self.parameters.layout.views(theta, layer.name))
            yield layer, fed, z, made[k]

    def evaluate(self, x: Array, theta: Array | None = None) -> tuple[Array, Array]:
        """The logits and outputs for prepared inputs; nothing is stored, see `walk`.

        Raises:
            ShapeError: ``theta`` is no vector of all parameters.
        """
        if theta is not None and np.shape(theta) != self.theta.shape:
            raise ShapeError(
                f"a vector of {self.theta.size} parameters is expected, found shape "
                f"{np.shape(theta)}; scores of cases are chainrule.training.scores.evaluate(...)"
            )
        z = y = x
        for _, _, z, y in self.walk(x, self.theta if theta is None else theta):  # noqa: B007
            pass  # the last layer's z and y are returned; those of the others are freed
        return z, y

    def loss_of(
        self, logits: Array, outputs: Array, t: Array, weights: Array | None = None
    ) -> float:
        """The loss, without the penalty, of logits and outputs that `evaluate` returned."""
        return float(self._data_loss(logits, outputs, t, weights))

    def _data_loss(self, z: Array, y: Array | None, t: Array, weights: Array | None) -> Any:
        assert y is not None
        if self.from_logits is not None:
            return mean_loss(self.from_logits, z, t, weights)
        return mean_loss(self.loss_function, y, t, weights)

    def update_untrained(self) -> None:
        """Call `Layer.update_untrained` of each layer that has untrained arrays."""
        for layer in self._with_untrained:
            layer.update_untrained()

    # Inputs and targets from the caller

    def prepare_inputs(self, x: Any) -> Array:
        """``x`` as an array (cases, input) of the network's type; complex stays complex.

        Images (cases, channels, height, width) and sequences (cases, steps, features) become
        rows. The caller's array is never changed.

        Raises:
            ShapeError: x is not numeric or does not fit ``input``; it has padding in the middle
                of a case, or padding that a layer cannot recognise; or an embedding takes it, and
                a number is no class number.
        """
        x = rows_of_cases(x, self.input_shape, self.dtype)
        if len(self.input_shape) == 2:
            self._require_padding_known(x)
        for layer in self.layers:
            if layer.takes_class_numbers:
                layer.require_class_numbers(x.reshape(len(x), *self.input_shape))  # type: ignore[attr-defined]
        return x

    def _require_padding_known(self, x: Array) -> None:
        """Require sequences without padding if a layer cannot recognise padded steps."""
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
        """The targets as the loss takes them: class numbers (cases,) or rows (cases, outputs).

        Raises:
            ShapeError: the targets do not fit the outputs.
        """
        return self.loss_function.prepare(t, self.outputs, self.dtype)

    def prepare(self, x: Any, t: Any) -> tuple[Array, Array]:
        """Inputs and targets of the same cases, prepared.

        Raises:
            ShapeError: they do not fit each other, or a padded step has a target.
        """
        x, t = self.prepare_inputs(x), self.prepare_targets(t)
        require_as_many(x, t)
        require_inputs_at_targets(x, t, self.input_shape)
        return x, t

    def prepare_weights(self, weights: Any, cases: int) -> Array | None:
        """The weights of ``cases`` cases in the network's type; None where all of them are 1.

        Raises:
            ShapeError: there is not one for each case, or one is negative or not finite.
        """
        if weights is None:
            return None
        found = weights_of_cases(weights, cases, self.dtype)
        return None if (found == 1).all() else found

    # The mode

    def training_mode(self, seed: int = 0, step: int = 0) -> AbstractContextManager[Context]:
        """A context manager within which this thread's passes are in training mode.

        Otherwise the network is in evaluation mode, and `forward_pass` and `loss` are those of the
        trained network. Layers such as `Dropout` compute something else during training. Their
        random numbers depend only on the seed, the step and the layer's name, so that repeated
        passes use the same ones, also with another ``theta``.

        Args:
            seed: the seed of the random numbers.
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
        """A context manager within which every pass writes into the same arrays, ``buffers``.

        This is faster for a chunk of minibatches. The arrays that a pass stores in the layers are
        overwritten by the next pass. See `Context.reused_buffers`.
        """
        return self.context.reused_buffers(buffers)

    # Settings

    def rates(self, default: float) -> dict[str, float]:
        """The learning rate of every parameter, by full name.

        Args:
            default: the rate if neither the layer nor the network has one.

        Example:
            >>> from chainrule.nn import Dense
            >>> layers = [Dense(2), Dense(1, learning_rate=0.01)]
            >>> network = Network(layers, input=3, learning_rate=0.5, bias_learning_rate=0.0)
            >>> network.rates(0.1)
            {'dense_1.W': 0.5, 'dense_1.b': 0.0, 'dense_2.W': 0.01, 'dense_2.b': 0.01}
        """
        of_weights = default if self.learning_rate is None else self.learning_rate
        own = self.bias_learning_rate
        of_biases = of_weights if own is None else own
        return {
            f"{layer.name}.{name}": (of_biases if name in layer.bias_names else of_weights)
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
        """The penalty on the parameters of all layers that have no penalty of their own.

        Assign any value that the argument ``penalty`` takes.
        """
        return self._penalty_setting

    @penalty.setter
    def penalty(self, value: PenaltyLike | None) -> None:
        self._penalty_setting = penalty_setting(value)
        own = {layer.name: layer.penalty for layer in self.layers if layer.penalty is not None}
        self._penalty: PlacedPenalty = placed(self._penalty_setting, self.parameters.layout, own)

    @property
    def penalised(self) -> tuple[PenaltyTerm, ...]:
        """All penalties, those of single layers included, with their rates and slices of θ."""
        return self._penalty.terms

    def penalty_rates(self, name: str) -> Mapping[str, float]:
        """The rates above 0 of the penalties on a parameter, by type of penalty.

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
        """The penalty's part of the loss at θ."""
        return float(self._penalty.loss(self.theta))

    def penalty_gradient(self) -> Array:
        """The penalty's part of the gradient at θ, of the shape of θ."""
        added = np.zeros_like(self.theta)
        self._penalty.add_gradient(self.theta, added)
        return added

    # Copies

    def __getstate__(self) -> dict[str, Any]:
        """All attributes but the lock, which a copy does not share."""
        return {name: value for name, value in self.__dict__.items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set up a copy, which has a lock of its own and belongs to the calling thread."""
        self.__dict__.update(state)
        self.lock = RLock()
        self.context.forward_thread = get_ident()
        self._bind()  # so that the layers' views are into the copy's θ

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A consistent copy, also while another thread trains the network."""
        made = memo[id(self)] = type(self).__new__(type(self))
        with self.lock:
            made.__setstate__(deepcopy(self.__getstate__(), memo))
        return made
