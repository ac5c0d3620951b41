"""``chainrule init [NAME]``."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.terminal import say

STARTER = "shapes"


def command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="An example (see --list), or the file to write. Default: shapes.yaml.",
        ),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Name the examples and what they show.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a commented configuration that trains as it is.

    The name of an example writes that example, and the text that it reads, if it reads one; any
    other name writes the starter under it.
    """
    from chainrule.core.errors import ChainruleError, Problem, nearest
    from chainrule.core.files import write_whole

    known = examples()
    if list_:
        for example, path in known.items():
            say(f"{example:18} {first_comment(path)}")
        return
    chosen = name if name in known else STARTER
    meant = nearest(name, known) if name is not None and chosen != name else None
    target = Path(name or STARTER)
    if target.name and not target.suffix:
        target = target.with_name(target.name + known[chosen].suffix)
    files = {target: known[chosen]}
    data = known[chosen].with_suffix(".text")
    if data.is_file():
        files[target.with_name(data.name)] = data
    for file in files:
        if os.path.isfile(file) and not force:
            raise ChainruleError(Problem("this file exists; --force replaces it", file))
    for file, source in files.items():
        write_whole(file, source.read_text(encoding="utf-8"))
    follows = f"chainrule {advised(known[chosen])} {target}"
    say(f"{' and '.join(map(str, files))} written; now: {follows}")
    if meant is not None:
        say(f"this is the starter; there is an example called {meant}: chainrule init {meant}")


def examples() -> dict[str, Path]:
    """The example configurations by name; they ship in the package."""
    package = Path(__file__).parents[1]
    shipped = package / "examples"
    folder = shipped if shipped.is_dir() else package.parents[1] / "examples"
    found = sorted(p for p in folder.iterdir() if p.suffix in (".yaml", ".txt"))
    return {path.stem: path for path in found}


def advised(path: Path) -> str:
    """The command that an example's own comment names first, such as ``explain``, or ``train``."""
    found = re.search(rf"chainrule (\w+) examples/{path.name}", path.read_text(encoding="utf-8"))
    return found[1] if found else "train"


def first_comment(path: Path) -> str:
    """The first line of a configuration's comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line.lstrip("# ") for line in lines if line.lstrip("# ")), "")
