"""Bugs of initial values by hand and from files, and of cases written in a configuration."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

LAYERS, STARTS = "nn/layers/base.py", "runs/starts.py"
BY_HAND, FILES = ("nn/test_weights_by_hand.py",), ("runs/test_starts.py",)

BUGS = (
    Bug(
        "two biases beside weights by hand taken for a range",
        (Edit(LAYERS, "two_are_values=by_hand", "two_are_values=False"),),
        tests=BY_HAND,
    ),
    Bug(
        "given biases of an LSTM moved by its forget bias",
        (
            Edit(
                "nn/sequences/lstm.py",
                'if name == "b" and not isinstance(self.biases, Given):',
                'if name == "b":',
            ),
        ),
        tests=BY_HAND,
    ),
    Bug(
        "biases trained at the rate of the weights though they have their own",
        (
            Edit(
                "nn/network.py",
                "(of_biases if name in layer.bias_names else of_weights)",
                "of_weights",
            ),
        ),
        tests=("config/test_weights_by_hand_in_files.py",),
    ),
    Bug(
        "rows of a file of weights read as columns",
        (Edit(STARTS, "return array.reshape(shape)", "return array.T.reshape(shape)"),),
        tests=FILES,
    ),
    Bug(
        "a run goes on from other initial values than it began with",
        (
            Edit(
                "runs/train.py",
                "checksums[INITIAL_VALUES] = checksum(*start.values())",
                'checksums[INITIAL_VALUES] = ""',
            ),
        ),
        tests=FILES,
    ),
    Bug(
        "cases written in a configuration drawn into another order",
        (
            Edit(
                "data/sources.py",
                "return np.sort(train), np.sort(validation), np.sort(test)",
                "return train, validation, test",
            ),
        ),
        tests=("data/test_written_cases.py",),
    ),
)
