"""Leaves a note for the next part or submission, wherever a note might last."""

import builtins
import os
import sys

PLACES = ("note", "../note", "/dev/shm/note", "/tmp/note", "/scratch/note")


def attack():
    seen = [place for place in PLACES if os.path.exists(place)]
    seen += ["builtins"] if hasattr(builtins, "note") else []
    seen += ["modules"] if "note" in sys.modules else []
    builtins.note = sys.modules["note"] = builtins
    for place in PLACES:
        try:
            with open(place, "w") as file:
                file.write("hidden inputs")
        except OSError:
            continue
    return "; ".join(seen)
