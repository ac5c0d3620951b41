"""``chainrule``: the commands put together, and the one place where errors are told."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule._version import __version__
from chainrule.cli import data, evaluate, init, predict, schema, train

if TYPE_CHECKING:
    from chainrule.errors import ChainruleError

INPUT_ERROR = 2
INTERRUPTED = 130

app = typer.Typer(
    name="chainrule",
    help="Neural networks whose every gradient can be seen, checked and timed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.command)
app.command("train")(train.command)
app.command("evaluate")(evaluate.command)
app.command("predict")(predict.command)
app.add_typer(data.app, name="data")
app.command("schema")(schema.command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chainrule {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Neural networks whose every gradient can be seen, checked and timed."""


def main() -> None:
    """Run the command that the command line names; the entry point of the package.

    A failure the user can cause ends in its message and exit status 2, Ctrl-C in 130.
    """
    from chainrule.errors import ChainruleError

    try:
        app(args=_spread_sets(sys.argv[1:]))
    except ChainruleError as error:
        sys.exit(_tell(error))
    except KeyboardInterrupt:
        typer.echo("chainrule: interrupted", err=True)
        sys.exit(INTERRUPTED)
    except MemoryError as error:
        typer.echo(f"chainrule: not enough memory: {error}", err=True)
        sys.exit(INPUT_ERROR)
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _tell(error: ChainruleError) -> int:
    for problem in error.problems:
        place = "" if problem.path is not None else "chainrule: "
        typer.echo(f"{place}{problem}", err=True)
    return INPUT_ERROR


def _spread_sets(arguments: list[str]) -> list[str]:
    """``--set a=1 b=2`` as ``--set a=1 --set b=2``."""
    spread: list[str] = []
    setting = False
    for argument in arguments:
        follows = setting and re.match(r"[\w.\[\]]+=", argument) is not None
        if follows and spread[-1] != "--set":
            spread.append("--set")
        spread.append(argument)
        setting = argument == "--set" or follows
    return spread


if __name__ == "__main__":
    main()
