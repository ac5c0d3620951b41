"""The directed graph of a network's layers, its checks, and a topological order of it.

The graph is built from a `LayerNode` for each layer. These are made both from layer objects and
from the entries of a configuration, so that the same checks and messages apply to both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from chainrule.core.errors import unknown

INPUT = -1
"""The index that stands for the input of the network where sources are given as indices."""

INPUT_WORD = "input"
"""The name that stands for the input of the network where sources are given as names."""


@dataclass(frozen=True)
class LayerProblem:
    """One reason why layers and a loss do not form a valid network.

    Attributes:
        message: the reason, in one sentence.
        layer: the index of the layer that causes it; None if the loss does.
        key: the key of that layer's configuration that causes it, or None.
    """

    message: str
    layer: int | None
    key: str | None = None


@dataclass(frozen=True)
class LayerGraph:
    """The edges of a network's graph, and an order in which the layers can be evaluated.

    Attributes:
        sources: for each layer, the indices of the layers whose outputs it takes as inputs;
            `INPUT` stands for the input of the network.
        order: the indices of all layers in topological order: each layer comes after all its
            sources, and the output layer, which is the last of the list, comes last.
    """

    sources: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]

    @property
    def is_chain(self) -> bool:
        """Whether the only source of each layer is the layer before it in the list."""
        return self.sources == tuple((k - 1,) for k in range(len(self.sources)))


@dataclass(frozen=True)
class LayerNode:
    """The properties of one layer that determine the graph.

    Attributes:
        name: the name of the layer.
        type: the type of the layer as a configuration writes it, such as ``dense``.
        sources: the names of the layers that it takes as inputs; empty if its only input is the
            layer before it in the list, or the input of the network for the first layer.
        joins: whether the layer takes two or more inputs instead of exactly one.
    """

    name: str
    type: str
    sources: tuple[str, ...] = ()
    joins: bool = False


def layer_graph(nodes: Sequence[LayerNode]) -> LayerGraph:
    """The graph of layers for which `graph_problems` finds nothing.

    Example:
        >>> nodes = [LayerNode("a", "dense"), LayerNode("b", "dense")]
        >>> layer_graph([*nodes, LayerNode("c", "add", ("a", "b"))]).sources
        ((-1,), (0,), (0, 1))
    """
    sources = _sources(nodes)
    return LayerGraph(sources, tuple(_topological_sorter(sources).static_order()))


def _sources(nodes: Sequence[LayerNode]) -> tuple[tuple[int, ...], ...]:
    indices = {node.name: k for k, node in enumerate(nodes)} | {INPUT_WORD: INPUT}
    return tuple(
        tuple(indices[name] for name in node.sources) if node.sources else (k - 1,)
        for k, node in enumerate(nodes)
    )


def _topological_sorter(sources: Sequence[Sequence[int]]) -> TopologicalSorter[int]:
    return TopologicalSorter(
        {k: [s for s in layer_sources if s != INPUT] for k, layer_sources in enumerate(sources)}
    )


def graph_problems(nodes: Sequence[LayerNode]) -> Iterator[LayerProblem]:
    """The reasons why layers with distinct names do not form a valid graph.

    First come unknown names and wrong numbers of inputs; if there are none, a cycle; if there is
    none, layers that take the output layer as an input, and layers whose output no layer uses.
    """
    found = [*_problems_of_inputs(nodes)]
    yield from found
    if found or not nodes:
        return
    sources = _sources(nodes)
    try:
        _topological_sorter(sources).prepare()
    except CycleError as error:
        yield _cycle_problem(nodes, error.args[1])
        return
    yield from _problems_of_outputs(nodes, sources)


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


def _cycle_problem(nodes: Sequence[LayerNode], cycle: Sequence[int]) -> LayerProblem:
    path = " → ".join(nodes[k].name for k in cycle)
    # A layer that names no inputs follows the layer before it, so a cycle needs one that does.
    at = next(k for k in cycle if nodes[k].sources)
    return LayerProblem(f"the layers feed each other in a circle: {path}", at, "inputs")


def _problems_of_outputs(
    nodes: Sequence[LayerNode], sources: Sequence[Sequence[int]]
) -> Iterator[LayerProblem]:
    last = len(nodes) - 1
    used = {s for layer_sources in sources for s in layer_sources}
    for k, layer_sources in enumerate(sources):
        if last in layer_sources:
            yield LayerProblem(
                f"{nodes[last].name}, the last layer of the list, is the network's output and "
                f"feeds no other, but {nodes[k].name} names it",
                k,
                "inputs",
            )
    for k in sorted(set(range(last)) - used):
        yield LayerProblem(
            f"the output of {nodes[k].name} goes nowhere; name it in the inputs of another "
            "layer, or leave the layer out",
            k,
        )


def names_of(types: Sequence[str], given: Sequence[str | None]) -> list[str]:
    """The name of each layer: the given one, or one made from its type if that is None or empty.

    The k-th layer of a type is called ``TYPE_k``, such as ``dense_1``; k counts all layers of the
    type, with or without a given name, from 1. A softmax layer is called ``softmax``.
    """
    counts: dict[str, int] = {}
    names = []
    for kind, name in zip(types, given, strict=True):
        counts[kind] = counts.get(kind, 0) + 1
        names.append(name or (kind if kind == "softmax" else f"{kind}_{counts[kind]}"))
    return names
