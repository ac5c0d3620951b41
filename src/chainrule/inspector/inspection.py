"""A network with some cases, to be looked at as a page."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from chainrule.core.errors import ChainruleError, Problem
from chainrule.core.files import as_path, write_whole
from chainrule.core.html import escaped, lines, never_fails, piece
from chainrule.core.notation import counted
from chainrule.inspector import page
from chainrule.inspector.film import MOST_EMBEDDED
from chainrule.inspector.inspected import Inspected
from chainrule.inspector.live import Live
from chainrule.inspector.server import Served, require_port
from chainrule.inspector.session import Session
from chainrule.nn.network import Network

MOST_NUMBERS = 25_000_000
"""A page of more numbers than these, 200 MB, would be no file that a browser opens gladly."""

MOST_IN_A_NOTEBOOK = 2_000_000
"""A notebook would store a page of more characters with every cell that shows it."""


@dataclass(frozen=True, eq=False)
class Inspection(Inspected):
    """A network with some cases as a page, which `save` writes and `open` serves.

    Attributes:
        training: begins the training that the page follows, or begins to follow one; None if the
            page follows none.
    """

    training: Callable[[Network], Live] | None = None

    def html(self) -> str:
        """The page as one file that carries its numbers and needs no server.

        Raises:
            ChainruleError: there are too many numbers for one file.
        """
        arrays = [entry.values for entry in self.record.entries.values()]
        count = sum(array.size for array in arrays)
        if count > MOST_NUMBERS:
            raise ChainruleError(
                f"the page would carry {count:,} numbers, more than {MOST_NUMBERS:,}; take fewer "
                "cases (--count), or open the page without --save: it loads what is looked at"
            )
        film = None if self.told.film is None else self.told.film.of_bytes(MOST_EMBEDDED)
        if film is None:
            return page.one_file({**self.scene, "film": None}, arrays)
        told = {**self.scene, "film": film.scene(self.network)}
        return page.one_file(told, arrays, [frame.theta for frame in film.frames])

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page as one file that works without a server.

        Args:
            path: the file; an older one is replaced.

        Raises:
            ChainruleError: it cannot be written, or there are too many numbers for one file.
        """
        file = page_file(path)
        write_whole(file, self.html())
        return file

    def open(self, *, port: int = 0, browser: bool = True) -> Served:
        """Serve the page on this machine alone, until `Served.close`.

        Args:
            port: on which it is served; 0 for any that is free.
            browser: whether to show it in the browser.

        Returns:
            The server; its ``address`` opens the page.

        Raises:
            ChainruleError: the port is taken.
        """
        base, live = self, None
        if self.training is not None:
            require_port(port, Session(self))
            live = self.training(self.network)
            base = replace(self, told=replace(self.told, film=live.film), training=None)
        try:
            served = Served(Session(base, live), port)
        except ChainruleError:
            if live is not None:
                live.close()
            raise
        if browser:
            served.show()
        return served

    def __repr__(self) -> str:
        layers = counted(len(self.network.layers), "layer")
        return f"Inspection({self.told.title}: {layers}, {counted(len(self.x), 'case')})"

    @never_fails
    def _repr_html_(self) -> str:
        text = self.html()
        if len(text) > MOST_IN_A_NOTEBOOK:
            advice = "it is too large for a notebook; .save('page.html') writes it"
            return piece(repr(self), lines(advice))
        return (
            f'<iframe title="{escaped(repr(self))}" sandbox="allow-scripts" '
            'style="width:100%;height:720px;border:1px solid rgba(128,128,128,.4)" '
            f'srcdoc="{page.as_attribute(text)}"></iframe>'
        )


def page_file(path: str | os.PathLike[str]) -> Path:
    """The path of a file for a page.

    Raises:
        ChainruleError: it has another ending than .html.
    """
    file = as_path(path, "save")
    if file.suffix.lower() not in (".html", ".htm"):
        message = f"a page is written to a file that ends in .html, found {file.name!r}"
        raise ChainruleError(Problem(message, file))
    return file
