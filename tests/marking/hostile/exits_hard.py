"""Ends the process at once, with a success."""

import os


def attack():
    os._exit(0)
