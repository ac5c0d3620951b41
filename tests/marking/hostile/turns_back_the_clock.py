"""Makes every clock stand still, and loops."""

import time


def attack():
    for name in ("time", "monotonic", "perf_counter", "process_time", "sleep"):
        setattr(time, name, lambda *_: 0.0)
    while time.monotonic() < 1:
        pass
