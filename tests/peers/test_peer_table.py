"""The table of peers imports a library when it is looked up, and not before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chainrule.core.errors import MissingExtraError
from chainrule.core.registry import LibraryTable
from chainrule.peers import PEERS

BASE = "chainrule.peers.base:Peer"


def test_the_names_cost_no_import():
    code = (
        "from chainrule.peers import PEERS; import sys\n"
        "assert list(PEERS) == ['torch', 'jax', 'sklearn'] and len(PEERS) == 3\n"
        "assert 'jax' in PEERS\n"
        "assert repr(PEERS) == 'LibraryTable(torch, jax, sklearn)'\n"
        "[PEERS.is_installed(name) for name in PEERS]\n"
        "assert not {'torch', 'jax', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_library_is_named_with_its_command():
    table = LibraryTable("peer", {"far_away": BASE}, {"far_away": "far-away"})
    assert not table.is_installed("far_away")
    expected = (
        r"the peer far_away needs the package far-away, .*pip install 'chainrule\[far_away\]'"
    )
    with pytest.raises(MissingExtraError, match=expected):
        table["far_away"]
    with pytest.raises(KeyError):
        table["near"]


def test_a_library_that_is_broken():
    table = LibraryTable(
        "peer", {"numpy": "chainrule.peers.no_such_module:Peer"}, {"numpy": "numpy"}
    )
    with pytest.raises(MissingExtraError, match="numpy cannot be imported: No module named"):
        table["numpy"]


def test_the_version_is_that_of_the_package():
    sklearn = pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    assert PEERS.version("sklearn") == sklearn.__version__
