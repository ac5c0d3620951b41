"""CIFAR-10 and CIFAR-100 from their published files."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest

from chainrule.core.errors import ConfigError, DataError
from chainrule.data.named.cifar import LAYOUTS, layout_of, read_cifar

RNG = np.random.default_rng(3)
TEN = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.fixture
def mini(real):
    """The folder of small published files."""
    if not (real / "cifar_mini").is_dir():
        pytest.skip(f"{real} has no cifar_mini")
    return real / "cifar_mini"


def planes(images):
    """Images as the files store them: red, then green, then blue."""
    return images.transpose(0, 3, 1, 2).reshape(len(images), -1)


def random_images(count):
    return RNG.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def write_ten(folder, batches, test):
    """The python version of CIFAR-10."""
    folder.mkdir(exist_ok=True)
    names = [f"data_batch_{k + 1}" for k in range(len(batches))] + ["test_batch"]
    for name, (images, labels) in zip(names, [*batches, test], strict=True):
        values = {b"data": planes(images), b"labels": [int(k) for k in labels]}
        (folder / name).write_bytes(pickle.dumps(values))
    (folder / "batches.meta").write_bytes(pickle.dumps({b"label_names": TEN}))
    return folder


def write_hundred_binary(folder, train, test):
    """The binary version of CIFAR-100: coarse label, fine label, pixels."""
    folder.mkdir()
    for name, (images, coarse, fine) in (("train.bin", train), ("test.bin", test)):
        records = np.column_stack([coarse, fine, planes(images)]).astype(np.uint8)
        (folder / name).write_bytes(records.tobytes())
    (folder / "coarse_label_names.txt").write_text("".join(f"group{k}\n" for k in range(20)))
    (folder / "fine_label_names.txt").write_text("".join(f"kind{k}\n" for k in range(100)) + "\n")
    return folder


def test_the_published_cifar_10(mini):
    cifar = read_cifar(mini / "cifar-10-batches-py")
    assert cifar.name == "CIFAR-10"
    assert cifar.train_images.shape == (500, 32, 32, 3)
    assert cifar.train_images.dtype == np.uint8
    assert cifar.test_images.shape == (100, 32, 32, 3)
    assert list(cifar.class_names) == TEN
    # The first images of the published file are a frog and a truck; the sky of the first test
    # image, a cat, is nothing blue.
    assert [cifar.class_names[k] for k in cifar.train_labels[:2]] == ["frog", "truck"]
    assert cifar.train_images[0, 0, 0].tolist() == [59, 62, 63]
    assert cifar.class_names[cifar.test_labels[0]] == "cat"


@pytest.mark.parametrize(("label", "classes"), [("fine", 100), ("coarse", 20)])
def test_the_published_cifar_100(label, classes, mini):
    cifar = read_cifar(mini / "cifar-100-python", label=label)
    assert len(cifar.class_names) == classes
    assert cifar.train_images.shape == (486, 32, 32, 3)
    assert cifar.test_images.shape == (200, 32, 32, 3)
    assert cifar.train_labels.max() < classes
    names = {"fine": "cattle", "coarse": "large_omnivores_and_herbivores"}
    assert cifar.class_names[cifar.train_labels[0]] == names[label]


def test_images_stand_upright_in_the_order_of_the_files(tmp_path):
    batches = [(random_images(n), RNG.integers(0, 10, n)) for n in (3, 1)]
    test = (random_images(2), [9, 0])
    cifar = read_cifar(write_ten(tmp_path / "ten", batches, test))
    assert np.array_equal(cifar.train_images, np.concatenate([x for x, _ in batches]))
    assert np.array_equal(cifar.train_labels, np.concatenate([t for _, t in batches]))
    assert np.array_equal(cifar.test_images, test[0])
    assert cifar.test_labels.tolist() == [9, 0]


@pytest.mark.parametrize("label", ["fine", "coarse"])
def test_the_binary_version_of_cifar_100(label, tmp_path):
    train = (random_images(4), [0, 19, 7, 7], [99, 0, 5, 50])
    test = (random_images(2), [1, 2], [3, 4])
    cifar = read_cifar(write_hundred_binary(tmp_path / "hundred", train, test), label=label)
    assert np.array_equal(cifar.train_images, train[0])
    assert cifar.train_labels.tolist() == train[1 if label == "coarse" else 2]
    assert cifar.test_labels.tolist() == test[1 if label == "coarse" else 2]
    assert len(cifar.class_names) == (20 if label == "coarse" else 100)


def test_the_binary_version_of_cifar_10(tmp_path):
    images, labels = random_images(3), [7, 0, 9]
    records = np.column_stack([labels, planes(images)]).astype(np.uint8)
    (tmp_path / "data_batch_1.bin").write_bytes(records.tobytes())
    (tmp_path / "test_batch.bin").write_bytes(records[1:].tobytes())
    (tmp_path / "batches.meta.txt").write_text("\n".join(TEN) + "\n\n")
    cifar = read_cifar(tmp_path)
    assert np.array_equal(cifar.train_images, images)
    assert cifar.train_labels.tolist() == labels
    assert np.array_equal(cifar.test_images, images[1:])
    assert list(cifar.class_names) == TEN
    with pytest.raises(ConfigError, match="coarse"):
        read_cifar(tmp_path, label="coarse")


def test_some_classes_alone(tmp_path):
    images = random_images(6)
    folder = write_ten(tmp_path / "ten", [(images, [3, 5, 0, 5, 9, 3])], (images[:2], [5, 1]))
    cifar = read_cifar(folder).choose(["dog", "cat"])
    assert np.array_equal(cifar.train_images, images[[0, 1, 3, 5]])
    assert cifar.train_labels.tolist() == [1, 0, 0, 1]
    assert cifar.test_labels.tolist() == [0]
    assert cifar.class_names == ("dog", "cat")
    with pytest.raises(ConfigError, match="horse"):
        read_cifar(folder).choose(["hose", "cat"])
    with pytest.raises(ConfigError, match="twice"):
        read_cifar(folder).choose(["cat", "cat"])


def test_a_folder_is_told_from_others(tmp_path):
    assert layout_of(tmp_path) is None
    with pytest.raises(DataError, match=r"CIFAR-100, binary version: train\.bin"):
        read_cifar(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read_cifar(tmp_path / "missing")
    with pytest.raises(DataError, match="cannot be read"):
        read_cifar(tmp_path / ("a" * 300))
    assert {layout.name for layout in LAYOUTS} == {
        "CIFAR-10",
        "CIFAR-100",
        "CIFAR-10, binary version",
        "CIFAR-100, binary version",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({b"labels": [1, 2]}, "3 images have 2 labels"),
        ({b"labels": [1, 2, 10]}, "labels: image 2 has class 10, of the classes 0 to 9"),
        ({b"labels": [1, 2, -1]}, "image 2 has class -1"),
        ({b"labels": [1, 2, True]}, "a list of class numbers"),
        ({b"labels": None}, "a list of class numbers"),
        ({b"data": np.zeros((3, 100), np.uint8)}, r"\(cases, 3,072\), found \(3, 100\)"),
        ({b"data": b"abc"}, "found bytes"),
        ({b"data": np.zeros((3, 3072))}, "numbers of type"),
    ],
)
def test_a_damaged_file_is_named(change, message, tmp_path):
    folder = write_ten(tmp_path / "ten", [(random_images(3), [0, 1, 2])], (random_images(1), [0]))
    values = pickle.loads((folder / "data_batch_1").read_bytes()) | change
    (folder / "data_batch_1").write_bytes(pickle.dumps(values))
    with pytest.raises(DataError, match=message) as caught:
        read_cifar(folder)
    assert caught.value.problems[0].path == folder / "data_batch_1"


DOUBLED: list[object] = []
for _ in range(60):
    DOUBLED = [DOUBLED, DOUBLED]


@pytest.mark.parametrize(
    "names",
    [None, [], ["cat", "cat"], ["cat", ""], ["cat", "\x1b[31mdog"], ["cat", "\ud800"], ["a", 7]],
)
def test_names_that_are_none_are_refused(names, tmp_path):
    folder = write_ten(tmp_path / "ten", [(random_images(1), [0])], (random_images(1), [0]))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": names}))
    with pytest.raises(DataError, match="expected a list of class names, each once"):
        read_cifar(folder)


def test_a_name_without_end_is_not_written_out(tmp_path):
    folder = write_ten(tmp_path / "ten", [(random_images(1), [0])], (random_images(1), [0]))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["cat", DOUBLED]}))
    with pytest.raises(DataError, match="expected a list of class names, each once"):
        read_cifar(folder)


def test_a_file_of_records_beyond_any_use_is_not_read(tmp_path):
    train = (random_images(2), [0, 1], [2, 3])
    folder = write_hundred_binary(tmp_path / "hundred", train, train)
    with open(folder / "train.bin", "r+b") as file:
        file.truncate(3074 * 2**22)
    with pytest.raises(
        DataError, match=r"train\.bin: the file has [\d,]+ bytes; at most 1,073,741,824 \(1 GiB\)"
    ):
        read_cifar(folder)


def test_a_missing_or_cut_file_is_named(tmp_path):
    train = (random_images(2), [0, 1], [2, 3])
    folder = write_hundred_binary(tmp_path / "hundred", train, train)
    contents = (folder / "test.bin").read_bytes()
    (folder / "test.bin").write_bytes(contents[:-1])
    with pytest.raises(DataError, match="records have 3,074 bytes"):
        read_cifar(folder)
    (folder / "fine_label_names.txt").unlink()
    with pytest.raises(DataError, match=r"fine_label_names\.txt; it is missing"):
        read_cifar(folder)


def test_it_is_recognised_after_a_copy_without_some_batches(mini, tmp_path):
    for name in ("data_batch_3", "test_batch", "batches.meta"):
        shutil.copy(mini / "cifar-10-batches-py" / name, tmp_path / name)
    assert read_cifar(tmp_path).train_images.shape == (100, 32, 32, 3)
