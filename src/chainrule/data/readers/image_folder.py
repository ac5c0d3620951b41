"""Reading folders of images with one subfolder for each class, or such folders for each part."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from chainrule.core.arrays import Array
from chainrule.core.declared import checked
from chainrule.core.errors import ConfigError, DataError, Problem
from chainrule.core.limits import MAX_IMAGE_SIDE
from chainrule.core.schema import Flag, described_as
from chainrule.data.readers.cases import Cases, Labels, name_as_text
from chainrule.data.readers.paths import existing_file, existing_folder, natural
from chainrule.data.readers.pictures import (
    ENDINGS,
    MOST_KINDS,
    NAMES_OF_FORMATS,
    Pictures,
    is_image,
    some_of,
)

PART_NAMES: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""The names of folders, in any case, that hold a part of the data instead of a class."""

_PART_OF = {name: part for part, names in PART_NAMES.items() for name in names}

_LITTER = re.compile(
    r"\.ds_store|\._.*|thumbs\.db|ehthumbs.*\.db|desktop\.ini|icon\r|__macosx|@eadir|#recycle"
    r"|\$recycle\.bin|system volume information|lost\+found|\.(trash.*|spotlight-v100|fseventsd)"
    r"|\.ipynb_checkpoints|__pycache__|\.(git|svn|hg|idea|vscode)|\.git(ignore|keep|attributes)"
    r"|\.directory|\.nomedia|\.picasa\.ini|.+~|.*\.(tmp|temp|part|crdownload|swp)",
    re.IGNORECASE | re.DOTALL,
)
"""The names of what operating systems, editors and downloads leave behind."""

_Side = Annotated[int, Field(ge=1, le=MAX_IMAGE_SIDE)]
Sides = Annotated[
    _Side | Annotated[Sequence[_Side], Field(min_length=2, max_length=2)],
    described_as(f"a whole number from 1 to {MAX_IMAGE_SIDE}, or two: [height, width]"),
]


@checked
def read_image_folder(
    folder: Path, *, size: Sides | None = None, color: Flag = False, skip_broken: Flag = False
) -> Cases:
    """Read images; the class of each is the name of the subfolder that it is in.

    Transparent images get a white background; of an animation or a document the first frame or
    page is read; a photograph is turned upright by its EXIF orientation.

    Args:
        folder: the folder that has a subfolder for each class.
        size: the side, or [height, width], that all images are resized to; without it they
            must agree.
        color: keep red, green and blue rather than grey.
        skip_broken: go on without images that cannot be read.

    Returns:
        x uint8 in 0..255, (cases, height, width), or (cases, height, width, 3) in colour, not yet
        divided by 255. The cases are in the order of their classes and, within a class, of the
        names of the files; classes are in natural order, see `natural`.

    Raises:
        ConfigError: the size is not valid.
        DataError: the folder is missing or has no images; or images cannot be read, are too
            large or differ in size.
    """
    return read_image_parts(folder, size=size, color=color, skip_broken=skip_broken)[0]


def read_image_parts(
    train: Path,
    validation: Path | None = None,
    test: Path | None = None,
    *,
    size: Sequence[int] | int | None = None,
    color: bool = False,
    skip_broken: bool = False,
) -> tuple[Cases, Cases | None, Cases | None]:
    """Read folders of training images and, where they are given, of validation and test images.

    Args:
        train: a folder with a subfolder for each class; ``validation`` and ``test``, which may
            lie within it, are none of its classes.
        validation: such a folder, or None.
        test: such a folder, or None.
        size: as for `read_image_folder`.
        color: as for `read_image_folder`.
        skip_broken: as for `read_image_folder`.

    Returns:
        The cases of each part, as `read_image_folder` returns them. All have the same classes:
        those of any part.

    Raises:
        DataError: as `read_image_folder`.
    """
    parts = [existing_folder(path) for path in (train, validation, test) if path is not None]
    left_out = _LeftOut()
    found = [_images_by_class(part, left_out, apart=parts) for part in parts]
    classes = _classes(parts, found)
    files = [[path for name in classes for path in own.get(name, ())] for own in found]
    reading = Pictures([path for own in files for path in own], size, color, train, skip_broken)
    x = reading.run()
    files = [[path for path in own if path not in reading.skipped] for own in files]
    _require_some_of_each(classes, files, train)
    names = tuple(dict.fromkeys(map(name_as_text, classes)))
    notes = (
        *left_out.notes(train),
        *reading.notes(),
        *_note_on_formats([path for own in files for path in own]),
        *_notes_on_classes(names, parts, files),
    )
    starts = np.cumsum([0, *map(len, files[:-1])])
    cases = [
        _labelled(own, x[start : start + len(own)], part, names, notes if part is parts[0] else ())
        for own, start, part in zip(files, starts, parts, strict=True)
    ]
    apart = iter(cases[1:])
    first, second = (None if path is None else next(apart) for path in (validation, test))
    return cases[0], first, second


