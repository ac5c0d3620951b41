"""Times of whole processes: courses/cmu_10601_hw5/neuralnet.py beside NumPy and PyTorch programs.

Run with: python -m benchmarks.letters [--epochs 2 20]

The large set: 9,000 letters of 128 pixels, 50 hidden units, one case at a time, and the losses of
all cases after every epoch. The programs take turns; medians of the time from start to end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks.timing import interleaved, machine, spread
from chainrule.data.readers.paths import find_data

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parents[1] / "courses" / "cmu_10601_hw5" / "neuralnet.py"
PROGRAMS = {
    "chainrule": SCRIPT,
    "NumPy": HERE / "numpy_program.py",
    "PyTorch": HERE / "torch_program.py",
}


def run(program: Path, data: tuple[Path, Path], epochs: int, folder: Path) -> None:
    """Run one program in a new process, and check that it wrote its metrics."""
    written = [folder / name for name in ("train.labels", "validation.labels", "metrics.txt")]
    arguments = [*map(str, (*data, *written)), str(epochs), "50", "1", "0.01"]
    subprocess.run([sys.executable, str(program), *arguments], check=True)
    assert len(written[2].read_text().splitlines()) == 2 * epochs + 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, nargs="+", default=[2, 20])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    names = ("largeTrain.csv", "largeValidation.csv")
    train, validation = (find_data(n, beside=SCRIPT.parent, within=("cmu_ocr",)) for n in names)
    programs = {k: v for k, v in PROGRAMS.items() if k != "PyTorch" or find_spec("torch")}
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        for epochs in options.epochs:
            programs = {
                name: partial(run, program, (train, validation), epochs, Path(folder))
                for name, program in programs.items()
            }
            found = interleaved(programs, options.rounds)
            print(f"\n{epochs} epochs of 9,000 letters, 50 hidden units; seconds of a process")
            for name, seconds in found.items():
                ratio = median(seconds) / median(found["chainrule"])
                print(f"  {name:<10} {spread(seconds, 1.0)}  {ratio:5.1f}")
    if "PyTorch" not in programs:
        print("PyTorch is not installed: pip install -e '.[peers]'")


if __name__ == "__main__":
    main()
