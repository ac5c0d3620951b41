"""Hostile checkpoints: safetensors files with a right SHA-256, for whoever means harm writes one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

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
    "columns of a million lists": lambda: sealed(columns="[" + "[]," * 1_000_000 + "[]]"),
    "columns of a million mappings": lambda: sealed(columns="[" + "{}," * 10**6 + "{}]"),
    "columns of 20 MB of zeros": lambda: sealed(columns="[" + "0," * 10**7 + "0]"),
    "columns nested deeply": lambda: sealed(columns="[" * 100_000),
    "columns of text": lambda: sealed(columns='"../../etc"'),
    "a column twice": lambda: sealed(columns='["train_loss", "seconds", "seconds"]'),
    "a column of dunders": lambda: sealed(columns='["train_loss", "seconds", "__class__"]'),
    "a column that is not there": lambda: sealed(
        columns='["train_loss", "seconds", "validation_loss"]'
    ),
    "columns of two lengths": lambda: sealed({"history.seconds": np.ones(3)}),
    "a column of whole numbers": lambda: sealed({"history.seconds": np.ones(1, np.int64)}),
    "a column of ten million rows": lambda: sealed({"history.seconds": np.ones((10**6, 10))}),
    "data of text": lambda: sealed(data='"../../etc"'),
    "data of numbers": lambda: sealed(data='{"training data": 1}'),
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
