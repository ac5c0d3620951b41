"""The program, as ``chainrule`` and as ``python -m chainrule``."""

from __future__ import annotations

import os
import sys

from chainrule.cli import interrupts


def main() -> None:
    """Run the command that the command line names.

    Ctrl-C ends the program without a traceback, also while modules are still being imported.
    """
    _open_closed_streams()
    interrupts.at_once()
    from chainrule.cli.main import main as run

    try:
        run()
    except SystemExit as end:
        interrupts.at_once()  # a command that has something to save may have replaced this handler
        if end.code == interrupts.INTERRUPTED:
            interrupts.now()
        raise


def _open_closed_streams() -> None:
    """Open /dev/null in place of each of stdin, stdout and stderr that is closed.

    Otherwise the next file to be opened would get the free file descriptor, such as 1, and the
    program's output would be written into that file.
    """
    for number, (name, mode) in enumerate([("stdin", "r"), ("stdout", "w"), ("stderr", "w")]):
        try:
            os.fstat(number)
        except OSError:
            # os.open returns the lowest free file descriptor, which is ``number``, since those
            # below it are open by now. Child processes inherit it.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()
