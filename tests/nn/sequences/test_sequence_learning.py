"""What recurrent networks learn: parity of all strings, an echo, and a text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import chainrule

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def parity():
    return chainrule.train(EXAMPLES / "parity.yaml", save=False)


@pytest.mark.exhaustive
def test_parity_of_eight_bits_is_right_after_every_bit_of_all_256_strings(parity):
    assert len(parity.data.train) == 154
    assert parity.test.cases == 51
    assert [score.accuracy for score in parity.scores.values()] == [1.0, 1.0, 1.0]
    strings = (np.arange(256)[:, None] >> np.arange(7, -1, -1)) & 1
    said = parity.predict(strings[:, :, None]).astype(int)
    assert np.array_equal(said, strings.cumsum(axis=1) % 2)


def test_the_echo_is_heard_in_sequences_that_training_has_not_seen():
    run = chainrule.train(EXAMPLES / "echo.yaml", save=False)
    assert run.test.cases == 100
    assert run.test.r2 > 0.995
    x = np.random.default_rng(123).uniform(-1, 1, (50, 20, 1))
    heard = run.predict(x)
    assert np.sqrt(np.mean((heard[:, 5:] - x[:, :-5]) ** 2)) < 0.05


def test_an_echo_of_bits_is_right_to_the_last_one():
    run = chainrule.train(
        {
            "network": {
                "loss": "cross_entropy",
                "layers": [{"type": "recurrent", "size": 12}, {"size": 2}, "softmax"],
            },
            "data": {
                "generator": "echo",
                "delay": 5,
                "steps": [10, 20],
                "of": "bits",
                "count": 400,
            },
            "training": {"epochs": 60, "optimizer": "adam", "clip_gradient_norm": 1.0, "seed": 1},
        },
        save=False,
    )
    assert run.test.accuracy == 1.0


def test_the_next_character_is_told_better_than_by_how_often_each_comes(tmp_path):
    """The words follow each other at random; within a word the letters are certain."""
    rng = np.random.default_rng(0)
    words = ["red", "green", "blue", "yellow", "black", "white"]
    text = " ".join(rng.choice(words, 1500))
    (tmp_path / "words.txt").write_text(text)
    run = chainrule.train(
        {
            "network": {"layers": [{"type": "recurrent", "size": 24}, {"size": 18}, "softmax"]},
            "data": {"text": str(tmp_path / "words.txt"), "steps": 25},
            "training": {"epochs": 12, "batch_size": 16, "optimizer": "adam", "seed": 1,
                         "clip_gradient_norm": 5.0},
        },
        save=False,
    )  # fmt: skip
    assert len(run.classes) == 18
    _, counts = np.unique(list(text), return_counts=True)
    share = counts / counts.sum()
    unigram = -(share * np.log(share)).sum()
    a_character = run.test.loss / 25
    words_alone = np.log(len(words)) * (len(words) / sum(len(w) + 1 for w in words))
    assert 0.97 * words_alone < a_character < 0.35 * unigram
