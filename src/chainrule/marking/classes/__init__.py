"""A class: what was handed in, unpacked with care, marked in several processes, and reported."""
