"""Takes all memory there is, in pieces."""

import numpy as np


def attack():
    kept = []
    size = 2**28
    while size:
        try:
            kept.append(np.ones(size))
        except MemoryError:
            size //= 2
        if sum(array.nbytes for array in kept) > 2**32:
            return "more than 4 GB"
    kept.append(bytearray(2**22))
    return ""
