"""The program, as ``chainrule`` and as ``python -m chainrule``."""

from __future__ import annotations

from chainrule.cli import leaving


def main() -> None:
    """Run the command that the command line names, from the first moment on without tracebacks."""
    leaving.at_once()
    from chainrule.cli.main import main as run

    try:
        run()
    except SystemExit as end:
        leaving.at_once()
        if end.code == leaving.INTERRUPTED:
            leaving.now()
        raise


if __name__ == "__main__":
    main()
