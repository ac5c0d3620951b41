"""Work shared among threads."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from chainrule.nn.kernels import threads
from yardstick import HANGS


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("blocks", [0, 1, 7])
def test_every_block_is_done_once_by_one_worker_at_a_time(workers, blocks):
    done, busy, lock = [], set(), threading.Lock()

    def work(worker, block):
        with lock:
            assert worker not in busy
            busy.add(worker)
            done.append(block)
        time.sleep(0.001)
        with lock:
            busy.remove(worker)

    threads.share(work, blocks, workers)
    assert sorted(done) == list(range(blocks))


def test_an_error_of_any_thread_reaches_the_caller():
    def work(worker, block):
        raise ZeroDivisionError(f"{worker} {block}")

    with pytest.raises(ZeroDivisionError):
        threads.share(work, 4, 2)


def test_a_limit_holds_while_it_lasts():
    before = threads.number_of_threads()
    with threads.at_most(3):
        assert threads.number_of_threads() == 3
        with threads.at_most(1):
            assert threads.number_of_threads() == 1
    assert threads.number_of_threads() == before


def test_the_environment_may_ask_for_fewer():
    code = "from chainrule.nn.kernels.threads import cores; print(cores())"
    environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)}
    run = [sys.executable, "-c", code]
    found = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout == "1\n"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork here")
def test_a_forked_process_has_threads_of_its_own():
    code = (
        "import os\n"
        "from chainrule.nn.kernels.threads import share\n"
        "share(lambda worker, block: None, 4, 2)\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    done = []\n"
        "    share(lambda worker, block: done.append(block), 4, 2)\n"
        "    os._exit(len(done))\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    run = [sys.executable, "-W", "ignore", "-c", code]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    found = subprocess.run(
        run, env=environment, capture_output=True, text=True, check=True, timeout=HANGS
    )
    assert found.stdout == "4\n"
