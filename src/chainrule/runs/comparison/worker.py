"""The program of a contender's process: it reads its job, trains, and tells.

Whatever else prints goes to the error stream. When whoever asked is gone, so is the worker.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
import warnings
from queue import SimpleQueue

from chainrule.core.errors import ChainruleError
from chainrule.runs.comparison.contender import Contender, Job
from chainrule.runs.comparison.messages import Message, read_message, write_message


def main() -> None:
    """Do one job."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    warnings.simplefilter("ignore")
    asked: SimpleQueue[Message] = SimpleQueue()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    status = 0
    try:
        job = Job(**asked.get())
        contender = Contender(
            job, lambda message: write_message(answers, message), lambda: int(asked.get()["until"])
        )
        contender.run()
    except ChainruleError as error:
        write_message(answers, _failure(error))
    except MemoryError:
        write_message(answers, _failure(ChainruleError("there was not enough memory")))
    except BaseException:
        traceback.print_exc()
        status = 1
    answers.flush()
    os._exit(status)  # an orderly end would wait for the listener, which waits for us


def _failure(error: ChainruleError) -> Message:
    problems = [[p.message, p.path and str(p.path), p.line, p.column] for p in error.problems]
    return {"failure": problems, "kind": type(error).__name__}


def _listen(asked: SimpleQueue[Message]) -> None:
    """Pass on what is asked; at the end of the input end the process, also within an epoch."""
    while (message := read_message(sys.stdin.buffer)) is not None:
        asked.put(message)
    os._exit(0)


if __name__ == "__main__":
    main()
