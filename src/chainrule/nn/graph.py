"""Which layer feeds which, and an order in which each comes after the layers that feed it.

Used for layers as they are and for what a configuration writes, so that both are judged alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from chainrule.core.errors import unknown

INPUT = -1
"""The network's own input, where sources are numbers."""

INPUT_WORD = "input"
"""The same where sources are names."""


@dataclass(frozen=True)
class LayerProblem:
    """Why layers and a loss make no network.

    Attributes:
        message: in one sentence.
        layer: the index of the layer to blame; None where it is the loss.
        key: the key of the layer to blame, where it is one.
    """

    message: str
    layer: int | None
    key: str | None = None


@dataclass(frozen=True)
class LayerGraph:
    """The edges of a network.

    Attributes:
        sources: for each layer the numbers of the layers that feed it, `INPUT` for the input.
        order: the layers' numbers, each after its sources; the last layer comes last.
    """

    sources: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]

    @property
    def is_chain(self) -> bool:
        """Whether each layer is fed by the one before it and nothing else."""
        return self.sources == tuple((k - 1,) for k in range(len(self.sources)))


@dataclass(frozen=True)
class LayerNode:
    """One layer, as far as the graph is concerned.

    Attributes:
        name: the layer's.
        type: its word, such as ``dense``.
        sources: the names it gives as its inputs; empty for the layer before it.
        joins: whether it takes several inputs.
    """

    name: str
    type: str
    sources: tuple[str, ...] = ()
    joins: bool = False


def layer_graph(nodes: Sequence[LayerNode]) -> LayerGraph:
    """The edges of a network without problems.

    Example:
        >>> nodes = [LayerNode("a", "dense"), LayerNode("b", "dense")]
        >>> layer_graph([*nodes, LayerNode("c", "add", ("a", "b"))]).sources
        ((-1,), (0,), (0, 1))
    """
    sources = _sources(nodes)
    return LayerGraph(sources, tuple(_sorter(sources).static_order()))


def _sources(nodes: Sequence[LayerNode]) -> tuple[tuple[int, ...], ...]:
    places = {node.name: k for k, node in enumerate(nodes)} | {INPUT_WORD: INPUT}
    return tuple(
        tuple(places[name] for name in node.sources) if node.sources else (k - 1,)
        for k, node in enumerate(nodes)
    )


def _sorter(sources: Sequence[Sequence[int]]) -> TopologicalSorter[int]:
    return TopologicalSorter({k: [s for s in of if s != INPUT] for k, of in enumerate(sources)})


def graph_problems(nodes: Sequence[LayerNode]) -> Iterator[LayerProblem]:
    """Why layers of different names make no graph: an unknown input, a circle, a dead end."""
    found = [*_problems_of_inputs(nodes)]
    yield from found
    if found or not nodes:
        return
    sources = _sources(nodes)
    try:
        _sorter(sources).prepare()
    except CycleError as error:
        yield _circle(nodes, error.args[1])
        return
    yield from _dead_ends(nodes, sources)


def _problems_of_inputs(nodes: Sequence[LayerNode]) -> Iterator[LayerProblem]:
    names = [node.name for node in nodes]
    known = {*names, INPUT_WORD}
    for k, node in enumerate(nodes):
        if node.name == INPUT_WORD:
            yield LayerProblem(
                f"{INPUT_WORD!r} is what the network is given, no name of a layer", k, "name"
            )
        for name in node.sources:
            if name not in known:
                others = [INPUT_WORD, *(other for other in names if other != node.name)]
                yield LayerProblem(unknown(f"input of {node.name}", name, others), k, "inputs")
        if node.joins and len(node.sources) < 2:
            given = f"found only {node.sources[0]}" if node.sources else "and has none"
            yield LayerProblem(
                f"{node.name} needs the names of at least two inputs, {given}", k, "inputs"
            )
        if not node.joins and len(node.sources) > 1:
            yield LayerProblem(
                f"{node.name}, of type {node.type}, takes one input, found {len(node.sources)}: "
                f"{', '.join(node.sources)}; join them with a layer of type add or concatenate",
                k,
                "inputs",
            )


def _circle(nodes: Sequence[LayerNode], numbers: Sequence[int]) -> LayerProblem:
    path = " → ".join(nodes[k].name for k in numbers)
    at = next(k for k in numbers if nodes[k].sources)  # without names a layer leads onwards
    return LayerProblem(f"the layers feed each other in a circle: {path}", at, "inputs")


def _dead_ends(
    nodes: Sequence[LayerNode], sources: Sequence[Sequence[int]]
) -> Iterator[LayerProblem]:
    last = len(nodes) - 1
    fed = {s for of in sources for s in of}
    for k, of in enumerate(sources):
        if last in of:
            yield LayerProblem(
                f"{nodes[last].name}, the last layer of the list, is the network's output and "
                f"feeds no other, but {nodes[k].name} names it",
                k,
                "inputs",
            )
    for k in sorted(set(range(last)) - fed):
        yield LayerProblem(
            f"the output of {nodes[k].name} goes nowhere; name it in the inputs of another "
            "layer, or leave the layer out",
            k,
        )


def names_of(types: Sequence[str], given: Sequence[str | None]) -> list[str]:
    """The given names; by default the type and which of its type the layer is: ``dense_1``."""
    counts: dict[str, int] = {}
    names = []
    for kind, name in zip(types, given, strict=True):
        counts[kind] = counts.get(kind, 0) + 1
        names.append(name or (kind if kind == "softmax" else f"{kind}_{counts[kind]}"))
    return names