def read_images(
    path: Path,
    *,
    size: Sequence[int] | int | None,
    color: bool,
    part: str | None = None,
    skip_broken: bool = False,
) -> Cases:
    """Read images for a trained network, as `read_image_folder` reads them.

    Args:
        path: an image or a folder of images, which have no labels; or a folder with a subfolder
            of images for each of one or more classes.
        size: as for the training data.
        color: as for the training data.
        part: of a folder with folders for parts, the part to read; None if labels are not
            wanted, and such a folder is refused.
        skip_broken: go on without images that cannot be read.

    Returns:
        x float64 in 0..1, and the labels or None.

    Raises:
        ConfigError, DataError: as `read_image_folder`.
    """
    if not os.path.isdir(path):  # raises no error, whatever the name
        reading = Pictures([existing_file(path)], size, color, path, skip_broken, trained=True)
        return _unlabelled(reading.run() / 255.0, ())
    path, notes = _chosen_part(path, part)
    left_out = _LeftOut()
    folders, images = _look(path, left_out)
    by_class = [image for name in folders for image in _look(name, left_out, "inside")[1]]
    labelled = bool(by_class) and (part is not None or not images)
    left_out.counts["beside" if labelled else "within"] += len(images if labelled else by_class)
    files = by_class if labelled else images
    if not files:
        message = f"found no image ({NAMES_OF_FORMATS}) in this folder or its subfolders"
        raise DataError(Problem(message, path))
    reading = Pictures(files, size, color, path, skip_broken, trained=True)
    x = reading.run()
    notes = (*notes, *left_out.notes(path), *reading.notes())
    if not labelled:
        return _unlabelled(x / 255.0, notes)
    files = [file for file in files if file not in reading.skipped]
    return _labelled(files, x / 255.0, path, None, notes)


def _chosen_part(path: Path, part: str | None) -> tuple[Path, tuple[str, ...]]:
    """The folder of a part, if the folder has parts, with a note; else the folder itself."""
    parts = parts_in(path)
    if not parts:
        return path, ()
    if part is None or part not in parts:
        lacks = f"but no {part}" if part else "of which one is wanted"
        there = " and ".join(found.name for found in parts.values())
        example = next(reversed(parts.values()))
        message = f"found folders of the parts {there}, {lacks}; name one, such as {example}"
        raise DataError(Problem(message, path))
    others = [found.name for name, found in parts.items() if name != part]
    note = f"of {path} the images in {parts[part].name} are taken, not in {' and '.join(others)}"
    return parts[part], (note,) if others else ()


def _unlabelled(x: Array, notes: tuple[str, ...]) -> Cases:
    return Cases(x, None, image_shape=x.shape[1:], notes=notes)


def _labelled(
    files: Sequence[Path],
    x: Array,
    folder: Path,
    classes: tuple[str, ...] | None,
    notes: tuple[str, ...],
) -> Cases:
    """Images that have the names of their folders as labels."""
    names = [name_as_text(path.parent.name) for path in files]
    labels = Labels(names, lambda k, text: Problem(text, files[k]), folder, classes, True)
    are_bytes = x.dtype == np.uint8
    return Cases(x, labels, image_shape=x.shape[1:], are_bytes=are_bytes, notes=notes)


