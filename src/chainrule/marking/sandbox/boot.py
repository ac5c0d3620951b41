"""How a process of untrusted code is started: its first lines, and all of its environment."""

from __future__ import annotations

from pathlib import Path

RUNNER = Path(__file__).with_name("inside")
"""The folder of what runs inside."""

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""All that the environment of untrusted code holds."""

BOOT = """
import importlib.util, sys
place = sys.argv.pop(1)
sys.path.append(sys.argv.pop(1))
spec = importlib.util.spec_from_file_location(
    "_sandbox", place + "/__init__.py", submodule_search_locations=[place])
sys.modules["_sandbox"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
importlib.import_module("_sandbox." + sys.argv.pop(1)).main()
"""
"""Loads the runner's folder under a name that no submission has."""
