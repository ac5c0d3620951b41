"""The page's modules joined into one script, which runs, and what the page weighs."""

from __future__ import annotations

import base64
import gzip
import re
import subprocess
from graphlib import CycleError, TopologicalSorter
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest

from chainrule.inspector import page
from chainrule.inspector.tightened import tightened
from javascript import needs_node, node

MOST_BYTES = 120_000
PAGE = files("chainrule.inspector").joinpath("page")
NAMED = re.compile(
    r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)"
    r"|^(?:export )?(?:const|let) [{\[]([^}\]]*)[}\]] =",
    re.MULTILINE,
)


def modules() -> dict[str, str]:
    """The text of every module of the page, by its path."""
    return {
        str(path.relative_to(PAGE)): path.read_text("utf-8") for path in sorted(PAGE.rglob("*.js"))
    }


def test_every_module_is_in_the_script():
    joined: dict[str, str] = {}
    assert all(page._modules(page.FIRST_MODULE, joined))
    types_alone = {name for name, text in modules().items() if "export {};" in text}
    assert set(modules()) - set(joined) == types_alone


def test_no_name_is_given_twice():
    names: dict[str, str] = {}
    for module, text in modules().items():
        for one, several in NAMED.findall(text):
            for name in filter(None, [one, *re.split(r"[,\s]+", several)]):
                assert name not in names, f"{name} is in {names[name]} and in {module}"
                names[name] = module


def test_imports_and_exports_are_of_the_form_that_is_joined():
    for name, text in modules().items():
        code = page._EXPORT.sub("", page._IMPORT.sub("", text)).replace("export {};\n", "")
        left = re.findall(r"^\s*(?:import|export)\b.*", code, re.MULTILINE)
        assert left == [], f"{name}: {left}"
        assert not re.search(r"^import \{[^}]*\bas\b", text, re.MULTILINE), name
        assert not re.search(r"\bimport\(", re.sub(r'import\("[^"]*"\)\.', "", text)), name


def test_the_colours_that_the_picture_asks_for_are_there_in_light_and_dark():
    asked = set(re.findall(r'\bof\("([\w-]+)"\)', modules()["view/colours.js"]))
    assert {"ground", "positive", "missing"} <= asked
    light, dark = (PAGE / "style" / "base.css").read_text("utf-8").split("@media", 1)
    for sheet in (light, dark):
        assert asked <= set(re.findall(r"--([\w-]+): #", sheet))


@needs_node
def test_the_script_is_read_without_an_error():
    found = subprocess.run(
        [node(), "--check", "--input-type=module"],
        input=page.script(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr


@needs_node
@pytest.mark.exhaustive
def test_what_only_readers_need_is_left_out_and_nothing_else(tmp_path):
    joined = '"use strict";\n' + "".join(page._modules(page.FIRST_MODULE, {}))
    files = [tmp_path / "joined.js", tmp_path / "tightened.js"]
    for file, text in zip(files, [joined, page.script()], strict=True):
        file.write_text(text, "utf-8")
    script = Path(__file__).parent / "page" / "same_program.cjs"
    done = subprocess.run(
        [node(), "--expose-internals", script, *files], capture_output=True, text=True, check=False
    )
    if done.returncode == 3:
        pytest.skip("this Node.js has no parser of its own")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(page.script()) < 0.7 * len(joined)
    assert "@param" not in page.script()


ROWS = [
    "main",
    "view/",
    "remote local",
    "edited bugs check plane",
    "following going history link predicting hidden csv keys",
    "rules math derivative paths numpy python",
    "operations/",
    "engine/",
]
"""The modules from the top down, as docs/architecture.md has them; all others are the last row."""


def row_of(module: str) -> int:
    """The row of a module."""
    name = module.partition("/")[0] + "/" if "/" in module else module.removesuffix(".js")
    return next((k for k, row in enumerate(ROWS) if name in row.split()), len(ROWS))


def imports() -> dict[str, list[str]]:
    """Which modules each module imports."""
    return {
        name: [page._resolved(name, found) for found in page._IMPORT.findall(text)]
        for name, text in modules().items()
    }


def test_imports_of_modules_point_down():
    upwards = [(a, b) for a, found in imports().items() for b in found if row_of(b) < row_of(a)]
    assert upwards == []


def test_modules_do_not_import_each_other_in_a_circle():
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a = b + +c - -d;", "a=b+ +c- -d;"),
        ("n++; m--;", "n++;m--;"),
        ("return  x in\n  y;", "return x in y;"),
        ("else\n  for (const a of b) c();", "else for(let a of b)c();"),
        ("f([1, 2,], { a, });", "f([1,2],{a});"),
        ('s = "a  // b"; // c', 's="a  // b";'),
        ("s = 'it''s  /* x */';", "s='it''s  /* x */';"),
        (
            "t = `a  ${b  ? `c  ${d  + 1}` : {e: 1}.e}  //`;",
            "t=`a  ${b  ? `c  ${d  + 1}` : {e: 1}.e}  //`;",
        ),
        ("r = /[/'\"]  \\/ /g.test(x);", "r=/[/'\"]  \\/ /g.test(x);"),
        ("x = a / b / c; // '", "x=a/b/c;"),
        ("return /\\s+/.exec(x);", "return/\\s+/.exec(x);"),
        ('typeof /a  b"/ + n++ / 2 - /c  d/.test(x);', 'typeof/a  b"/+n++/2-/c  d/.test(x);'),
        ("f(\n  /it's  a/,\n  x / 2, y / 3);", "f(/it's  a/,x/2,y/3);"),
        ("let a = 1;\nfunction b() {}\nconst c = 2;", "let a=1;\nfunction b(){}\nlet c=2;"),
        ("const [a] = b;\nconst {c} = d.const;", "let[a]=b;\nlet{c}=d.const;"),
        ("if (a) { b(); c; }", "if(a){b();c}"),
        ("/** doc: it's */\nclass A {}", "class A{}"),
    ],
)
def test_a_script_is_tightened(code, expected):
    assert tightened(code) == expected


def test_the_policy_names_script_and_styles_by_their_hashes():
    text = page.served()
    for tag, kind in (('<script type="module">', "script-src"), ("<style>", "style-src")):
        inside = text.split(tag)[1].split(f"</{tag[1:].split()[0].rstrip('>')}>")[0]
        digest = base64.b64encode(sha256(inside.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in page.policy()
    assert "unsafe" not in page.policy()
    assert text.count("<script") == text.count("<style") == 1
    for inline in (r"\son\w+=", r"\sstyle=", "javascript:", r"https?://"):
        assert not re.search(inline, text.split("<style>")[0] + text.split("</style>")[1][:900])


def test_the_page_without_data_is_small():
    assert len(gzip.compress(page.served().encode(), 9)) <= MOST_BYTES
