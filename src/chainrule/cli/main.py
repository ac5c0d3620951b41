"""``chainrule``: the commands put together, and the one place where errors are reported."""

from __future__ import annotations

import re
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from chainrule._version import __version__
from chainrule.cli import (
    assignment,
    check,
    check_code,
    compare,
    data,
    describe,
    doctor,
    evaluate,
    explain,
    export,
    init,
    inspect,
    interrupts,
    mark,
    plot,
    predict,
    range_test,
    report,
    sample,
    schema,
    sweep,
    train,
)
from chainrule.cli.examples import epilog
from chainrule.cli.terminal import failures_reported, work_shown

COMMANDS = {
    "init": init,
    "train": train,
    "range-test": range_test,
    "sweep": sweep,
    "compare": compare,
    "check": check,
    "describe": describe,
    "explain": explain,
    "inspect": inspect,
    "doctor": doctor,
    "evaluate": evaluate,
    "predict": predict,
    "sample": sample,
    "plot": plot,
    "report": report,
    "export": export,
    "check-code": check_code,
    "assignment": assignment,
    "mark": mark,
    "data": data,
    "schema": schema,
}
"""The modules of the commands, in the order of the help: each has a ``command`` or, with commands
of its own, an ``app``."""


class Commands(TyperGroup):
    """The commands; a failure the user can cause ends in its message and its exit status."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands in the order of their use; typer would put a group of them last."""
        return list(COMMANDS)

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the command line; help and the version are printed here."""
        with failures_reported("chainrule"):
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        with failures_reported("chainrule"), work_shown():
            interrupts.by_exception()
            return super().invoke(ctx)


app = typer.Typer(
    name="chainrule",
    cls=Commands,
    help="Neural networks whose every gradient can be seen, checked and timed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _module in COMMANDS.items():
    if hasattr(_module, "app"):
        app.add_typer(_module.app, name=_name)
    else:
        app.command(_name, epilog=epilog(_name))(_module.command)


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
    app(args=_spread_sets(sys.argv[1:]))


def _spread_sets(arguments: list[str]) -> list[str]:
    """``--set a=1 b=2`` as ``--set a=1 --set b=2``, and ``--vary`` likewise."""
    spread: list[str] = []
    setting = ""
    for argument in arguments:
        follows = setting and re.match(r"[\w.\[\]]+=", argument) is not None
        if follows and spread[-1] != setting:
            spread.append(setting)
        spread.append(argument)
        option = argument.partition("=")[0]
        setting = option if option in ("--set", "--vary") else setting if follows else ""
    return spread


if __name__ == "__main__":
    main()