# The parts of the data that have folders of their own


def with_parts(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The settings, with the parts that a ``folder`` of images has written out as keys.

    A ``folder: images`` with the folders ``train`` and ``test`` becomes ``folder: images/train``
    with ``test_folder: images/test``.

    Args:
        settings: the ``data`` part of a configuration.
        folder: where its relative paths start.

    Raises:
        ConfigError: a part that the folder has is also a setting, or a fraction of the split.
        DataError: the folder has parts, but not only parts, or their images lie in no class.
    """
    stated = settings.get("folder")
    if not isinstance(stated, str | Path) or "name" in settings:
        return dict(settings)
    given = {key: settings[key] for key in _FOLDER_OF_PART.values() if settings.get(key)}
    _require_other_folders(stated, given, folder)
    paths = [folder / os.path.expanduser(path) for path in given.values()]
    parts = _parts_of(folder, stated, apart=paths)
    if not parts:
        return dict(settings)
    _require_one_source(stated, parts, settings)
    written = {part: os.path.join(stated, path.name) for part, path in parts.items()}
    apart = {_FOLDER_OF_PART[part]: path for part, path in written.items() if part != "train"}
    return {**settings, **apart, "folder": written["train"]}


_FOLDER_OF_PART = {"validation": "validation_folder", "test": "test_folder"}


def _require_other_folders(stated: str | Path, given: Mapping[str, str], folder: Path) -> None:
    """Refuse to validate or test by the training images, or by a folder of several parts."""
    place = folder / os.path.expanduser(stated)
    for key, path in given.items():
        if _same(place, folder / os.path.expanduser(path)):
            message = f"{path} holds the images to train on; name another folder"
            raise ConfigError(Problem(message, key=key))
        if inner := _parts_of(folder, path):
            own = os.path.join(path, next(reversed(inner.values())).name)
            message = f"found folders of several parts; name that of one, such as {key}: {own}"
            raise ConfigError(Problem(message, key=key))


def _require_one_source(
    stated: str | Path, parts: Mapping[str, Path], settings: Mapping[str, Any]
) -> None:
    """Refuse a part that the folder has if a key or the split gives it as well."""
    split = settings.get("split")
    for k, (part, key) in enumerate(_FOLDER_OF_PART.items(), start=1):
        if part not in parts:
            continue
        name = f"{Path(stated).name}/{parts[part].name}"
        if settings.get(key):
            message = f"the {part} images are in {name}; leave out {key}, or rename that folder"
            raise ConfigError(Problem(message, key=key))
        if isinstance(split, list | tuple) and len(split) == 3 and split[k]:
            message = f"the {part} part of split must be 0: {name} gives it"
            raise ConfigError(Problem(message, key="split"))


def _parts_of(folder: Path, stated: str | Path, **options: Any) -> dict[str, Path]:
    """The parts in a folder that the settings name; none if it does not exist."""
    place = folder / os.path.expanduser(stated)
    return parts_in(place, stated=str(stated), **options) if os.path.isdir(place) else {}


def _same(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same folder."""
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def parts_in(
    folder: Path, *, apart: Sequence[Path] = (), stated: str | None = None
) -> dict[str, Path]:
    """The folders of ``train``, ``validation`` and ``test`` in a folder; empty if it has none.

    A folder with the name of a part is one if it has folders of classes itself; with images in
    it, among other folders of images, it is a class.

    Args:
        folder: the folder.
        apart: folders in it that are not looked at.
        stated: how its path is written in the configuration, for advice.

    Raises:
        DataError: it cannot be told which folders are parts and which are classes.
    """
    folders = [path for path in _look(folder)[0] if not any(_same(path, p) for p in apart)]
    named = [path for path in folders if path.name.casefold() in _PART_OF]
    if not named:
        return {}
    parts = [path for path in named if _folders(path)]
    flat = [path for path in named if path not in parts and _has_images(path)]
    others = [path for path in folders if path not in named and _has_images(path, deep=True)]
    if not parts and (others or not flat):
        return {}
    if flat or others or "train" not in (found := {_PART_OF[p.name.casefold()]: p for p in parts}):
        message = _unclear_parts(stated or str(folder), parts, flat, others)
        raise DataError(Problem(message, folder))
    if len(found) < len(parts):
        twice = " and ".join(path.name for path in parts)
        raise DataError(Problem(f"of {twice} two are the same part; rename one", folder))
    return {part: found[part] for part in PART_NAMES if part in found}


def _unclear_parts(
    folder: str, parts: Sequence[Path], flat: Sequence[Path], others: Sequence[Path]
) -> str:
    """The message where some folders seem to be parts of the data and others do not."""
    if flat:
        name = flat[0].name
        message = f"the images in {name} lie in no folder of a class; expected {name}/CLASS/..."
        train = next((p for p in parts if _PART_OF[p.name.casefold()] == "train"), None)
        if train is not None:
            message += f"; to do without them write folder: {folder}/{train.name}"
        return message
    there = some_of([path.name for path in parts])
    if others:
        beside = some_of([path.name for path in others])
        return (
            f"found {there}, a part of the data by its name, beside {beside} with images as well; "
            "take them apart, or name each part: folder:, validation_folder: and test_folder:"
        )
    return f"found {there}, but no folder train; name the training images by folder: {folder}/..."


def _has_images(folder: Path, *, deep: bool = False) -> bool:
    """Whether there are images in a folder, or, if ``deep``, in a folder in it."""
    folders, images = _look(folder)
    return bool(images) or (deep and any(_has_images(path) for path in folders))


# What lies in folders


_REASONS = {
    "no_image": ("file that is no image", "files that are no images"),
    "hidden": ("hidden file or folder", "hidden files or folders"),
    "special": ("pipe, device or link to nothing", "pipes, devices or links to nothing"),
    "beside": ("image beside the folders of classes", "images beside the folders of classes"),
    "within": ("image in a subfolder", "images in subfolders"),
    "inside": ("folder inside of a class's folder", "folders inside of classes' folders"),
}
"""Why something is left out, in words for one and for several."""


@dataclass
class _LeftOut:
    """What lies in the folders and is not read, counted by the reason and by its ending."""

    counts: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)

    def notes(self, folder: Path) -> tuple[str, ...]:
        """One sentence about everything that was left out; none if that is nothing."""
        said = [
            f"{number:,} {_REASONS[reason][number > 1]}"
            + (f" ({_by_ending(self.endings)})" if reason == "no_image" else "")
            for reason, number in self.counts.items()
            if number
        ]
        return (f"left out of {folder.name}: {', '.join(said)}",) if said else ()


