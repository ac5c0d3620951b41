"""``chainrule data show`` and ``chainrule data make``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.examples import epilog
from chainrule.cli.options import Config, Overrides
from chainrule.cli.terminal import say, say_result

if TYPE_CHECKING:
    from chainrule.config.load import Config as LoadedConfig

app = typer.Typer(
    help="Look at the data of a configuration, or write them.",
    no_args_is_help=True,
    epilog=epilog("data"),
    rich_markup_mode=None,
)


def _files_of(config: LoadedConfig) -> list[Path]:
    """The files that the data of a configuration are read from."""
    from chainrule.data.readers.paths import files_matching
    from chainrule.data.settings import PATH_KEYS, names_in

    stated = (config.data[key] for key in PATH_KEYS if key in config.data)
    paths = (config.resolve(name) for value in stated for name in names_in(value))
    return [file for path in paths for file in files_matching(path)]


@app.command("show", epilog=epilog("data show"))
def show(
    config: Config,
    split: Annotated[
        str, typer.Option("--split", metavar="PART", help="train, validation or test.")
    ] = "train",
    count: Annotated[
        int, typer.Option("--count", metavar="N", min=1, max=100, help="How many images.")
    ] = 10,
    save: Annotated[
        Path | None,
        typer.Option("--save", help="Write the picture here; no window.", metavar="FILE"),
    ] = None,
    set_: Overrides = None,
) -> None:
    """Show random images of the data, their scatter plot, or sequences step by step.

    Pictures open a window where there is a screen, and are written to a file otherwise; sequences
    are printed. Up to 10 images or sequences are shown unless --count says otherwise.
    """
    from chainrule.cli.cases import part_of
    from chainrule.cli.showing import picture, sequences_as_text
    from chainrule.config.load import load_config
    from chainrule.core.files import refuse_input, shortened, write_whole
    from chainrule.plots.save import show_or_save
    from chainrule.runs.resolve import locate_data, resolve_data

    loaded = load_config(config, set_ or [])
    if save is not None:
        refuse_input(save, config, *_files_of(loaded))
    data = resolve_data(loaded)
    part = part_of(data, split)
    if data.sequence_shape is not None:
        are_indices = locate_data(loaded).data.get("encoding") == "indices"
        text = sequences_as_text(data, part, count, are_indices=are_indices)
        if save is None:
            say_result(text)
        else:
            write_whole(save, text)
            say(f"sequences written to {save}")
        return
    figure = picture(data, part, f"{config.stem}: {split} data", count)
    written = show_or_save(figure, save, Path(f"{shortened(config.stem)}-{split}.png"))
    if written is not None:
        say(f"picture written to {written}")


@app.command("make", epilog=epilog("data make"))
def make(
    config: Config,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .npz file to write.")],
    set_: Overrides = None,
) -> None:
    """Write the data set as .npz: x and t, and the class names."""
    from chainrule.config.load import load_config
    from chainrule.core.errors import ChainruleError, Problem
    from chainrule.core.files import refuse_input
    from chainrule.data.readers.npz_file import write_npz
    from chainrule.runs.resolve import resolve_data

    if os.path.isdir(file) or file.suffix.lower() != ".npz":
        raise ChainruleError(Problem("the name of the file to write must end in .npz", file))
    # The inputs are not standardised: a run that reads the file does that itself.
    overrides = [*(set_ or []), "data.standardize=false", "data.channels=last"]
    overrides += ["data.scale_targets=false"]
    loaded = load_config(config, overrides)
    refuse_input(file, config, *_files_of(loaded))
    data = resolve_data(loaded)
    write_npz(file, data)
    sizes = ", ".join(
        f"{len(part)} {name}"
        for name, part in zip(("training", "validation", "test"), data, strict=True)
    )
    say(f"{sizes} cases written to {file}, in this order; a run splits them anew")
