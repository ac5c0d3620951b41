"""Every operation of the graph, with arguments at which it is smooth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import autodiff as f
from chainrule.autodiff import OPERATIONS, apply, conv2d, where


def anywhere(rng, shape):
    return rng.uniform(-2, 2, shape)


def positive(rng, shape):
    return rng.uniform(0.3, 2.5, shape)


def off_zero(rng, shape):
    return positive(rng, shape) * rng.choice([-1.0, 1.0], shape)


@dataclass(frozen=True)
class Case:
    """An operation and where it is tried.

    Attributes:
        function: of nodes.
        domains: of each argument.
        shapes: of the arguments; None where any shapes do that can be broadcast together.
        torch: the same in PyTorch, given torch and tensors; None where torch has none.
    """

    function: Callable[..., Any]
    domains: tuple[Callable[..., Any], ...] = (anywhere,)
    shapes: tuple[tuple[int, ...], ...] | None = None
    torch: Callable[..., Any] | None = None

    def arguments(self, shapes, rng):
        return [draw(rng, shape) for draw, shape in zip(self.domains, shapes, strict=True)]


def unary(name, domain=anywhere, torch=None):
    return Case(lambda a: apply(name, a), (domain,), torch=torch or named(name))


def named(name):
    return lambda torch, a: getattr(torch, name)(a)


TWO = (anywhere, anywhere)
KEY = (slice(None), np.array([[0, 2], [2, 1]]))

ELEMENTWISE = {
    "add": Case(lambda a, b: a + b, TWO, torch=lambda torch, a, b: a + b),
    "subtract": Case(lambda a, b: a - b, TWO, torch=lambda torch, a, b: a - b),
    "multiply": Case(lambda a, b: a * b, TWO, torch=lambda torch, a, b: a * b),
    "divide": Case(lambda a, b: a / b, (anywhere, off_zero), torch=lambda torch, a, b: a / b),
    "power": Case(lambda a, b: a**b, (positive, anywhere), torch=lambda torch, a, b: a**b),
    "negative": unary("negative"),
    "abs": unary("abs", off_zero),
    "sign": unary("sign", off_zero),
    "exp": unary("exp"),
    "expm1": unary("expm1"),
    "log": unary("log", positive),
    "log1p": unary("log1p", positive),
    "sqrt": unary("sqrt", positive),
    "square": unary("square"),
    "sin": unary("sin"),
    "cos": unary("cos"),
    "tan": unary("tan", lambda rng, shape: rng.uniform(-1, 1, shape)),
    "arctan": unary("arctan"),
    "sinh": unary("sinh"),
    "cosh": unary("cosh"),
    "tanh": unary("tanh"),
    "sech2": unary("sech2", torch=lambda torch, a: 1 / torch.cosh(a) ** 2),
    "sigmoid": unary("sigmoid"),
    "softplus": unary("softplus", torch=lambda torch, a: torch.nn.functional.softplus(a)),
    "relu": Case(lambda a: f.relu(a), (off_zero,), torch=lambda torch, a: torch.relu(a)),
    "relu_slope": Case(
        lambda a: apply("relu_slope", a, at_zero=0.0) * a,
        (off_zero,),
        torch=lambda torch, a: torch.relu(a),
    ),
    "erf": unary("erf"),
    "normal_cdf": unary("normal_cdf", torch=lambda torch, a: torch.special.ndtr(a)),
    "normal_density": unary(
        "normal_density", torch=lambda torch, a: torch.exp(-a * a / 2) / (2 * torch.pi) ** 0.5
    ),
    "maximum": Case(lambda a, b: f.maximum(a, b), TWO, torch=lambda t, a, b: t.maximum(a, b)),
    "minimum": Case(lambda a, b: f.minimum(a, b), TWO, torch=lambda t, a, b: t.minimum(a, b)),
    "where": Case(
        lambda a, b: where(a > 0, a * b, b * b),
        TWO,
        torch=lambda torch, a, b: torch.where(a > 0, a * b, b * b),
    ),
}
"""Operations on each number for itself: any shapes that can be broadcast."""

SHAPED = {
    "sum": Case(
        lambda a: a.sum(axis=(0, -1)), shapes=((2, 3, 4),), torch=lambda t, a: a.sum((0, -1))
    ),
    "sum of all": Case(lambda a: a.sum(), shapes=((2, 3),), torch=lambda t, a: a.sum()),
    "mean": Case(
        lambda a: a.mean(axis=1, keepdims=True),
        shapes=((2, 3, 4),),
        torch=lambda t, a: a.mean(1, keepdim=True),
    ),
    "broadcast_to": Case(
        lambda a: f.broadcast_to(a, (2, 3, 4)),
        shapes=((3, 1),),
        torch=lambda t, a: a.broadcast_to(2, 3, 4),
    ),
    "sum_to": Case(
        lambda a: apply("sum_to", a, shape=(3, 1)),
        shapes=((2, 3, 4),),
        torch=lambda t, a: a.sum((0, 2))[:, None],
    ),
    "reshape": Case(
        lambda a: a.reshape(4, -1), shapes=((2, 3, 2),), torch=lambda t, a: a.reshape(4, 3)
    ),
    "transpose": Case(
        lambda a: a.transpose(2, 0, 1),
        shapes=((2, 3, 4),),
        torch=lambda t, a: a.permute(2, 0, 1),
    ),
    "getitem": Case(lambda a: a[KEY], shapes=((2, 3),), torch=lambda t, a: a[KEY]),
    "a slice": Case(lambda a: a[1:, ::2], shapes=((3, 5),), torch=lambda t, a: a[1:, ::2]),
    "scatter": Case(
        lambda a: apply("scatter", a, key=KEY, shape=(2, 3)),
        shapes=((2, 2, 2),),
        torch=lambda t, a: t.zeros(2, 3, dtype=a.dtype).index_put(
            (t.arange(2)[:, None, None], t.tensor(KEY[1])), a, accumulate=True
        ),
    ),
    "concatenate": Case(
        lambda a, b: f.concatenate([a, b, a], axis=-1),
        TWO,
        shapes=((2, 3), (2, 1)),
        torch=lambda t, a, b: t.cat([a, b, a], -1),
    ),
    "matmul": Case(lambda a, b: a @ b, TWO, shapes=((2, 3), (3, 4)), torch=lambda t, a, b: a @ b),
    "vector times matrix": Case(
        lambda a, b: a @ b, TWO, shapes=((3,), (3, 4)), torch=lambda t, a, b: a @ b
    ),
    "matrix times vector": Case(
        lambda a, b: a @ b, TWO, shapes=((2, 3), (3,)), torch=lambda t, a, b: a @ b
    ),
    "vector times vector": Case(
        lambda a, b: a @ b, TWO, shapes=((3,), (3,)), torch=lambda t, a, b: a @ b
    ),
    "stacks of matrices": Case(
        lambda a, b: a @ b, TWO, shapes=((5, 1, 2, 3), (4, 3, 2)), torch=lambda t, a, b: a @ b
    ),
    "a stack times a vector": Case(
        lambda a, b: a @ b, TWO, shapes=((5, 2, 3), (3,)), torch=lambda t, a, b: a @ b
    ),
    "astype": Case(
        lambda a: apply("astype", a, dtype=a.dtype), shapes=((2, 3),), torch=lambda t, a: a * 1
    ),
    "identity": Case(lambda a: f.identity(a), shapes=((2, 3),), torch=lambda t, a: a * 1),
    "softmax": Case(
        lambda a: f.softmax(a), shapes=((2, 3, 4),), torch=lambda t, a: t.softmax(a, -1)
    ),
    "log_softmax": Case(
        lambda a: f.log_softmax(a), shapes=((3, 4),), torch=lambda t, a: t.log_softmax(a, -1)
    ),
    "conv2d": Case(
        lambda x, w: conv2d(x, w),
        TWO,
        shapes=((2, 3, 5, 4), (2, 3, 3, 2)),
        torch=lambda t, x, w: t.nn.functional.conv2d(x, w),
    ),
    "convolution with strides, padding and bias": Case(
        lambda x, w, b: conv2d(x, w, b, stride=(2, 3), padding=(2, 1)),
        (anywhere, anywhere, anywhere),
        shapes=((2, 2, 5, 6), (3, 2, 2, 3), (3,)),
        torch=lambda t, x, w, b: t.nn.functional.conv2d(x, w, b, stride=(2, 3), padding=(2, 1)),
    ),
}
"""Operations with shapes of their own."""

CASES = {**ELEMENTWISE, **SHAPED}
MISSING = set(OPERATIONS) - set(CASES)


def shapes_for(case):
    """One choice of shapes, with broadcasting in both directions."""
    return case.shapes or ((2, 3), (4, 1, 3))[: len(case.domains)]
