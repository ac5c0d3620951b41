"""A process that runs trials, one after the other, as it is told.

It reads a line of JSON for each thing to do: first what every trial has in common, then a trial
at a time, and answers each trial by a line. When whoever asked is gone, so is the worker. It is
a program of its own, so that it works whatever started the sweep, and inherits nothing.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from chainrule.runs.sweeps.trial import Bench


def main() -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else prints is no answer
    asked: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    try:
        bench = _bench(**asked.get())
        while True:
            trial = bench.run(**asked.get())
            answers.write(json.dumps(trial.as_mapping()) + "\n")
            answers.flush()
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # an orderly end would wait for the listener, which waits for us


def _bench(value: Any, folder: str, name: str, overrides: list[str]) -> Bench:
    """What the trials have in common, as `Crew` tells it."""
    from chainrule.config.load import Source
    from chainrule.config.reading.tree import Tree

    return Bench(Source(Tree(value), Path(folder), name=name), overrides)


def _listen(asked: SimpleQueue[dict[str, Any]]) -> None:
    """Pass on what is asked; at the end of the input end the process, also within a trial."""
    for line in sys.stdin.buffer:
        asked.put(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main()
