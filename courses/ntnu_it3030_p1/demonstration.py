"""The whole demonstration of project 1: images, three trainings, the verbose pass, Jacobians.

Every step is a command of chainrule, printed before it runs, so that it can be repeated with
other settings. Run with: python3 demonstration.py [--form txt] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import chainrule

HERE = Path(__file__).resolve().parent

IMAGES: dict[str, tuple[str, ...]] = {
    "as configured": (),
    "a tenth of the pixels set at random": ("data.noise=0.1",),
    "every shape in the middle": ("data.centered=true",),
    "50 x 50 pixels, shapes of 10 to 45": (
        "network.input=2500",
        "data.size=50",
        "data.width=[10,45]",
        "data.height=[10,45]",
        "data.thickness=[1,4]",
    ),
    "ten classes, 30 x 30 pixels": (
        "network.input=900",
        "network.layers.2.size=10",
        "data.classes=10",
        "data.size=30",
        "data.width=[15,28]",
        "data.height=[15,28]",
    ),
}
"""What the pictures of images show, with the settings that make them."""

TRAININGS: dict[str, str] = {
    "two_hidden": "two hidden layers, 1,050 training images",
    "no_hidden": "no hidden layer, the same images",
    "five_hidden": "five hidden layers, 350 training images, 20 passes",
}
"""The three configurations, with what each is."""

SHORT = ("data.count=40", "training.epochs=1", "training.batch_size=7")
"""What makes a training short enough to be read whole."""

VERBOSE_LINES = 40
"""How much of the verbose pass is printed; the file has all of it."""


class Demonstration:
    """Runs the commands and says where the results are.

    Args:
        form: ``txt`` for the compact configurations, ``yaml`` for the others.
        out: the folder for pictures, runs and the verbose pass.
    """

    def __init__(self, form: str, out: Path) -> None:
        self.form = form
        self.out = Path(_from_here(out))

    def config(self, name: str) -> str:
        """The path of a configuration."""
        return _from_here(HERE / f"{name}.{self.form}")

    def command(self, *arguments: str, output: Path | None = None) -> None:
        """Print a command and run it; ends the program where it fails."""
        print(f"\n$ chainrule {shlex.join(arguments)}", flush=True)
        program = [sys.executable, "-m", "chainrule.cli.main", *arguments]
        if output is None:
            done = subprocess.run(program, check=False)
        else:
            with output.open("w", encoding="utf-8") as file:
                done = subprocess.run(program, check=False, stdout=file)
        if done.returncode:
            raise SystemExit(done.returncode)

    def images(self) -> None:
        """Ten images of the generator in each of several settings."""
        for k, (what, settings) in enumerate(IMAGES.items(), start=1):
            print(f"\nImages, {what}:")
            picture = str(self.out / f"images_{k}.png")
            chosen = [f"--set={setting}" for setting in settings]
            self.command("data", "show", self.config("two_hidden"), *chosen, "--save", picture)

    def trainings(self) -> None:
        """The three networks, each with its learning curve and its test result."""
        for name, what in TRAININGS.items():
            print(f"\nTraining: {what}")
            self.command("train", self.config(name), "--run", str(self.out / name))

    def verbose_pass(self) -> None:
        """Inputs, outputs, targets, loss, and every Jacobian of a few minibatches."""
        file = self.out / "verbose.txt"
        chosen = [f"--set={setting}" for setting in SHORT]
        run = ("--run", str(self.out / "verbose_run"))
        config = self.config("two_hidden")
        self.command("train", config, *chosen, *run, "--verbose", "--jacobians", output=file)
        lines = file.read_text(encoding="utf-8").splitlines()
        print("\n".join(lines[:VERBOSE_LINES]))
        print(f"... {len(lines) - VERBOSE_LINES:,} more lines in {file}")

    def explicit_jacobians(self) -> None:
        """The same training once more, by multiplying the dense Jacobians."""
        chosen = [f"--set={setting}" for setting in SHORT]
        for explicit in ("false", "true"):
            setting = f"--set=network.explicit_jacobians={explicit}"
            run = ("--run", str(self.out / f"explicit_{explicit}"))
            self.command("train", self.config("two_hidden"), *chosen, setting, *run)
        theta, other = (
            chainrule.load(self.out / f"explicit_{explicit}").network.theta
            for explicit in ("false", "true")
        )
        difference = np.abs(theta - other).max() / np.abs(theta).max()
        print(f"\nLargest difference of the trained parameters, relative: {difference:.1e}")


def _from_here(path: Path) -> str:
    """A path as it is written in the working folder."""
    return os.path.relpath(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demonstration; see the module's description."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--form", choices=("txt", "yaml"), default="txt")
    parser.add_argument("--out", type=Path, default=HERE / "out", help="a new or empty folder")
    options = parser.parse_args(arguments)
    if options.out.exists() and any(options.out.iterdir()):
        parser.error(f"{options.out} is not empty; remove it or name another with --out")
    options.out.mkdir(parents=True, exist_ok=True)
    demonstration = Demonstration(options.form, options.out)
    demonstration.images()
    demonstration.trainings()
    demonstration.verbose_pass()
    demonstration.explicit_jacobians()
    print(f"\nPictures, learning curves and runs are in {options.out}")


if __name__ == "__main__":
    main()
