"""Text by a network that has learnt which character comes next."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

import chainrule
from chainrule.core.errors import ChainruleError
from chainrule.runs.sampling import sample


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Of a text that goes round: what follows two characters is certain."""
    path = tmp_path_factory.mktemp("text") / "t.txt"
    path.write_text("abacad" * 60)
    return chainrule.train(
        {
            "network": {"layers": [{"type": "recurrent", "size": 8}, {"size": 4}, "softmax"]},
            "data": {"text": str(path), "steps": 12, "stride": 5, "split": [1, 0, 0]},
            "training": {"epochs": 150, "batch_size": 8, "optimizer": "adam", "seed": 1},
        },
        save=False,
    )


def test_it_goes_on_as_the_text_does(run):
    told = "".join(sample(run, start="abacad", count=30, temperature=0))
    assert told == "abacad" * 5


def test_a_short_start_is_seen_as_it_is(run):
    """Two characters in a window of twelve say what comes next."""
    assert next(sample(run, start="dab", count=1, temperature=0)) == "a"
    assert next(sample(run, start="ab", count=1, temperature=0)) == "a"


def test_the_seed_and_the_temperature_decide(run):
    drawn = ["".join(sample(run, start="a", count=40, seed=s)) for s in (1, 1, 2)]
    assert drawn[0] == drawn[1]
    bold = "".join(sample(run, start="a", count=200, temperature=50.0, seed=3))
    shares = np.unique(list(bold), return_counts=True)[1] / 200
    assert len(shares) == 4
    assert shares.max() < 0.4


def test_it_draws_by_the_probabilities(run):
    """Behind one a nothing says which letter follows: all three do."""
    followers = {next(sample(run, start="a", count=1, seed=s)) for s in range(40)}
    assert followers >= {"b", "c", "d"}


def test_an_exported_file_is_told_from_a_network_of_something_else(run, tmp_path):
    run.export(tmp_path / "t.json")
    with pytest.raises(ChainruleError, match=r"an exported file does not say .* run's folder"):
        next(sample(chainrule.load(tmp_path / "t.json")))


def test_without_a_start_there_is_one(run):
    assert len(list(islice(sample(run, count=5), 9))) == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "axb\n"}, r"never saw: \\n, x"),
        ({"count": -1}, "count must be from 0"),
        ({"temperature": -1.0}, "temperature must be finite and at least 0"),
        ({"temperature": float("inf")}, "temperature must be finite"),
    ],
)
def test_what_cannot_be_is_said(run, options, message):
    with pytest.raises(ChainruleError, match=message):
        sample(run, **options)


def test_other_networks_tell_no_characters():
    other = chainrule.train(
        {
            "network": {"loss": "mse", "layers": [{"type": "recurrent", "size": 2}, {"size": 1}]},
            "data": {"generator": "echo", "count": 10},
            "training": {"epochs": 0},
        },
        save=False,
    )
    with pytest.raises(ChainruleError, match="only a network that was trained on a text"):
        sample(other)
