"""The page's modules joined into one script, which runs, and what the page weighs."""

from __future__ import annotations

import base64
import gzip
import re
import subprocess
from hashlib import sha256
from importlib.resources import files

from chainrule.inspector import page
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


def test_no_text_goes_over_several_lines_so_that_indentation_can_be_left_out():
    for name, text in modules().items():
        for line in page._COMMENTS.sub("", text).splitlines():
            assert line.count("`") % 2 == 0, f"{name}: {line}"
            assert not line.endswith("\\"), f"{name}: {line}"


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


def test_comments_and_spaces_are_left_out_and_nothing_else():
    texts: dict[str, str] = {}
    assert all(page._modules(page.FIRST_MODULE, texts))
    code = ["\n".join(filter(_is_code, text.splitlines())) for text in texts.values()]
    joined = page.script()
    assert not re.search(r"^\s*(?://|/\*\*|\*)", joined, re.MULTILINE)
    left = _without_spaces(joined.removeprefix('"use strict";\n'))
    for text in sorted(map(_without_spaces, code), key=len, reverse=True):
        assert text in left
        left = left.replace(text, "", 1)
    assert left == ""


def test_texts_keep_their_spaces():
    texts = re.compile(r'"(?:[^"\\\n]|\\.)*"')
    code = page._COMMENTS.sub("", "".join(page._modules(page.FIRST_MODULE, {})))
    expected = texts.findall(page._TYPES.sub("", code))
    assert sorted(texts.findall(page.script())) == sorted(['"use strict"', *expected])


def _is_code(line: str) -> bool:
    """Whether a line of a module, as it is formatted, is no comment, import or empty line."""
    is_comment = re.match(r"\s*(?:/\*\*?(?!.*\*/ ?\S)|\*|//)", line)
    return bool(line.strip()) and not is_comment


def _without_spaces(code: str) -> str:
    """Code without imports, the word export, types and all white space."""
    text = page._IMPORT.sub("", code + "\n").replace("export {};\n", "")
    return re.sub(r"\s", "", page._TYPES.sub("", page._EXPORT.sub("", text)))


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
