"""Prints without end, to streams and to the numbers behind them."""

import os
import sys


def attack():
    while True:
        print("x" * 10_000)
        sys.__stdout__.write("x" * 10_000) if sys.__stdout__ else None
        os.write(1, b"x" * 10_000)
        os.write(2, b"x" * 10_000)
