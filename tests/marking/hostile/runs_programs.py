"""Starts programs that go on after it, in sessions of their own."""

import os
import subprocess
import sys


def attack():
    done = []
    ways = (
        lambda: subprocess.Popen(["/bin/sleep", "97"], start_new_session=True),
        lambda: subprocess.Popen([sys.executable, "-c", "import time; time.sleep(97)"]),
        lambda: os.system("sleep 97 &") and 1 / 0,
        lambda: os.posix_spawn("/bin/sleep", ["sleep", "97"], {}),
        lambda: os.execv(sys.executable, [sys.executable, "-c", "print(1)"]),
    )
    for k, way in enumerate(ways):
        try:
            way()
            done.append(f"way {k}")
        except (OSError, ZeroDivisionError):
            continue
    return "; ".join(done)
