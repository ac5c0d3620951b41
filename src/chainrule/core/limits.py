"""The limits of all readers: how large a file and its contents may be.

Before a reader allocates memory, it compares the sizes that a file states with these limits and
with the file's length; what is larger is refused with a message. The limits are far above
what honest files need; most keep a small file from making the program take much memory or time.

The writers of a run's files keep the same limits: what a reader would refuse is refused before a
training begins, so that no training ends in a folder that cannot be read.
"""

from __future__ import annotations

import os

MAX_DATA_BYTES = 4 * 2**30
"""The most bytes of a data file or of an array; more is taken for a mistake."""

MAX_FILES = 10_000
"""The most files that are read as one table."""

BOMB_RATIO = 500
BOMB_BYTES = 2**24
"""A file that would unpack to more than `BOMB_BYTES` and to more than `BOMB_RATIO` times its size
is refused as malicious. (Deflate packs up to 1,032 zeros into one byte.)"""

MAX_CONFIG_BYTES = 2**19
"""The most bytes of a configuration; the longest example has about 3,000."""

MAX_CONFIG_VALUES = 20_000
"""The most values in one configuration; most have fifty. A layer with defaults has about seven."""

MAX_DEPTH = 40
"""The most nested levels of a configuration; about six are needed."""

MOST_PROBLEMS = 100
"""Report at most this many problems per file; count the rest."""

MOST_SHOWN = 10
"""Of cells or rows of a file that are wrong alike, report this many with their places."""

MOST_LETTERS = 2000
"""A longer message, which may quote a file, is cut to this many characters."""

MOST_OPCODES = 1_000_000
"""The most instructions of a pickle; the longest published file has about 200,000."""

MOST_NESTED = 10_000
"""The most values on a pickle's stack when another list, dictionary or mark begins, and the most
tuples of a pickle that contain a tuple. Pickling appends a thousand values at a time to a list,
and an array has one such tuple."""

MAX_PICKLE_BYTES = 2**30
"""The most bytes of a pickle; the longest published one has 156 million."""

MAX_DIMENSIONS = 8
"""The most dimensions of an array in a file; images in colour have four."""

MAX_HEADER_BYTES = 10_000
"""The most bytes of an array's header in an .npz file, as in NumPy, which writes 128."""

MAX_MEMBERS = 1000
"""The most arrays in an .npz file; the reader looks for four."""

MAX_TEXT_BYTES = 2**26
"""The most bytes of a text learnt character by character; the longest novel has 15 million."""

MAX_SYMBOLS = 20_000
"""The most different characters in such a text; each is an input and an output of the network."""

MAX_COLUMNS = 50_000
"""The most columns of a table; a 128 x 128 image in colour has 49,152 numbers. Each column has a
name and a kind of its own, which take longer than its numbers; wider cases go into .npz files."""

MAX_COLUMNS_OF_TEXTS = 10_000
"""The most columns of a text file whose cells are no numbers."""

MAX_PIXELS = 25_000_000
"""The most pixels of a single image; a camera's 6,000 x 4,000 take 100 MB in memory."""

MAX_IMAGE_SIDE = 8192
"""The most pixels along a side that images are resized to."""

MAX_JSON_BYTES = 2**25
MAX_JSON_VALUES = 4_000_000
MAX_JSON_BRACKETS = 100_000
"""Limits of run.json, whose longest part is the class names, and of sweep.json. Values and
brackets are also limited in lines of metrics.jsonl and in headers of tensor files."""

MAX_LINE_BYTES = 2**20
"""The most bytes of one line of metrics.jsonl; an epoch takes about 200, and 130 a layer where the
layers' health was measured."""

MAX_TENSOR_HEADER_BYTES = 2**24
"""The most bytes of a safetensors file's header; an array takes about 80, and a checkpoint's
header holds the configuration as well."""


def machine_memory() -> int:
    """The machine's memory in bytes, or 2⁴⁰ if unknown; it limits array files and networks."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**40


def machine_cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
