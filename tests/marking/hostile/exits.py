"""Ends the program with a success."""

import sys


def attack():
    sys.exit(0)
