"""The table of engines imports an engine when it is looked up, and not before."""

import subprocess
import sys

import pytest

from chainrule.core.registry import LibraryTable
from chainrule.training.engines import ENGINES, Engine


def test_the_names_cost_no_import():
    code = (
        "from chainrule.training.engines import ENGINES; import sys\n"
        "assert 'torch' in ENGINES and {'auto', 'numpy', 'torch'} <= set(ENGINES)\n"
        "assert len(ENGINES) == len(list(ENGINES)) and repr(ENGINES)\n"
        "assert not {'torch', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_auto_is_never_the_one_for_comparison():
    assert ENGINES["auto"].name != "torch"


def test_an_entry_is_an_engine():
    assert all(issubclass(ENGINES[name], Engine) for name in ("auto", "numpy", "compiled"))


def test_a_name_that_is_not_there():
    assert "other" not in ENGINES
    with pytest.raises(KeyError):
        ENGINES["other"]


def test_without_an_extra_a_failing_import_is_a_fault_of_ours():
    with pytest.raises(ModuleNotFoundError):
        LibraryTable("engine", {"far": "no_such_package_at_all.engine:Far"}, {})["far"]
