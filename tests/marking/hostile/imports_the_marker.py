"""Imports the library and the solution, by name and by place."""

import importlib
import importlib.util
import sys


def attack():
    done = []
    sys.path[:0] = ["SOURCE/..", "SITE"]
    importlib.invalidate_caches()
    for name in ("chainrule", "chainrule.marking.programs", "scipy", "pytest", "torch"):
        try:
            importlib.import_module(name)
            done.append(name)
        except ImportError:
            continue
    try:
        spec = importlib.util.spec_from_file_location("solution", "SOLUTION")
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        done.append("the solution")
    except OSError:
        pass
    return "; ".join(done)
