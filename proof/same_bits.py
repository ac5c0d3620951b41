"""The same seed gives the same bits in every process, on every engine.

Half of the runs are forks of this process, each with other memory addresses; half are new
processes.

Run with: python -m proof.same_bits [RUNS]
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from mmap import mmap
from typing import Any

from chainrule.runs.train import train
from proof.children import Child

BYTES = 32


@dataclass(frozen=True)
class Same:
    """The results of the runs of one setting.

    Attributes:
        name: of the setting.
        runs: the number of runs.
        kinds: the number of different results, which must be 1.
    """

    name: str
    runs: int
    kinds: int

    def __str__(self) -> str:
        return f"{self.name}: {self.runs} runs, {self.kinds} result{'s' * (self.kinds != 1)}"


def settings() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every engine, with one thread and with two; large enough that both threads are used."""
    engines = ["numpy", "compiled", *(["torch"] if find_spec("torch") else [])]
    for engine in engines:
        for threads in (1, 2):
            yield f"{engine}, threads: {threads}", _config(engine, threads, 96, 400)
    yield "compiled, one case at a time", _config("compiled", 1, 1, 30)
    yield "numpy, one case at a time", _config("numpy", 1, 1, 30)


def _config(engine: str, threads: int, batch_size: int, width: int) -> dict[str, Any]:
    layers = [{"size": width, "activation": "gelu"}, {"size": width // 2}, {"size": 4}, "softmax"]
    return {
        "network": {"layers": layers, "learning_rate": 0.003},
        "data": {"generator": "blobs", "features": 150, "classes": 4, "count": 400},
        "training": {
            "epochs": 2,
            "batch_size": batch_size,
            "optimizer": "adam",
            "engine": engine,
            "threads": threads,
        },
    }


def bits_of(config: dict[str, Any]) -> bytes:
    """A digest of the results of a run, except for times."""
    run = train(config, save=False)
    found = sha256(run.network.theta.tobytes())
    found.update(run.history.minibatch_losses.tobytes())
    rows = [{**row, "seconds": 0} for row in run.history.rows]
    found.update(repr((rows, run.scores)).encode())
    return found.digest()


def compare(name: str, config: dict[str, Any], copies: int, own: int) -> Same:
    """Make runs of one setting.

    Args:
        name: of the setting.
        config: of the runs.
        copies: the number of runs in forks of this process.
        own: the number of runs in new processes.
    """
    found = {_in_copy(config) for _ in range(copies)}
    found |= {_in_own_process(config) for _ in range(own)}
    return Same(name, copies + own, len(found))


def _in_copy(config: dict[str, Any]) -> bytes:
    memory, some = mmap(-1, BYTES), random.randrange(1, 4096)

    def work() -> None:
        there = [bytearray(some + 8 * k) for k in range(100)]  # so that arrays lie elsewhere
        memory[:] = bits_of(config)
        del there

    child = Child(work)
    if child.wait() != 0:
        raise RuntimeError(f"a run ended with {child.status}")
    return memory[:]


def _in_own_process(config: dict[str, Any]) -> bytes:
    command = [sys.executable, "-m", "proof.same_bits", json.dumps(config)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return bytes.fromhex(out.split()[-1])


def main() -> int:
    """Compare all settings, or print the digest of one run."""
    argument = sys.argv[1] if len(sys.argv) > 1 else "6"
    if argument.startswith("{"):
        print(bits_of(json.loads(argument)).hex())
        return 0
    half = int(argument) // 2
    found = [compare(name, config, int(argument) - half, half) for name, config in settings()]
    print(*found, sep="\n")
    return int(any(same.kinds != 1 for same in found))


if __name__ == "__main__":
    sys.exit(main())
