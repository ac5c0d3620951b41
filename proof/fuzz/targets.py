"""The readers that are fuzzed, by name."""

from __future__ import annotations

from pathlib import Path

from chainrule.config.load import load_config
from chainrule.data.idx_file import read_idx_images
from chainrule.data.npz_file import read_npz
from chainrule.data.pickles import read_pickle
from chainrule.data.text_file import read_text
from chainrule.run_folder import Facts, RunFolder
from chainrule.tensor_file import read_tensors
from proof.fuzz.target import Target

_DATA = ("chainrule.data.",)


def _read_facts(path: Path) -> Facts:
    return RunFolder(path.parent).read_facts(2, 2)


TARGETS = {
    target.name: target
    for target in (
        Target("yaml", "config.yaml", load_config, ("chainrule.config.",)),
        Target("compact", "config.txt", load_config, ("chainrule.config.",)),
        Target("text", "cases.csv", read_text, _DATA),
        Target("npz", "cases.npz", read_npz, _DATA),
        Target("idx", "images-ubyte", read_idx_images, _DATA),
        Target("pickle", "data_batch_1", read_pickle, _DATA),
        Target(
            "safetensors",
            "parameters.safetensors",
            read_tensors,
            ("chainrule.tensor_file", "chainrule.json_text"),
        ),
        Target("facts", "run.json", _read_facts, ("chainrule.run_folder", "chainrule.json_text")),
    )
}
