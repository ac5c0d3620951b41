"""Leaves folders that may be neither listed, nor written in, nor moved, and many of them."""

import os


def attack():
    os.makedirs("a/b")
    os.mkdir("a/b/c", 0)
    with open("a/other.py", "w") as file:
        file.write("raise SystemExit")
    for k in range(10**6):
        os.mkdir(f"a/{k}", 0)
    return "a million folders"
