"""Reading folders of images with one subfolder for each class."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from chainrule.core.arrays import Array
from chainrule.core.declared import checked
from chainrule.core.errors import DataError, Problem
from chainrule.core.limits import MAX_DATA_BYTES, MAX_IMAGE_SIDE, MAX_PIXELS
from chainrule.core.schema import Flag, described_as
from chainrule.data.generators.base import ends_of
from chainrule.data.readers.cases import Cases, Labels, name_as_text
from chainrule.data.readers.encoding import MOST_SHOWN
from chainrule.data.readers.paths import existing_file, existing_folder, refuse_bomb

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm")
"""The endings of files that are read as images; other files are ignored."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM")
"""The only formats that Pillow may open: its readers of some others run programs."""

_STRIP = 256
"""Rows of an image that are converted at once, which limits the memory needed."""

_Side = Annotated[int, Field(ge=1, le=MAX_IMAGE_SIDE)]
Sides = Annotated[
    _Side | Annotated[Sequence[_Side], Field(min_length=2, max_length=2)],
    described_as(f"a whole number from 1 to {MAX_IMAGE_SIDE}, or two: [height, width]"),
]


@checked
def read_image_folder(folder: Path, *, size: Sides | None = None, color: Flag = False) -> Cases:
    """Read images; the class of each is the name of the subfolder that it is in.

    Pixels are divided by 255. Transparent images get a white background; of an animation the
    first frame is read; a photograph is turned upright by its EXIF orientation.

    Args:
        folder: the folder that has a subfolder for each class.
        size: the side, or [height, width], that all images are resized to; without it they
            must agree.
        color: keep red, green and blue rather than grey.

    Returns:
        x float64 in 0..1, (cases, height, width), or (cases, height, width, 3) in colour; the
        cases are in the order of the names of the classes and, within a class, of the files.

    Raises:
        ConfigError: the size is not valid.
        DataError: the folder is missing or has no images; or images cannot be read, are too
            large or differ in size.
    """
    files = _files(existing_folder(folder))
    return _labelled(files, _read_all(files, size, color, folder), folder)


def read_images(path: Path, *, size: Sequence[int] | int | None, color: bool) -> Cases:
    """Read images for a trained network, as `read_image_folder` reads them.

    Args:
        path: an image or a folder of images, which have no labels; or a folder with a subfolder
            of images for each of one or more classes.
        size: as for the training data.
        color: as for the training data.

    Raises:
        ConfigError, DataError: as `read_image_folder`.
    """
    if not os.path.isdir(path):  # raises no error, whatever the name
        return _unlabelled(_read_all([existing_file(path)], size, color, path))
    files = _images(path)
    if files:
        return _unlabelled(_read_all(files, size, color, path))
    files = [image for name in _subfolders(path) for image in _images(name)]
    if not files:
        message = f"found no image ({', '.join(ENDINGS)}) in this folder or its subfolders"
        raise DataError(Problem(message, path))
    return _labelled(files, _read_all(files, size, color, path), path)


def is_image(path: Path) -> bool:
    """Whether a file's name is that of an image."""
    return path.suffix.lower() in ENDINGS


def _unlabelled(x: Array) -> Cases:
    return Cases(x, None, image_shape=x.shape[1:])


def _labelled(files: Sequence[Path], x: Array, folder: Path) -> Cases:
    """Images that have the names of their folders as labels."""
    names = [name_as_text(path.parent.name) for path in files]
    labels = Labels(names, lambda k, text: Problem(text, files[k]), folder, are_names=True)
    return Cases(x, labels, image_shape=x.shape[1:])


