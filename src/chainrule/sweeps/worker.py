"""A process that runs trials, one after the other, as it is told.

It reads a line of JSON for each thing to do: first what every trial has in common, then a trial
at a time, and answers each trial by a line. When whoever asked is gone, so is the worker. It is
a program of its own (``python -m chainrule.sweeps.worker``), so that it works whatever started
the sweep, and inherits nothing.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from queue import SimpleQueue
from typing import Any

from chainrule.sweeps.trial import Bench


def main() -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else prints is no answer
    asked: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    common = asked.get()
    bench = Bench(common["config"], common["overrides"], common["keep"])
    while True:
        item = asked.get()
        trial = bench.run(item["number"], item["values"])
        answers.write(json.dumps(trial.as_mapping()) + "\n")
        answers.flush()


def _listen(asked: SimpleQueue[dict[str, Any]]) -> None:
    """Pass on what is asked; at the end of the input end the process, also within a trial."""
    for line in sys.stdin.buffer:
        asked.put(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main()
