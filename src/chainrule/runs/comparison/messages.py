"""What a contender's process and whoever started it say to each other.

A message is a line of JSON; arrays follow it as bytes, in the order in which it names them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from chainrule.core.arrays import Array

Message = dict[str, Any]


def write_message(file: IO[bytes], message: Mapping[str, Any]) -> None:
    """Write a message; its entries that are arrays come back as arrays.

    Raises:
        OSError: nobody reads any more.
    """
    arrays = {k: np.ascontiguousarray(v) for k, v in message.items() if isinstance(v, np.ndarray)}
    header = {k: v for k, v in message.items() if k not in arrays}
    shapes = {k: [str(a.dtype), list(a.shape)] for k, a in arrays.items()}
    file.write(json.dumps({**header, "arrays": shapes}).encode() + b"\n")
    for array in arrays.values():
        file.write(array.tobytes())
    file.flush()


def read_message(file: IO[bytes]) -> Message | None:
    """The next message; None where the other side has ended, even in the midst of one."""
    line = file.readline()
    if not line.endswith(b"\n"):
        return None
    message: Message = json.loads(line)
    for name, (dtype, shape) in message.pop("arrays").items():
        array: Array = np.empty(shape, dtype)
        content = file.read(array.nbytes)
        if len(content) < array.nbytes:
            return None
        array.ravel()[...] = np.frombuffer(content, dtype)
        message[name] = array
    return message
