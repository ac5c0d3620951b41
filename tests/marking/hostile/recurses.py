"""Recurses until the stack is full."""

import sys


def attack(k=0):
    sys.setrecursionlimit(10**9)
    return [attack(k + 1), repr(k)]
