"""The same bug at each of its places: in one layer, or in every layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from chainrule.marking.program import Variation

Change = Callable[[int], Mapping[str, str]]
"""The other rules of a bug in layer k."""


def at_layers(
    layers: Iterable[int],
    kind: str,
    title: str,
    sentence: str,
    hint: str,
    change: Change,
    often: float = 1.0,
    whole: bool = True,
) -> Iterator[Variation]:
    """A bug in each of some layers alone, called ``kind@k``, and in all of them, ``kind``.

    Args:
        layers: where it may be.
        kind: the bug's name.
        title: with ``{layer}`` for the place.
        sentence: with ``{layer}`` for the place.
        hint: as it is.
        change: the rules of the layer k that it changes.
        often: how often it is met.
        whole: whether it may be in all of them at once.
    """
    chosen = tuple(layers)
    for k in chosen if len(chosen) > 1 else ():
        place = f"layer {k}"
        yield Variation(
            f"{kind}@{k}",
            title.format(layer=place),
            sentence.format(layer=place),
            hint,
            change(k),
            often=often,
        )
    if chosen and (whole or len(chosen) == 1):
        place = "every layer" if len(chosen) > 1 else f"layer {chosen[0]}"
        changes = {line: rule for k in chosen for line, rule in change(k).items()}
        yield Variation(
            kind,
            title.format(layer=place),
            sentence.format(layer=place),
            hint,
            changes,
            often=often,
        )


def ruled(line: str, rule: str) -> Change:
    """Another rule for one line of a layer; ``{k}`` in both is the layer, ``{j}`` the one below.

    Example:
        >>> ruled("da{j}", "d{k} @ W{k}")(2)
        {'da1': 'd2 @ W2'}
    """
    return lambda k: {line.format(k=k, j=k - 1): rule.format(k=k, j=k - 1)}
