"""The page put together: its modules, styles and data in one file of HTML."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.inspector.tightened import tightened

FIRST_MODULE = "main.js"
_IMPORT = re.compile(r'^import \{[^}]*\} from "([^"]+)";\n', re.MULTILINE)
_PLACES = re.compile(r"\{\{(?:style|data|script)\}\}")
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class|let)\b)", re.MULTILINE)


def _text(name: str) -> str:
    return files("chainrule.inspector").joinpath("page", name).read_text("utf-8")


def _modules(name: str, seen: dict[str, str]) -> Iterator[str]:
    """The texts of a module and of all that it imports, each once, what is imported first."""
    if name in seen:
        return
    text = seen[name] = _text(name)
    for found in _IMPORT.findall(text):
        yield from _modules(_resolved(name, found), seen)
    yield _EXPORT.sub("", _IMPORT.sub("", text)).replace("export {};\n", "")


def _resolved(name: str, relative: str) -> str:
    parts = name.split("/")[:-1]
    for part in relative.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


@cache
def script() -> str:
    """All modules as one script, in which the names of all modules live side by side."""
    return tightened('"use strict";\n' + "".join(_modules(FIRST_MODULE, {})))


@cache
def style() -> str:
    """All style sheets, the base first, without comments and without space that says nothing."""
    folder = files("chainrule.inspector").joinpath("page", "style")
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(".css"))
    text = "".join(_text(f"style/{name}") for name in sorted(names, key="base.css".__ne__))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"\s*([{};,])\s*|(:)\s+", r"\1\2", text).strip().replace(";}", "}")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


@cache
def policy(more: str = "") -> str:
    """The content security policy: this script and these styles, and nothing from elsewhere.

    Args:
        more: further directives, each with ``; `` before it.
    """
    return (
        f"default-src 'none'; script-src {_digest(script())}; style-src {_digest(style())}; "
        f"img-src data: blob:; base-uri 'none'; form-action 'none'{more}"
    )


def one_file(
    scene: Mapping[str, Any], arrays: Sequence[Array], frames: Sequence[Array] = ()
) -> str:
    """The page as one file that works without a server.

    Args:
        scene: the description, see `chainrule.inspector.scene`.
        arrays: those of the record, in the order of the scene's.
        frames: the parameters of each frame of the scene's film, in order.
    """
    text = json.dumps(scene, ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")
    data = [f'<script type="application/json" id="scene">{text}</script>']
    for name, numbers in {"numbers": arrays, "frames": frames}.items():
        if len(numbers):
            packed = _packed(numbers)
            data.append(f'<script type="text/plain" id="{name}">{packed}</script>')
    return _filled(
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}">\n', "\n".join(data)
    )


def _packed(arrays: Sequence[Array]) -> str:
    """Arrays one after the other, as little-endian float64 packed by gzip, in base64."""
    numbers = np.concatenate([array.ravel() for array in arrays]).astype("<f8")
    return base64.b64encode(gzip.compress(numbers.tobytes(), 6, mtime=0)).decode()


@cache
def served() -> str:
    """The page as a server sends it, which asks for its numbers by a token."""
    return _filled("", "")


@cache
def served_packed() -> bytes:
    """The same by gzip, as browsers take it."""
    return gzip.compress(served().encode(), 9, mtime=0)


def _filled(head: str, data: str) -> str:
    """The page with what belongs to its head, and with its data."""
    code = script()
    assert "</script" not in code.lower(), "the script would end there"
    parts = {
        "{{style}}": f"{head}<style>{style()}</style>",
        "{{data}}": data,
        "{{script}}": f'<script type="module">{code}</script>',
    }
    return _PLACES.sub(lambda place: parts[place[0]], _text("index.html"))


def as_attribute(text: str) -> str:
    """A page as the value of an attribute in double quotes."""
    return text.replace("&", "&amp;").replace('"', "&quot;")
