"""``chainrule plot RUN``."""

from __future__ import annotations

import pytest

import chainrule
from chainrule.cli.plot import PICTURES

LAYERS = [{"size": 6, "activation": "tanh"}, {"size": 2}, "softmax"]


def trained(data, layers=LAYERS, name="run", health=True):
    training = {"epochs": 2, "health": health}
    config = {"network": {"layers": layers}, "data": data, "training": training}
    chainrule.train(config, run=name)


def test_weights_of_a_network_of_images(command, folder):
    trained({"generator": "shapes", "size": 10, "count": 30, "classes": 2, "standardize": True})
    done = command("plot", "run")
    assert done.status == 0
    assert done.out == "picture written to run/weights.png\npicture written to run/health.png\n"
    assert (folder / "run" / "weights.png").stat().st_size > 5000


def test_the_filters_of_a_convolution(command, folder):
    layers = [{"type": "conv2d", "filters": 4, "size": 3}, "max_pool2d", "flatten", {"size": 2}]
    trained({"generator": "shapes", "size": 10, "count": 30, "classes": 2}, [*layers, "softmax"])
    assert "picture written to run/weights.png\n" in command("plot", "run").out
    assert (folder / "run" / "weights.png").stat().st_size > 3000


def test_the_boundary_of_a_network_of_two_inputs(command, folder):
    trained({"generator": "moons", "count": 40, "standardize": True})
    (folder / "pictures").mkdir()
    done = command("plot", "run", "boundary", "--out", "pictures")
    assert done.out == "picture written to pictures/boundary.png\n"
    assert (folder / "pictures" / "boundary.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bondary"], "did you mean 'boundary'"),
        (["weights"], "nothing to draw for weights (the first layer has no weights for images)"),
        (
            [],
            "boundary (it needs two inputs, and classes) and health (the run recorded",
        ),
        (["health"], "nothing to draw for health (the run recorded none: training.health was"),
    ],
)
def test_what_cannot_be_drawn(words, message, command, folder):
    trained({"generator": "blobs", "features": 3, "classes": 2, "count": 20}, health=False)
    done = command("plot", "run", *words)
    assert done.status == 2
    assert message in done.err
    assert not list((folder / "run").glob("weights*"))


def test_a_folder_that_is_not_there(command, folder):
    trained({"generator": "moons", "count": 40})
    assert command("plot", "run", "--out", "nowhere").status == 2
    assert command("plot", "nothing").status == 2


@pytest.mark.exhaustive
def test_an_embedding_has_no_weights_to_draw(folder):
    (folder / "t.txt").write_text("abacad" * 20)
    layers = [{"type": "embedding", "size": 3}, {"type": "gru", "size": 3}, {"size": 4}, "softmax"]
    config = {"network": {"layers": layers}, "data": {"text": "t.txt", "steps": 6}}
    run = chainrule.train({**config, "training": {"epochs": 0}}, save=False)
    assert [draw(run) for draw, _ in PICTURES.values()] == [None, None, None]
