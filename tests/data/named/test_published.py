"""CIFAR by name, as a configuration asks for it."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule
from chainrule.config.load import load_config
from chainrule.core.errors import ChainruleError, DataError
from chainrule.data.named.cifar import find_published, read_cifar
from chainrule.data.sources import load_data
from chainrule.runs.resolve import resolve_data

pytestmark = pytest.mark.exhaustive

LAYERS = [{"size": 10, "activation": "relu"}, {"size": 10}, "softmax"]


@pytest.fixture
def ten(real, folder, monkeypatch):
    """CIFAR-10's first images in ``data/`` beside a configuration."""
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    if not (real / "cifar_mini").is_dir():
        pytest.skip(f"{real} has no cifar_mini")
    (folder / "data").mkdir()
    (folder / "data" / "cifar-10-batches-py").symlink_to(
        real / "cifar_mini" / "cifar-10-batches-py", target_is_directory=True
    )
    return real / "cifar_mini"


def config(data, *, layers=LAYERS, dtype="float64"):
    return {"network": {"layers": layers, "dtype": dtype}, "data": data, "training": {"epochs": 1}}


def data_of(data, **options):
    return resolve_data(load_config(config(data, **options)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_published_parts_are_kept_and_pixels_lie_in_0_to_1(ten, dtype):
    data = data_of({"name": "cifar10", "split": [0.9, 0.1, 0]}, dtype=dtype)
    cifar = read_cifar(ten / "cifar-10-batches-py")
    assert [len(part) for part in data] == [450, 50, 100]
    assert data.train.x.dtype == dtype
    expected = cifar.test_images.reshape(100, -1) / 255
    assert data.test.x == pytest.approx(expected, rel=1e-6 if dtype == "float32" else 0)
    assert np.array_equal(data.test.t, cifar.test_labels)
    assert data.classes == cifar.class_names
    assert data.image_shape == (32, 32, 3)


def test_the_inputs_are_standardised_alike_in_both_types(ten):
    narrow, wide = (
        data_of({"name": "cifar10", "standardize": True}, dtype=dtype)
        for dtype in ("float32", "float64")
    )
    assert narrow.validation.x.dtype == np.float32
    assert narrow.validation.x == pytest.approx(wide.validation.x, abs=2e-6)
    assert abs(wide.train.x.mean(axis=0)).max() < 1e-12
    assert wide.train.x.std(axis=0) == pytest.approx(np.ones(3072), rel=1e-12)


def test_some_classes_in_an_order_of_ones_own(ten):
    layers = [{"size": 2}, "softmax"]
    data = data_of({"name": "cifar10", "classes": ["ship", "cat"]}, layers=layers)
    assert data.classes == ("ship", "cat")
    cifar = read_cifar(ten / "cifar-10-batches-py")
    chosen = [k for k in cifar.test_labels if cifar.class_names[k] in ("ship", "cat")]
    assert [data.classes[k] for k in data.test.t] == [cifar.class_names[k] for k in chosen]


def test_coarse_labels_of_cifar_100_by_its_path(ten):
    path = str(ten / "cifar-100-python")
    data = data_of(
        {"name": "cifar100", "path": path, "label": "coarse"}, layers=[{"size": 20}, "softmax"]
    )
    assert len(data.classes) == 20
    with pytest.raises(DataError, match="expected the files of cifar10, found CIFAR-100"):
        data_of({"name": "cifar10", "path": path})


def test_a_folder_of_published_files_is_known_by_its_contents(ten, folder):
    data = data_of({"folder": "data/cifar-10-batches-py", "split": [0.9, 0.1, 0]})
    named = data_of({"name": "cifar10", "split": [0.9, 0.1, 0]})
    assert [len(part) for part in data] == [450, 50, 100]
    assert np.array_equal(data.train.x, named.train.x)
    direct = load_data({"folder": ten / "cifar-100-python"}, folder=folder, seed=0)
    assert len(direct.classes) == 100
    run = chainrule.train(config({"folder": "data/cifar-10-batches-py"}), run="kept")
    assert "name: cifar10" in (run.folder / "config.yaml").read_text()
    again = chainrule.load(run.folder)
    assert np.array_equal(again.data.validation.x, run.data.validation.x)


def test_the_first_images_alone(ten):
    cifar = read_cifar(ten / "cifar-10-batches-py")
    data = data_of({"name": "cifar10", "count": 40, "split": [0.75, 0.25, 0]})
    assert [len(part) for part in data] == [30, 10, 100]
    found = {row.tobytes() for part in (data.train, data.validation) for row in part.x}
    first = cifar.train_images[:40].reshape(40, -1) / 255
    assert found == {row.tobytes() for row in first}
    two = [{"size": 2}, "softmax"]
    available = sum(cifar.class_names[k] in ("cat", "dog") for k in cifar.train_labels)
    chosen = {"name": "cifar10", "count": 40, "classes": ["cat", "dog"], "split": [1, 0, 0]}
    assert len(data_of(chosen, layers=two).train) == 40
    assert len(data_of({**chosen, "count": 10**9}, layers=two).train) == available


def test_a_run_keeps_the_mean_it_subtracts(ten):
    run = chainrule.train(config({"name": "cifar10", "standardize": "center"}), run="kept")
    assert abs(run.data.train.x.mean(axis=0)).max() < 1e-12
    assert run.data.train.x.std(axis=0).max() < 0.5
    again = chainrule.load(run.folder)
    assert np.array_equal(again.scaling.mean, run.scaling.mean)
    assert (again.scaling.scale == 1).all()
    assert np.array_equal(again.data.test.x, run.data.test.x)


def test_classes_without_an_image_are_told(ten, tmp_path):
    names = read_cifar(ten / "cifar-100-python").class_names
    (tmp_path / "few").mkdir()
    for name in ("test.bin", "train.bin"):
        (tmp_path / "few" / name).write_bytes(bytes(3074))
    (tmp_path / "few" / "fine_label_names.txt").write_text("\n".join(names))
    data = {"name": "cifar100", "path": str(tmp_path / "few"), "classes": [*names[1:3]]}
    with pytest.raises(DataError, match="found no training image of these classes"):
        data_of(data, layers=[{"size": 2}, "softmax"])


def test_a_run_finds_its_data_again_from_its_own_folder(ten, folder):
    run = chainrule.train(config({"name": "cifar10"}), run="kept")
    again = chainrule.load(folder / "kept")
    assert np.array_equal(again.data.test.x, run.data.test.x)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "cifar10", "classes": ["cat", "dgo"]}, "did you mean 'dog'"),
        (
            {"name": "cifar10", "split": [0.8, 0.1, 0.1]},
            "part of split must be 0: the set has test",
        ),
        ({"name": "cifar10", "label": "coarse"}, "label"),
        ({"name": "cifar100", "label": "course"}, "did you mean 'coarse'"),
        ({"name": "cifar10", "path": "nowhere"}, "nowhere"),
        ({"name": "cifar11"}, "cifar10"),
        ({"name": "cifar10", "count": 0}, "count must be a whole number of at least 1"),
        ({"name": "cifar10", "standardize": "mean"}, "true, false or center"),
        ({"folder": "data/cifar-10-batches-py", "size": 16}, "size has no place here"),
        (
            {"folder": "data/cifar-10-batches-py", "split": [0.8, 0.1, 0.1]},
            "part of split must be 0",
        ),
    ],
)
def test_mistakes_are_told(ten, data, message):
    with pytest.raises(ChainruleError, match=message):
        data_of(data)


