"""The time of importing the package, and of ``chainrule --help``.

Run with: python -m benchmarks.startup
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from benchmarks.timing import interleaved, machine

ROUNDS = 15
MILLISECOND = 1e-3


def main() -> None:
    """Time new processes and print the differences."""
    programs = {
        "python": "pass",
        "numpy": "import numpy",
        "network": "import numpy; from chainrule import Network",
        "help": "import sys; sys.argv = ['chainrule', '--help'];"
        "from chainrule.cli.main import main; main()",
    }
    programs = {
        name: lambda code=code: subprocess.run([sys.executable, "-c", code], capture_output=True)
        for name, code in programs.items()
    }
    middle = {k: median(s) / MILLISECOND for k, s in interleaved(programs, ROUNDS).items()}
    print(f"milliseconds, medians of {ROUNDS}; {machine()}")
    network = middle["network"] - middle["numpy"]
    help_ = middle["help"] - middle["python"]
    print(f"  from chainrule import Network, over NumPy   {network:6.0f}  (60 at most)")
    print(f"  chainrule --help, over a bare Python        {help_:6.0f}  (150 at most)")


if __name__ == "__main__":
    main()
