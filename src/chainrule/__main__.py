"""The program, as ``chainrule`` and as ``python -m chainrule``."""

from __future__ import annotations

import os
import sys

from chainrule.cli import interrupts


def main() -> None:
    """Run the command that the command line names, from the first moment on without tracebacks."""
    _open_closed_streams()
    interrupts.at_once()
    from chainrule.cli.main import main as run

    try:
        run()
    except SystemExit as end:
        interrupts.at_once()
        if end.code == interrupts.INTERRUPTED:
            interrupts.now()
        raise


def _open_closed_streams() -> None:
    """Let /dev/null stand in for each of stdin, stdout and stderr that is closed.

    Otherwise the next file that is opened would get its number, and be written to as the output.
    """
    for number, (name, mode) in enumerate([("stdin", "r"), ("stdout", "w"), ("stderr", "w")]):
        try:
            os.fstat(number)
        except OSError:
            # It takes the lowest number that is free: this one. Child processes need it as well.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()
