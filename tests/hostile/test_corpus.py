"""Every input that the fuzzers keep is read, or refused with the documented error."""

from __future__ import annotations

import pytest
from proof.fuzz.target import memory_folder
from proof.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_of_a_target_is_read_or_refused(name):
    target = TARGETS[name]
    inputs = sorted(target.corpus.iterdir())
    assert len(inputs) >= 5
    with memory_folder() as folder, target.trials(folder) as is_accepted:
        accepted = [is_accepted(path.read_bytes()) for path in inputs]
    assert not all(accepted)
    assert any(accepted), "no input is a good file: the fuzzer never comes far"