def _read_all(
    files: Sequence[Path], size: Sequence[int] | int | None, color: bool, folder: Path
) -> Array:
    """The images of all files, with values in 0..1; an error lists the problems of the files."""
    shape = None if size is None else ends_of(size)
    images: list[Array] = []
    problems: list[Problem] = []
    packed = unpacked = 0
    for path in files:
        try:
            image = _read(path, shape, color)
        except DataError as error:
            problems.extend(error.problems)
            continue
        images.append(image)
        packed, unpacked = packed + path.stat().st_size, unpacked + image.nbytes
        if shape is None:  # with a size given, the user knows how large the images become
            refuse_bomb(folder, packed, unpacked)
        if image.shape != images[0].shape:
            problems.append(Problem(_other_size(image, images[0], files[0]), path))
        if image.nbytes * len(files) * 8 > MAX_DATA_BYTES:
            raise DataError(
                Problem("the images take too much memory; give a smaller size", folder)
            )
        if len(problems) >= MOST_SHOWN:
            break
    if problems:
        raise DataError(problems)
    return np.stack(images) / 255.0


def _files(folder: Path) -> list[Path]:
    """The image files of all classes, class by class."""
    classes = _subfolders(folder)
    if len(classes) < 2:
        found = "no subfolder" if not classes else f"only the subfolder {classes[0].name!r}"
        raise DataError(
            Problem(f"found {found}; expected one subfolder of images for each class", folder)
        )
    images = {name: _images(name) for name in classes}
    message = f"found no image ({', '.join(ENDINGS)}) of this class"
    if empty := [Problem(message, name) for name in classes if not images[name]]:
        raise DataError(empty)
    return [path for name in classes for path in images[name]]


def _subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, in the order of their names."""
    return sorted(path for path in _entries(folder) if path.is_dir())


def _images(folder: Path) -> list[Path]:
    """The image files in a folder, in the order of their names."""
    return sorted(path for path in _entries(folder) if is_image(path) and path.is_file())


def _entries(folder: Path) -> list[Path]:
    """The files and folders in a folder that are not hidden."""
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        message = f"the folder cannot be read ({error.strerror})"
        raise DataError(Problem(message, folder)) from None


def _read(path: Path, shape: tuple[int, int] | None, color: bool) -> Array:
    """One image as bytes, (height, width) or (height, width, 3)."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with (
            warnings.catch_warnings(action="ignore"),  # about large images, refused below
            Image.open(path, formats=_FORMATS) as image,
        ):
            width, height = image.size
            if width * height > MAX_PIXELS:
                message = f"the image has {width} x {height} pixels; at most {MAX_PIXELS:,}"
                raise DataError(Problem(message, path))
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            picture = _plain(image, "RGB" if color else "L")
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(Problem("the file is not an image, or is damaged", path)) from None
    except Image.DecompressionBombError:
        raise DataError(Problem("the image is too large to be unpacked", path)) from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise DataError(Problem(f"the image cannot be read ({error})", path)) from None
    if shape is not None and picture.size != shape[::-1]:
        picture = picture.resize(shape[::-1], Image.Resampling.LANCZOS)
    return np.asarray(picture, dtype=np.uint8)


def _plain(image: Image, mode: str) -> Image:
    """The image in the mode ``L`` or ``RGB``, converted strip by strip."""
    from PIL import Image

    plain = Image.new(mode, image.size)
    width, height = image.size
    for top in range(0, height, _STRIP):
        strip = image.crop((0, top, width, min(top + _STRIP, height)))
        plain.paste(_plain_strip(strip, mode), (0, top))
    return plain


def _plain_strip(image: Image, mode: str) -> Image:
    """A strip converted to the mode, on a white background if it is transparent."""
    from PIL import Image

    if image.mode.startswith("I"):
        # Pillow would clip pixels of 16 bits at 255 instead of scaling them.
        wide = np.asarray(image, dtype=np.float64) / 257
        image = Image.fromarray(np.clip(np.round(wide), 0, 255).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        opaque = image.convert("RGBA")
        white = Image.new("RGBA", opaque.size, "white")
        image = Image.alpha_composite(white, opaque)
    return image.convert(mode)


def _other_size(image: Array, first: Array, path: Path) -> str:
    height, width = image.shape[:2]
    return (
        f"the image has {height} x {width} pixels, but {path.name} has "
        f"{first.shape[0]} x {first.shape[1]}; give a size to which all are resized"
    )
