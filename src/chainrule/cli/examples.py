"""Example command lines, with which the help of every command ends."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "init": ("init --list", "init by_hand"),
    "train": (
        "train shapes.yaml --set training.epochs=5 training.seed=2",
        "train by_hand.yaml --verbose --jacobians",
    ),
    "range-test": ("range-test shapes.yaml --from 1e-5 --to 1",),
    "sweep": (
        "sweep net.yaml --vary network.learning_rate=log:0.01..1 --trials 9",
        "sweep net.yaml --vary training.batch_size=8,32,128 --jobs 2",
    ),
    "compare": ("compare shapes.yaml --with torch,sklearn --epochs 5",),
    "check": ("check shapes.yaml", "check shapes.yaml --method complex --method projection"),
    "describe": ("describe people.csv --set data.label=bought", "describe shapes.yaml"),
    "explain": (
        "explain textbook.yaml",
        "explain by_hand.yaml --case 1 --weight 'dense_1.W[0,1]'",
        "explain runs/shapes-1 --out page.html",
    ),
    "inspect": (
        "inspect by_hand.yaml",
        "inspect runs/shapes-1 --split test --count 8 --save page.html",
    ),
    "doctor": ("doctor runs/shapes-1", "doctor shapes.yaml --set network.learning_rate=10"),
    "evaluate": (
        "evaluate runs/shapes-1 --split validation",
        "evaluate runs/people-1 new_people.csv --mistakes 10",
    ),
    "predict": ("predict runs/people-1 new_people.csv --out predicted.csv",),
    "sample": ("sample runs/jack-1 --start 'This is ' --temperature 0.7",),
    "plot": ("plot runs/shapes-1", "plot runs/shapes-1 weights health --out pictures"),
    "report": ("report runs/shapes-1", "report runs/shapes-1 runs/shapes-2 --out both.html"),
    "export": (
        "export runs/shapes-1 --to onnx",
        "export runs/shapes-1 --output shapes.c --dtype float32",
    ),
    "check-code": (
        "check-code two_layernet.py",
        "check-code mine.py --forward f --backward df --inputs 'x=5x3'",
    ),
    "assignment": ("assignment init HLCV lab2", "assignment check lab2"),
    "assignment init": ("assignment init HLCV lab2", "assignment init custom"),
    "assignment programs": ("assignment programs", "assignment programs convolution"),
    "assignment check": ("assignment check lab2", "assignment check HLCV --full"),
    "mark": ("mark lab2 handed_in", "mark HLCV handed_in --jobs 2 --out marked"),
    "data": ("data show shapes.yaml --split test", "data make shapes.yaml shapes.npz"),
    "data show": ("data show shapes.yaml --split test --count 20",),
    "data make": ("data make shapes.yaml shapes.npz",),
    "schema": ("schema > chainrule.schema.json",),
}
"""The words behind ``chainrule``, by command."""


def epilog(command: str) -> str:
    r"""What stands at the end of a command's help; ``\b`` keeps its lines as they are.

    Example:
        >>> epilog("check").splitlines()[1:3]
        ['Examples:', '  chainrule check shapes.yaml']
    """
    lines = EXAMPLES.get(command, ())
    if not lines:
        return ""
    title = "Examples:" if len(lines) > 1 else "Example:"
    return "\n".join(["\b", title, *(f"  chainrule {line}" for line in lines)])