def _by_ending(endings: Counter[str]) -> str:
    """How many files have each ending; the commonest first."""
    most = endings.most_common(MOST_KINDS)
    rest = len(endings) - len(most)
    found = [f"{number:,} {ending or 'without ending'}" for ending, number in most]
    return ", ".join([*found, *([f"{rest} other endings"] if rest else [])])


def _look(
    folder: Path, left_out: _LeftOut | None = None, of_folders: str | None = None
) -> tuple[list[Path], list[Path]]:
    """The folders, in natural order, and the image files, by name, that lie in a folder.

    Args:
        folder: the folder.
        left_out: counts what is neither.
        of_folders: the reason to leave out the folders, if they are left out.
    """
    folders, images, out = [], [], left_out or _LeftOut()
    for entry, path in _entries(folder):
        if entry.name.startswith("."):
            out.counts["hidden"] += 1
        elif _is(entry.is_dir):
            folders.append(path)
        elif not _is(entry.is_file):
            out.counts["special"] += 1
        elif is_image(path):
            images.append(path)
        else:
            out.counts["no_image"] += 1
            out.endings[path.suffix.lower()] += 1
    if of_folders is not None and folders:
        out.counts[of_folders] += len(folders)
    return sorted(folders, key=lambda path: natural(path.name)), sorted(images)


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, but no hidden ones."""
    found = (path for entry, path in _entries(folder) if _is(entry.is_dir))
    return [path for path in found if not path.name.startswith(".")]


def _entries(folder: Path) -> Iterator[tuple[os.DirEntry[str], Path]]:
    """What lies in a folder, without what systems and editors leave behind."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not _LITTER.fullmatch(entry.name):
                    yield entry, folder / entry.name
    except OSError as error:
        message = f"the folder cannot be read ({error.strerror})"
        raise DataError(Problem(message, folder)) from None


