"""Images of shapes generated per second, on one core.

Run with: python -m benchmarks.images
"""

from __future__ import annotations

from statistics import median

from benchmarks.timing import interleaved, machine
from chainrule import ImageGenerator

COUNT, SIZE, ROUNDS = 20_000, 50, 5


def main() -> None:
    """Time the generator and print its rate."""
    generators = {
        "noiseless": ImageGenerator(size=SIZE, count=COUNT, seed=1),
        "noise 0.02": ImageGenerator(size=SIZE, count=COUNT, noise=0.02, seed=1),
        "all classes": ImageGenerator(
            size=SIZE, count=COUNT, classes=list(ImageGenerator.CLASSES), seed=1
        ),
    }
    seconds = interleaved({k: g.generate for k, g in generators.items()}, ROUNDS)
    print(f"{COUNT} images of {SIZE} x {SIZE}, uint8; {machine()}")
    for name, times in seconds.items():
        print(f"  {name:12}{COUNT / median(times):12,.0f} images a second")
    print("  (at least 20,000 are asked for)")


if __name__ == "__main__":
    main()
