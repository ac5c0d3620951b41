"""Reading tables and folders of images: seconds and memory of new processes.

A CSV file of a million rows with five numbers and a text is read by `read_table`, by pandas and by
polars where these are installed, and trained on for one epoch by ``chainrule train``; the same
table is read from Parquet. 10,000 images of 64 x 64 are read from a folder. Run with:
python -m benchmarks.tables [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.timing import machine

ROWS, IMAGES, SIDE = 1_000_000, 10_000, 64
MEBIBYTE = 2**20

READ = "from pathlib import Path; from chainrule.data.tables.reading import read_table; "
IMPORT = "from chainrule.data.readers.image_folder import read_image_folder; "
PROGRAMS = {
    "train, one epoch": "from chainrule.cli.main import main; import sys; "
    "sys.argv = ['chainrule', 'train', 'big.yaml', '--quiet', '--run', RUN]; main()",
    "chainrule, csv": READ + "read_table(Path('big.csv'))",
    "pandas, csv": "import pandas; pandas.read_csv('big.csv')",
    "polars, csv": "import polars; polars.read_csv('big.csv')",
    "chainrule, parquet": READ + "read_table(Path('big.parquet'))",
    "10,000 images": "from pathlib import Path; " + IMPORT + "read_image_folder(Path('images'))",
    "chainrule imported": READ + IMPORT,
}
"""What each process runs, in the folder of the files; the last one only imports."""

CONFIGURATION = """\
network: {layers: [{size: 16, activation: relu}, {size: 3}, softmax]}
data: {file: big.csv}
training: {epochs: 1, batch_size: 256}
"""


def make_files(folder: Path) -> None:
    """Write the table, as CSV and where pyarrow is there as Parquet, and the images."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(ROWS, 5)).round(5)
    words = np.array(["yes", "no", "maybe"])[(numbers[:, :2] > 0).sum(axis=1)]
    with (folder / "big.csv").open("w") as file:
        file.write("a,b,c,d,e,label\n")
        for row, word in zip(numbers.tolist(), words.tolist(), strict=True):
            file.write(",".join(map(str, row)) + f",{word}\n")
    (folder / "big.yaml").write_text(CONFIGURATION)
    if find_spec("pyarrow"):
        import pyarrow
        from pyarrow import parquet

        columns = dict(zip("abcde", numbers.T, strict=True))
        parquet.write_table(pyarrow.table({**columns, "label": words}), folder / "big.parquet")
    _make_images(folder / "images", rng)


def _make_images(folder: Path, rng: np.random.Generator) -> None:
    from PIL import Image

    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for k in range(IMAGES // 2):
            pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{k}.jpg")


def launch(code: str, folder: Path, number: int) -> tuple[float, float]:
    """Run code in a new process; returns its seconds and its peak memory in MiB."""
    command = [sys.executable, "-c", f"RUN = 'run-{number}'; {code}"]
    start = perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{code}\nended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--make", type=Path, help="only make the files, in this folder")
    options = parser.parse_args()
    if options.make:
        make_files(options.make)
        return
    rounds = options.rounds
    absent = [name for name in ("pandas", "polars", "pyarrow") if not find_spec(name)]
    without = {"pyarrow": "parquet", "pandas": "pandas", "polars": "polars"}
    programs = {
        name: code
        for name, code in PROGRAMS.items()
        if not any(without[library] in name for library in absent)
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # By a process of its own: the peak memory of a process includes that of its parent.
        subprocess.run([sys.executable, "-m", "benchmarks.tables", "--make", name], check=True)
        size = (folder / "big.csv").stat().st_size / MEBIBYTE
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
        for number in range(rounds + 1):
            for name, code in programs.items():
                found[name].append(launch(code, folder, number))
    print(f"{ROWS:,} rows x 6, {size:.0f} MiB of CSV; new processes, {rounds} rounds; {machine()}")
    base = median(memory for _, memory in found["chainrule imported"][1:])
    print("  seconds from start to exit, median (range)      peak MiB   over imports, of the file")
    for name, runs in found.items():
        seconds = [one for one, _ in runs[1:]]  # the first reads libraries from the disk
        memory = median(one for _, one in runs[1:])
        spread = f"({min(seconds):.2f} – {max(seconds):.2f})"
        share = f"{(memory - base) / size:12.1f}"
        print(f"  {name:20}{median(seconds):8.2f} {spread:18}{memory:11.0f}{share}")


if __name__ == "__main__":
    main()
