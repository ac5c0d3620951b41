"""``chainrule describe DATA``."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import Overrides
from chainrule.cli.terminal import say
from chainrule.core.notation import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainrule.config.load import Config
    from chainrule.data.dataset import DataSplit
    from chainrule.data.tables.encoding import TableEncoding
    from chainrule.data.tables.fitting import InputColumn
    from chainrule.data.tables.table import Table
    from chainrule.nn.description import Description
    from chainrule.runs.run import Run

MOST_COLUMNS = 200
"""Of more columns than this, the first are described."""

_SECTION = re.compile(rb"^\s*[\"'{]*(network|data|training)[\"']?\s*:", re.MULTILINE)


def command(
    what: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="A data file, a folder of images, a configuration, or a run."
        ),
    ],
    set_: Overrides = None,
) -> None:
    """Show data as understood, a network, or a run.

    Of a data file each column's role, kind, range and missing cells, what is doubtful, and a
    configuration that trains on it; --set data.label=NAME and the like decide otherwise. Of a
    configuration its table, and the shapes and parameters of its layers. Nothing is trained.
    """
    if os.path.isdir(what) and os.path.exists(what / "config.yaml"):
        if set_:
            from chainrule.core.errors import ConfigError

            raise ConfigError("a run is shown as it was trained; --set goes with a configuration")
        _describe_run(what)
    elif _is_config(what):
        _describe_config(what, set_ or [])
    else:
        _describe_data(what, set_ or [])


def _is_config(path: Path) -> bool:
    """Whether a file is a configuration: by its ending, or by the names of sections in it."""
    from chainrule.config.reading.compact import is_compact

    if path.suffix.lower() in (".yaml", ".yml"):
        return True
    try:
        if not path.is_file():  # a pipe would wait for ever
            return False
        with open(path, "rb") as file:
            head = file.read(2**16)
    except (OSError, ValueError):
        return False
    if b"\0" in head:
        return False
    return bool(_SECTION.search(head)) or is_compact(head.decode("utf-8", "replace"))


# A configuration


def _describe_config(path: Path, overrides: list[str]) -> None:
    """Print the table that a configuration trains on, if it does, then its network."""
    from chainrule.config.load import load_config
    from chainrule.runs.resolve import describe_network, is_table_there, with_input

    config = load_config(path, overrides)
    if is_table_there(config):
        data = _show_table(config)
        config = with_input(config, data)
        say()
    _print_network(describe_network(config))


def _print_network(network: Description) -> None:
    """Print a line for each layer, then the totals."""
    from chainrule.cli.tables import print_rows
    from chainrule.nn.description import HEADINGS

    print_rows(HEADINGS, network.rows(), words=3)
    for name, text in network.totals():
        say(f"{name:<15}  {text}")


# Data


def _describe_data(path: Path, overrides: list[str]) -> None:
    """Print what a data file or a folder of images holds, and a configuration for it."""
    from chainrule.cli.understood import say_data
    from chainrule.runs.resolve import is_table_there
    from chainrule.runs.suggestion import config_of_data, data_of, suggestion

    config = config_of_data(path, overrides)
    if is_table_there(config):
        data = _show_table(config, is_alone=True)
    else:
        data = data_of(config)
        say_data(data)
        _say_notes(data)
    say("\na configuration that trains on it:\n")
    say(suggestion(data, config.data).rstrip())


def _show_table(config: Config, *, is_alone: bool = False) -> DataSplit:
    """Print the table of a configuration and what is doubtful about it; returns its data.

    Where the settings do not fit the table, it is printed all the same before the error is raised.

    Args:
        config: whose data are a table.
        is_alone: whether there is no network that the data must fit.
    """
    from chainrule.core.errors import ChainruleError
    from chainrule.runs.resolve import resolve_data, resolve_table
    from chainrule.runs.suggestion import data_of

    table = resolve_table(config)
    data, failure = None, None
    try:
        data = data_of(config) if is_alone else resolve_data(config)
    except ChainruleError as error:
        failure = error
    _print_table(table, config.data, data)
    if failure is not None:
        for note in table.notes:
            if note not in str(failure):
                say(f"note: {note}")
        raise failure
    assert data is not None
    _say_notes(data)
    return data


def _say_notes(data: DataSplit) -> None:
    from chainrule.cli.understood import say_doubts

    say_doubts(data)
    for note in data.notes:
        say(f"note: {note}")


def _print_table(table: Table, settings: Mapping[str, object], data: DataSplit | None) -> None:
    """Print how a table was read, and a line for each of its columns."""
    from chainrule.cli.tables import print_rows
    from chainrule.core.errors import ChainruleError
    from chainrule.data.tables.description import describe_columns
    from chainrule.data.tables.roles import roles_of

    try:
        roles = roles_of(table, settings)
    except ChainruleError:  # it is reported when the data are read
        roles = None
    read = [table.read_as.removeprefix("read as ")] if table.read_as else []
    read.append("a header with the names" if table.has_names else "no header: columns by number")
    name = table.path.name if table.path else "data"
    sizes = f"{counted(len(table), 'row')}, {counted(len(table.columns), 'column')}"
    say(f"{name}: {sizes}; {', '.join(read)}")
    if roles is not None and roles.labels and "label" not in settings:
        other = "NAME" if table.has_names else "NUMBER"
        last = f"the label is the last column, {roles.labels[0]}"
        say(f"{last}; --set data.label={other} takes another")
    found = describe_columns(table, roles, data.encoding if data else None)
    headings = ("column", "role", "kind", "holds", "missing", "distinct", "first cells")
    rows = [
        (c.name, c.role, c.kind, c.holds, c.missing, c.distinct, c.examples)
        for c in found[:MOST_COLUMNS]
    ]
    print_rows(headings, rows, words=len(headings))
    if len(found) > MOST_COLUMNS:
        say(f"... and {len(found) - MOST_COLUMNS:,} more columns")


# A run


def _describe_run(folder: Path) -> None:
    """Print what was decided in a training about its data, then its network."""
    from chainrule.cli.understood import inputs_text
    from chainrule.runs.resolve import describe_network
    from chainrule.runs.run import load

    run = load(folder)
    epochs = counted(len(run.history.rows), "epoch")
    say(f"run       {folder}: {epochs} with the engine {run.engine}")
    for heading, text in _source_of(run):
        say(f"{heading:<10}{text}")
    if run.encoding is not None:
        say(f"inputs    {run.encoding.width:,}: {inputs_text(run.encoding)}")
        _print_inputs(run.encoding, run)
    elif run.scaling is not None:
        say("scaling   every input by its own mean and deviation in the training data")
    say()
    _print_network(describe_network(run.config))


def _source_of(run: Run) -> list[tuple[str, str]]:
    """Where the data of a run come from, how they were divided, and what is learnt."""
    from chainrule.data.dataset import PART_WORDS
    from chainrule.data.settings import KINDS
    from chainrule.data.tables.roles import listed

    settings = run.config.data
    kind = next(kind for kind in KINDS if kind in settings)
    sizes = ", ".join(f"{score.cases:,} {PART_WORDS[part]}" for part, score in run.scores.items())
    source = f"{kind}: {settings[kind]}"
    if kind == "x":
        source = f"{counted(len(settings[kind]), 'case')} written in the configuration"
    found = [("data", source)]
    if sizes:
        found.append(("split", f"{sizes} cases"))
    names = ", ".join(run.classes[:20]) if run.classes else ""
    more = f" and {len(run.classes) - 20} more" if run.classes and len(run.classes) > 20 else ""
    what = f"{len(run.classes)} classes: {names}{more}" if run.classes else "values"
    columns = listed(run.encoding.labels) + ", " if run.encoding is not None else ""
    return [*found, ("label", f"{columns}{what}")]


def _print_inputs(encoding: TableEncoding, run: Run) -> None:
    """Print a line for each column: what it becomes, its missing cells, and its scaling."""
    from chainrule.cli.tables import print_rows

    rows, start = [], 0
    for column in encoding.inputs[:MOST_COLUMNS]:
        scaled = ""
        if run.scaling is not None and column.width == 1:
            mean, scale = (float(a[start]) for a in (run.scaling.mean, run.scaling.scale))
            scaled = f"(x − {mean:.5g}) / {scale:.5g}"
        elif run.scaling is not None:
            scaled = "each by its own mean and deviation"
        rows.append((column.name, "input", *_became(column), scaled))
        start += column.width
    others = [(name, f"left out: {why}", "", "", "") for name, why in encoding.left_out.items()]
    for key in ("weight", "group", "time"):
        name = getattr(encoding, key)
        others += [(name, key, "", "", "")] if name else []
    others += [(name, "label", "", "", "") for name in encoding.labels]
    headings = ("column", "role", "becomes", "missing cells", "scaling")
    print_rows(headings, [*rows, *others], words=len(headings))
    if len(encoding.inputs) > MOST_COLUMNS:
        say(f"... and {len(encoding.inputs) - MOST_COLUMNS:,} more columns")


def _became(column: InputColumn) -> tuple[str, str]:
    """What a column became, and what is done about its missing cells."""
    from chainrule.data.tables.suspicions import filling

    became = {"number": "its number", "integer": "an index", "one_hot": "one-hot"}[column.kind]
    if column.categories:
        shown = ", ".join(column.categories[:12])
        more = f" and {len(column.categories) - 12} more" if len(column.categories) > 12 else ""
        became += f" of {len(column.categories)}: {shown}{more}"
    if column.on_missing in ("error", "drop"):
        missing = "refused" if column.on_missing == "error" else "rows left out in training"
    else:
        missing = filling(column)
        missing += f" ({column.missing:,} in training)" if column.missing else ""
    return became, missing + (", and an indicator" if column.has_indicator else "")
