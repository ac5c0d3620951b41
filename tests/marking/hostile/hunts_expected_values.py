"""Looks through all objects, frames and files of the process for what is expected."""

import gc
import sys


def attack():
    words = ("expected", "solution", "reference", "credit", "variations", "SECRET")
    seen = [name for name in sys.modules if "chainrule" in name]
    frame = sys._getframe()
    while frame:
        seen += [k for k in {**frame.f_locals, **frame.f_globals} if k in words]
        frame = frame.f_back
    for found in gc.get_objects():
        if type(found) is dict and found is not globals():
            seen += [k for k in list(found) if type(k) is str and k in words[3:]]
            seen += [v for v in list(found.values()) if type(v) is str and v.startswith("SECRET")]
    return "; ".join(sorted(set(seen)))
