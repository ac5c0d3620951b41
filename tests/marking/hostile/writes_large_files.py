"""Fills the disk: one large file, then many, then in folders that nobody may list."""

import os


def attack():
    done = []
    try:
        with open("large", "wb") as file:
            for _ in range(200):
                file.write(b"x" * 2**20)
        done.append("200 MB in one file")
    except OSError:
        pass
    total = 0
    for k in range(10**6):
        try:
            os.mkdir(f"d{k}", 0o300)
            with open(f"d{k}/f", "wb") as file:
                total += file.write(b"x" * 2**22)
        except OSError:
            continue
        if total > 2**30:
            return "; ".join([*done, "more than 1 GB in many files"])
    return "; ".join(done)
