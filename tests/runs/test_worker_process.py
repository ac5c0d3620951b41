"""What a worker and the process that started it send each other."""

from __future__ import annotations

import io

import numpy as np
import pytest

from chainrule.runs.worker_process import read_message, write_message

MESSAGE = {"seconds": 0.1, "losses": np.array([[1.0, np.nan], [np.inf, 4.0]]), "name": "δ"}


def written(*messages):
    file = io.BytesIO()
    for message in messages:
        write_message(file, message)
    return file.getvalue()


def test_numbers_and_arrays_come_back_as_they_were():
    file = io.BytesIO(written(MESSAGE, {"theta": np.arange(3, dtype=np.float32)}, {}))
    first, second, third = (read_message(file) for _ in range(3))
    assert (first["seconds"], first["name"]) == (0.1, "δ")
    assert np.array_equal(first["losses"], MESSAGE["losses"], equal_nan=True)
    assert second["theta"].dtype == np.float32
    assert third == {}
    assert read_message(file) is None


@pytest.mark.parametrize("kept", [0, 10, -1])
def test_a_message_that_breaks_off_is_none(kept):
    assert read_message(io.BytesIO(written(MESSAGE)[:kept])) is None


def test_an_array_without_entries():
    found = read_message(io.BytesIO(written({"losses": np.empty((0, 3))})))
    assert found["losses"].shape == (0, 3)
