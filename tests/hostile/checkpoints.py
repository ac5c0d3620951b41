"""Hostile checkpoints: safetensors files with a right SHA-256, for whoever means harm writes one."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hostile.configurations_yaml import special_files
from hostile.good import POSITION, sealed
from hostile.made import Bytes, Hostile, contents
from hostile.tensors import FILES as TENSORS

NAME = "checkpoint.safetensors"


def _changed_after() -> bytes:
    whole = bytearray(sealed())
    whole[-1] ^= 1
    return bytes(whole)


SEALED: dict[str, Bytes] = {
    "a bit after the seal": _changed_after,
    "a history of a million lists": lambda: sealed(history="[" + "[]," * 1_000_000 + "[]]"),
    "a history of a million rows of nothing": lambda: sealed(history="[" + "{}," * 10**6 + "{}]"),
    "a history of 20 MB of zeros": lambda: sealed(history="[" + "0," * 10**7 + "0]"),
    "a history nested deeply": lambda: sealed(history="[" * 100_000),
    "a history of text": lambda: sealed(history='"../../etc"'),
    "a row twice the same key": lambda: sealed(history='[{"epoch": 1, "epoch": 2}]'),
    "a loss of 1e309": lambda: sealed(history='[{"epoch": 1, "train_loss": 1e309, "seconds": 1}]'),
    "a loss of NaN": lambda: sealed(history='[{"epoch": 1, "train_loss": NaN, "seconds": 1}]'),
    "an epoch of 10^4000": lambda: sealed(position='{"epoch": 1' + "0" * 4000 + "}"),
    "a position of text": lambda: sealed(position='"nowhere"'),
    "a minibatch below 0": lambda: sealed(position=json.dumps({**POSITION, "minibatch": -1})),
    "a configuration of a path": lambda: sealed(configuration='"/etc/passwd"'),
    "a configuration nested deeply": lambda: sealed(
        configuration='{"network": {"a": ' + "[" * 60 + "]" * 60 + '}, "data": {}, "training": {}}'
    ),
    "a configuration of a million lists": lambda: sealed(
        configuration='{"network": {"a": [' + "[]," * 10**6 + '[]]}, "data": {}, "training": {}}'
    ),
}


def files() -> Iterator[Hostile]:
    """The files for parameters, which have no seal, and those with one."""
    yield from contents("checkpoint", NAME, TENSORS)
    yield from contents("checkpoint", NAME, SEALED)
    yield from special_files("checkpoint", NAME)
