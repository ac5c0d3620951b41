"""Fuzzes one target with atheris (libFuzzer), from the corpus beside it.

Run with: ``python -m proof.fuzz.run TARGET [FOLDER ...] [libFuzzer's options]``, such as
``-runs=100000`` or ``-max_total_time=60``. Inputs that reach new code are added to the first
folder named, by default to none. An error that a reader must not raise ends the run with its
traceback, and the input is written to the working folder as ``crash-...``.
"""

from __future__ import annotations

import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> int:
    """Fuzz the target that the command line names, as long as its options say."""
    if find_spec("atheris") is None:
        print("fuzzing needs atheris; install it with: pip install -e '.[proof]'", file=sys.stderr)
        return 2
    import atheris

    # Modules are instrumented when they are imported, so nothing may import them earlier.
    # Pillow's readers are, so that the fuzzer learns from them what an image is.
    with atheris.instrument_imports(include=["chainrule", "PIL"], enable_loader_override=False):
        from proof.fuzz.target import memory_folder
        from proof.fuzz.targets import TARGETS

    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        print(f"name a target: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    target = TARGETS[sys.argv[1]]
    options = [f"-max_len={target.longest}", "-rss_limit_mb=1024", "-timeout=300"]
    folders = sys.argv[2:] + ([str(target.corpus)] if target.corpus.is_dir() else [])
    with memory_folder() as folder, target.trials(folder) as try_one:
        program = sys.argv[0]
        if "-merge=1" in folders:  # libFuzzer then starts itself again by the name of the program
            program = str(folder / "again")
            again = (
                f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -m proof.fuzz.run {target.name}"
            )
            Path(program).write_text(f'{again} "$@"\n', encoding="utf-8")
            os.chmod(program, 0o700)
        atheris.Setup([program, *options, *folders], try_one)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
