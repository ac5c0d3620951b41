"""The table of scores: a row for each part of the data of one run, or for each of several runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from chainrule.data.dataset import PART_WORDS
from chainrule.training.metrics import measure_text
from chainrule.training.scores import MEASURES, Score, is_better_low


@dataclass(frozen=True)
class Figure:
    """A cell of the table.

    Attributes:
        text: the figure as text.
        best: whether it is the best of its column, of several runs.
    """

    text: str
    best: bool = False


@dataclass(frozen=True)
class Scores:
    """The table.

    Attributes:
        groups: of several runs each part that was evaluated, with its measures; of one run none.
        measures: of one run the columns.
        rows: the heading of each row, and its cells; None where nothing was measured.
    """

    groups: Sequence[tuple[str, Sequence[str]]]
    measures: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Figure | None]]]


def score_table(scores: Mapping[str, Mapping[str, Score]]) -> Scores:
    """The table of the scores of each run's parts, by the name of the run."""
    if len(scores) == 1:
        return _of_one(next(iter(scores.values())))
    groups = [
        (part, _measures(own[part] for own in scores.values() if part in own))
        for part in PART_WORDS
    ]
    columns = [(part, measure) for part, measures in groups for measure in measures]
    best = {column: _best(scores, *column) for column in columns}
    rows = [
        (run, [_figure(own, *column, best[column]) for column in columns])
        for run, own in scores.items()
    ]
    named = [(PART_WORDS[part], measures) for part, measures in groups if measures]
    return Scores(named, [], rows if columns else [])


def _of_one(scores: Mapping[str, Score]) -> Scores:
    measures = _measures(scores.values())
    rows = [
        (
            PART_WORDS[part],
            [
                Figure(f"{score.cases:,}"),
                *(Figure(measure_text(name, score.figures.get(name))) for name in measures),
            ],
        )
        for part, score in scores.items()
    ]
    return Scores([], measures, rows)


def _measures(scores: Iterable[Score]) -> list[str]:
    """The measures that any of the scores has, in their usual order."""
    found = {name for score in scores for name in score.figures}
    return [name for name in MEASURES if name in found]


def _best(scores: Mapping[str, Mapping[str, Score]], part: str, measure: str) -> float | None:
    """The best figure of a column; None if there is none."""
    figures = [own[part].figures.get(measure) for own in scores.values() if part in own]
    numbers = [figure for figure in figures if figure is not None and not isnan(figure)]
    choose: Callable[[list[float]], float] = min if is_better_low(measure) else max
    return choose(numbers) if len(numbers) > 1 else None


def _figure(
    own: Mapping[str, Score], part: str, measure: str, best: float | None
) -> Figure | None:
    value = own[part].figures.get(measure) if part in own else None
    return None if value is None else Figure(measure_text(measure, value), value == best)
