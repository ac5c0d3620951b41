"""How much a file may ask for: every limit that the readers keep, in one place.

A reader compares what a file says with these and with the bytes that are there before it takes
memory. What is larger is refused with a message that says so. The limits are far above what
files made in good faith need; most keep a small file from asking for much.

The writers of a run's files keep them as well: what a reader would refuse is refused before a
training begins, and no training ends in a folder that cannot be read.
"""

from __future__ import annotations

import os

MAX_DATA_BYTES = 4 * 2**30
"""Of a data file, and of the largest array that is made or read; more is taken for a mistake."""

BOMB_RATIO = 500
BOMB_BYTES = 2**24
"""A file that would unpack to more than `BOMB_BYTES` and to more than `BOMB_RATIO` times its size
was made to do harm. (The best of zip's methods packs 1,032 zeros into one byte.)"""

MAX_CONFIG_BYTES = 2**19
"""Of a configuration; the longest example has 2,000."""

MAX_CONFIG_VALUES = 20_000
"""Values in one configuration; most have fifty. A layer as run has about seven."""

MAX_DEPTH = 40
"""Of values in values in a configuration; about six are needed."""

MOST_PROBLEMS = 100
"""Report at most this many problems per file; count the rest."""

MOST_LETTERS = 2000
"""A longer message is cut; what a file holds may be part of it."""

MOST_OPCODES = 1_000_000
"""Of a pickle: the longest published file has about 200,000."""

MOST_NESTED = 10_000
"""Of a pickle: the most values on its stack when another list, dictionary or mark begins, and the
most tuples that hold a tuple. Picklers put a thousand values at a time into a list; an array has
one such tuple."""

MAX_PICKLE_BYTES = 2**30
"""Of a pickle: the longest published one has 156 million."""

MAX_DIMENSIONS = 8
"""Of an array in a file; images in colour have four."""

MAX_HEADER_BYTES = 10_000
"""Of the header of one array in an .npz file; NumPy writes 128, and refuses longer ones too."""

MAX_MEMBERS = 1000
"""Arrays in an .npz file; four are looked for."""

MAX_TEXT_BYTES = 2**26
"""Of a text that is learnt character by character; the longest novel has 15 million."""

MAX_SYMBOLS = 20_000
"""Different characters in it; each is an input and an output of the network."""

MAX_COLUMNS = 1_000_000
"""Of a text file of cases; an image of 512 x 512 in colour has 786,432 numbers."""

MAX_PIXELS = 25_000_000
"""Of the largest single image: as a camera's of 6,000 x 4,000 takes 100 MB in memory."""

MAX_IMAGE_SIDE = 8192
"""The most pixels along a side that images are resized to."""

MAX_JSON_BYTES = 2**25
MAX_JSON_VALUES = 4_000_000
MAX_JSON_BRACKETS = 100_000
"""Of run.json, whose longest part is the class names, and of a sweep's sweep.json. Values and
brackets are limited in every JSON text that is read, lines of metrics.jsonl and headers of tensor
files included."""

MAX_LINE_BYTES = 2**16
"""Of one line of metrics.jsonl; an epoch takes about 200."""

MAX_TENSOR_HEADER_BYTES = 2**24
"""Of the header of a safetensors file; an array takes about 80, and a checkpoint's header holds
the configuration as well."""


def machine_memory() -> int:
    """The machine's memory in bytes, which no file of arrays and no network may go beyond.

    2⁴⁰ where the machine does not say.
    """
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**40
