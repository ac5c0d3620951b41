"""Reads the system's files, the assignment, its solution, other submissions, the home."""

import os


def attack():
    seen = []
    for path in (
        "/etc/passwd",
        "/etc/hostname",
        "SOLUTION",
        "OTHER",
        "SOURCE/marking/program.py",
        "/proc/self/maps",
        "/proc/self/mem",
        "/proc/1/cmdline",
        os.path.expanduser("~/.bashrc"),
        "/root/.bashrc",
    ):
        try:
            with open(path, "rb") as file:
                seen.append(f"{path}: {file.read(40)!r}")
        except OSError:
            continue
    for path in ("/", "/root", "/home", "/tmp", "/proc", "SOURCE", os.path.dirname("SOLUTION")):
        try:
            found = sorted(set(os.listdir(path)) - ALLOWED)
            if found:
                seen.append(f"{path} holds {found}")
        except OSError:
            continue
    return "; ".join(seen)


# What the view of bubblewrap has of itself, none of which is the machine's
ALLOWED = {"dev", "lib", "lib64", "packages", "proc", "root", "runner", "scratch", "usr", "work"}