def _is(kind: Any) -> bool:
    """The answer of a folder's entry; no if it is a link that leads nowhere or in a circle."""
    try:
        return bool(kind())
    except OSError:
        return False


def _images_by_class(
    folder: Path, left_out: _LeftOut, apart: Sequence[Path]
) -> dict[str, list[Path]]:
    """The image files of each class, which is a subfolder; of an empty one an empty list."""
    folders, beside = _look(folder, left_out)
    left_out.counts["beside"] += len(beside)
    folders = [path for path in folders if not any(_same(path, other) for other in apart)]
    if not folders and beside:
        many = f"{len(beside):,} images" if len(beside) > 1 else "an image"
        message = f"found no subfolder, but {many}; expected a subfolder of images for each class"
        raise DataError(Problem(message, folder))
    return {path.name: _look(path, left_out, "inside")[1] for path in folders}


def _classes(parts: Sequence[Path], found: Sequence[Mapping[str, Sequence[Path]]]) -> list[str]:
    """The names of the classes of all parts, in natural order.

    Raises:
        DataError: there are fewer than two, or one has no image.
    """
    classes = sorted({name for images in found for name in images}, key=natural)
    if len(classes) < 2:
        only = f"only the subfolder {classes[0]!r}" if classes else "no subfolder"
        message = f"found {only}; expected one subfolder of images for each class"
        inner = _folders(parts[0] / classes[0]) if classes else []
        if len(inner) > 1:
            message += f", such as those in {classes[0]}: write folder: .../{classes[0]}"
        raise DataError(Problem(message, parts[0]))
    empty = [name for name in classes if not any(images.get(name) for images in found)]
    places = [next(p for p, own in zip(parts, found, strict=True) if n in own) / n for n in empty]
    if places:
        raise DataError([Problem(_why_empty(place), place) for place in places])
    return classes


def _why_empty(folder: Path) -> str:
    """The message for the folder of a class in which no image lies."""
    left_out = _LeftOut()
    folders, _ = _look(folder, left_out)
    if folders:
        there = some_of([path.name for path in folders])
        return f"found no image of this class, but folders ({there}); expected the images here"
    if left_out.counts:
        what = left_out.notes(folder)[0].partition(": ")[2]
        return f"found no image of this class, but {what}; {NAMES_OF_FORMATS} are read"
    return "found no image of this class: put some into the folder, or remove it"


def _require_some_of_each(
    classes: Sequence[str], files: Sequence[Sequence[Path]], folder: Path
) -> None:
    """Refuse classes all of whose images were broken and have been left out."""
    left = {path.parent.name for own in files for path in own}
    gone = [name for name in classes if name not in left]
    if gone:
        raise DataError(Problem(f"every image of {some_of(gone)} is broken", folder))


def _note_on_formats(files: Sequence[Path]) -> Iterator[str]:
    """A sentence about images of several formats, by which classes may differ unintendedly."""
    endings = Counter(path.suffix.lower() for path in files)
    if len({ENDINGS.get(ending) for ending in endings}) > 1:
        yield f"images of different formats were read: {_by_ending(endings)}"


def _notes_on_classes(
    names: Sequence[str], parts: Sequence[Path], files: Sequence[Sequence[Path]]
) -> Iterator[str]:
    """Sentences about classes that are absent from a part or have a single image."""
    counts = [Counter(name_as_text(path.parent.name) for path in own) for own in files]
    for part, count in zip(parts, counts, strict=True):
        if absent := [name for name in names if not count[name]]:
            yield f"{part.name} has no image of {some_of(absent)}"
    if single := [name for name in names if sum(count[name] for count in counts) == 1]:
        yield f"there is only one image of {some_of(single)}"
