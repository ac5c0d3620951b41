"""Closes all files, or puts others in their place."""

import os


def attack():
    own = os.open("fake", os.O_CREAT | os.O_WRONLY)
    for number in range(64):
        if number != own:
            try:
                os.dup2(own, number)
            except OSError:
                continue
    os.closerange(0, 64)