def test_who_has_no_data_is_told_how_to_get_them(folder, monkeypatch):
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    page = "https://www.cs.toronto.edu/~kriz"
    for name, file, md5, binary_md5 in (
        (
            "cifar10",
            "cifar-10",
            "c58f30108f718f92721af3b95e74349a",
            "c32a1d4ab5d03f1284b67883e8d87530",
        ),
        (
            "cifar100",
            "cifar-100",
            "eb9058c3a382ffc7106e4002c42a8d85",
            "03b5dce01913d631647c71ecec9e9cb8",
        ),
    ):
        with pytest.raises(DataError) as caught:
            data_of({"name": name})
        told = str(caught.value)
        assert f"curl -LO {page}/{file}-python.tar.gz" in told
        assert f"md5sum {file}-python.tar.gz    # must print {md5}" in told
        assert f"tar xzf {file}-python.tar.gz" in told
        assert f"{page}/{file}-binary.tar.gz, MD5 {binary_md5}" in told
        assert str(folder / "data") in told


def test_the_commands_stand_a_folder_with_a_space(tmp_path, monkeypatch):
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    place = tmp_path / "my course"
    with pytest.raises(DataError) as caught:
        find_published("cifar10", beside=place)
    assert f"mkdir -p '{place}/data' && cd '{place}/data'" in str(caught.value)
