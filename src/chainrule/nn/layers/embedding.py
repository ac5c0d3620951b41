"""The embedding: a vector, learnt, in place of each class number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arguments import require_count
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.core.notation import sizes_text
from chainrule.core.sequences import NO_CLASS
from chainrule.nn.initializers import InitializerLike
from chainrule.nn.jacobians import Jacobian
from chainrule.nn.layers.base import DEFAULT_WEIGHTS, Arrays, Shape, View, WithWeights
from chainrule.nn.penalties import PenaltyLike

MOST_CLASSES = 2**24
"""The most class numbers of an embedding: float32 tells no more whole numbers apart."""


class Embedding(WithWeights):
    """z = E[x]: for each class number x_i of a case, row x_i of the matrix E.

    It is what ``x W`` is for a one-hot x, without the multiplications by 0: an input is the number
    of a class, such as a character, and E has a vector for each class. A row of k numbers becomes
    a row of k · size, the vectors one behind the other. In sequences, (steps, 1), each step
    becomes its vector, (steps, size), and padding stays padding. The number −1, which stands for
    no class, becomes zeros.

    Its input is the network's: numbers that another layer computes are no class numbers. The
    derivative with respect to x is 0. That with respect to E adds each δ to the row of its number:
    ∂L/∂E_c = Σ δ_i over all i with x_i = c.

    Source: Bengio, Ducharme, Vincent and Jauvin, *A neural probabilistic language model* (2003),
    section 2, where E is called C.

    Args:
        size: the length of the vectors.
        classes: how many class numbers there are, 0 … classes − 1. A configuration may leave it
            out for a text, which has one for each of its characters.
        weights: the initial values of E, as those of `WithWeights`; n_in is ``classes``, and n_out
            the ``size``.
        learning_rate: see `Layer`.
        penalty: see `WithWeights`.
        name: see `Layer`.
        inputs: see `Layer`.

    Attributes:
        E: the vectors, (classes, size), a view into θ; ``E_grad`` is its gradient.

    Raises:
        ConfigError: an argument is invalid.

    Example:
        >>> from chainrule.nn.network import Network
        >>> layer = Embedding(2, classes=3)
        >>> network = Network([layer], input=2, loss="mse")
        >>> layer.E = [[0.0, 1.0], [10.0, 11.0], [20.0, 21.0]]
        >>> network.forward_pass([[2, 0], [1, 1]])
        array([[20., 21.,  0.,  1.],
               [10., 11., 10., 11.]])
    """

    type: ClassVar[str] = "embedding"
    formula: ClassVar[str] = "E[x]"
    formula_without_bias: ClassVar[str] = "E[x]"
    output_letter: ClassVar[str] = "z"
    takes_class_numbers: ClassVar[bool] = True
    explanations: ClassVar[Mapping[str, tuple[str, str, str]]] = {
        "E": (
            "the vector of each class, (classes, size)",
            "∂z_i/∂E_c = I where x_i = c, else 0",
            "Σ δ_i over all i with x_i = c, for each class c",
        ),
        "x": ("class numbers", "∂z/∂x = 0: x are no quantities", ""),
    }
    initial_values: ClassVar[Mapping[str, str]] = {"weights": DEFAULT_WEIGHTS}
    starts: ClassVar[Mapping[str, str]] = {"E": "weights"}
    axes: ClassVar[Mapping[str, str]] = {"E": "(classes, size)"}
    _absences: ClassVar[Mapping[str, str]] = {
        "W": "is an embedding, whose vectors are called E",
        "b": "is an embedding, which has no biases",
    }

    def __init__(
        self,
        size: int,
        *,
        classes: int | None = None,
        weights: InitializerLike = DEFAULT_WEIGHTS,
        learning_rate: float | None = None,
        penalty: PenaltyLike | None = None,
        name: str | None = None,
        inputs: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__(
            bias=False,
            weights=weights,
            learning_rate=learning_rate,
            penalty=penalty,
            name=name,
            inputs=inputs,
        )
        require_count("size", size, 1)
        self.size = int(size)
        if classes is not None:
            require_count("classes", classes, 1)
        self.classes = int(classes or 0)
        if self.classes > MOST_CLASSES:
            raise ConfigError(f"classes is at most {MOST_CLASSES:,}, found {classes!r}")
        self._chosen: Any = None
        self.z: Any = None

    E = View("The vectors, (classes, size), a view into θ; assigning writes into θ.")
    E_grad = View("∂L/∂E of the last backward pass, a view into the gradient.")

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`.

        Raises:
            ConfigError: the input of a case is no row of numbers, or ``classes`` was left out.
        """
        (shape,) = shapes
        if len(shape) > 1:
            raise ConfigError(
                f"{self.name}, an embedding, takes class numbers, in rows or in sequences, but "
                f"what feeds it has the shape {sizes_text(shape)}"
            )
        if not self.classes:
            raise ConfigError(
                f"{self.name} must be told how many class numbers there are, 0, 1, 2, ...: write "
                "classes: 10 (only a text tells it by itself)"
            )
        self.input_shape, self.output_shape = shape, (shape[0] * self.size,)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of E, (classes, size)."""
        return {"E": (self.classes, self.size)}

    @property
    def uses_of_weights(self) -> int:
        """None: nothing is multiplied."""
        return 0

    def draw(self, name: str, rng: np.random.Generator) -> Array:
        """See `Layer.draw`."""
        return self.weights.draw(self.shapes()[name], rng, (self.classes, self.size))

    def require_class_numbers(self, x: Array) -> None:
        """Check that x, (cases, k) or (cases, steps, k), holds class numbers.

        Padding, a step of which all numbers are NaN, is left out.

        Raises:
            ShapeError: a number is no class number; the first such number is told with its place.
        """
        x = x.real
        fits = (x == np.rint(x)) & (x >= NO_CLASS) & (x < self.classes)
        if x.ndim == 3:
            fits |= np.isnan(x).all(axis=2, keepdims=True)
        if fits.all():
            return
        at = np.argwhere(~fits)[0]
        names = ("case", "step", "number") if x.ndim == 3 else ("case", "number")
        place = ", ".join(f"{what} {k}" for what, k in zip(names, at, strict=True))
        found, more = x[tuple(at)], int((~fits).sum()) - 1
        hint = "" if found == np.rint(found) else "; class numbers are not standardized or scaled"
        raise ShapeError(
            f"{self.name} takes class numbers from 0 to {self.classes - 1}, or −1 for none, but "
            f"{place} is {found:.9g}" + (f", and {more:,} others do not fit" * (more > 0)) + hint
        )

    def _classes_of(self, x: Array) -> Array:
        """x as whole numbers, (cases, k).

        A number is rounded, so that a numeric derivative with respect to x finds that it is 0.

        Raises:
            ShapeError: a number is out of range.
        """
        rounded = np.rint(x.real)
        if len(x) and not (rounded.min() >= NO_CLASS and rounded.max() < self.classes):
            raise ShapeError(
                f"{self.name} takes class numbers from 0 to {self.classes - 1}, or −1 for none, "
                f"found {rounded.min():g} to {rounded.max():g}"
            )
        return rounded.astype(np.intp)

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """z = y = E[x], (cases, k · size)."""
        z = ByVectors(self._classes_of(x), self.classes, self.size).jvp(values["E"])
        z = z.astype(np.result_type(z, x), copy=False)  # complex also where only x is
        return z, z

    def forward_pass(self, x: Array) -> Array:
        """E[x], (cases, k · size)."""
        self.x, self._chosen = x, self._classes_of(x)
        z = self._jacobian_E().jvp(self.E)
        self.z = z.astype(np.result_type(z, x), copy=False)
        return self.z

    def _jacobian_E(self) -> ByVectors:
        return ByVectors(self._of_pass(self._chosen), self.classes, self.size)

    def jacobians(self) -> dict[str, Jacobian]:
        """``x``: ∂z/∂x, which is 0, and ``E``: ∂z/∂E.

        Raises:
            ShapeError: there was no forward pass.
        """
        by_vectors = self._jacobian_E()
        return {"x": Zero(len(self.x), self.outputs, self.inputs), "E": by_vectors}

    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """The same as `backward_from_delta`: the output is z, so that δ is J."""
        return self.backward_from_delta(J, to_input=to_input)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """∂L/∂E; the gradient with respect to x is 0."""
        self.delta = delta
        if self.explicit:  # the outer products of one-hot rows and δ, summed over all numbers
            one_hot = np.equal.outer(self._chosen.ravel(), np.arange(self.classes))
            self.E_grad[...] = one_hot.T.astype(delta.dtype) @ delta.reshape(-1, self.size)
        else:
            self._jacobian_E().vjp(delta, self.E_grad)
        return np.zeros((len(delta), self.inputs), delta.dtype) if to_input else None


@dataclass(eq=False, repr=False)
class ByVectors(Jacobian):
    """∂z/∂E of z = E[x]: the identity from row x_i of E to the i-th vector of z, else 0.

    Args:
        chosen: x, the class numbers, (cases, k); −1 for none.
        classes: the number of rows of E.
        size: the length of the vectors.

    Example:
        >>> J = ByVectors(np.array([[2, 0]]), classes=3, size=1)
        >>> J.jvp(np.array([[5.0], [6.0], [7.0]])), J.vjp(np.array([[1.0, 10.0]]))
        (array([[7., 5.]]), array([[10.],
               [ 0.],
               [ 1.]]))
    """

    chosen: Array
    classes: int
    size: int
    per_case = ("chosen",)
    numbers = ()

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, k · size, classes, size)."""
        cases, k = self.chosen.shape
        return (cases, k * self.size, self.classes, self.size)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Each part of g, added to the row of its class number (scatter-add), (classes, size).

        Added up in float64. `numpy.bincount` takes a quarter of the time of `numpy.add.at`.
        """
        out = np.empty((self.classes, self.size), g.dtype) if out is None else out
        chosen, rows = self.chosen.ravel(), g.reshape(-1, self.size)
        known = chosen >= 0
        if not known.all():
            chosen, rows = chosen[known], rows[known]
        places = (chosen[:, None] * self.size + np.arange(self.size)).ravel()
        for part, values in (("real", rows.real), ("imag", rows.imag))[: 1 + np.iscomplexobj(g)]:
            sums = np.bincount(places, values.ravel(), self.classes * self.size)
            setattr(out, part, sums.reshape(out.shape))
        return out

    def jvp(self, v: Array) -> Array:
        """The rows of v at the class numbers, (cases, k · size), for a change v of E."""
        rows = v.take(self.chosen.ravel(), axis=0, mode="clip")  # −1 takes row 0
        unknown = self.chosen.ravel() < 0
        if unknown.any():
            rows[unknown] = 0
        return rows.reshape(self.dense_shape[:2])

    def _dense(self) -> Array:
        one_hot = np.equal.outer(self.chosen, np.arange(self.classes))
        unit = np.eye(self.size, dtype="float32")
        return np.einsum("nic,st->nisct", one_hot, unit).reshape(self.dense_shape)


@dataclass(eq=False, repr=False)
class Zero(Jacobian):
    """0: the Jacobian of what does not change where its argument does a little.

    Args:
        count: the number of cases.
        outputs: the numbers of the value.
        inputs: the numbers of the argument.

    Example:
        >>> Zero(1, 2, 3).vjp(np.ones((1, 2)))
        array([[0., 0., 0.]])
    """

    count: int
    outputs: int
    inputs: int
    per_case = ("count",)
    numbers = ()

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, outputs, inputs)."""
        return (self.count, self.outputs, self.inputs)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """0, (cases, inputs)."""
        out = np.empty((self.count, self.inputs), g.dtype) if out is None else out
        out[...] = 0
        return out

    def jvp(self, v: Array) -> Array:
        """0, (cases, outputs)."""
        return np.zeros((self.count, self.outputs), v.dtype)

    def _dense(self) -> Array:
        return np.zeros(self.dense_shape, "float32")
