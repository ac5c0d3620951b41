"""Lifts the limits of its resources, and makes itself more important."""

import os
import resource


def attack():
    done = []
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):
        for number in (0, os.getppid()):
            try:
                resource.prlimit(number, which, unlimited)
                done.append(f"limit {which} of {number}")
            except (OSError, ValueError):
                continue
    for way in (lambda: os.setuid(0), lambda: os.nice(-5), lambda: os.setpriority(0, 0, -5),
                lambda: os.chroot("."), lambda: os.sched_setaffinity(0, {0})):  # fmt: skip
        try:
            way()
            done.append("more rights")
        except OSError:
            continue
    return "; ".join(done)
