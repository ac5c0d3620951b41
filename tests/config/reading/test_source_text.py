from __future__ import annotations

from pathlib import Path

import pytest

from chainrule.config import load_config
from chainrule.config.reading.tree import read_text
from chainrule.core.errors import ConfigError
from chainrule.core.limits import MAX_CONFIG_BYTES


def refusal(path: Path | str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    (problem,) = caught.value.problems
    return str(problem)


def test_text_is_utf8_with_any_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeffa: é\r\nb: 1\rc: 2".encode())
    assert read_text(path) == "a: é\nb: 1\nc: 2"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\n\x89PNG", ":2: this file is not text in UTF-8 (byte 0x89)"),
        (b"a: 1\nb: \0", ":2:4: this file is not text (character U+0000)"),
        ("a: é".encode("latin1"), ":1: this file is not text in UTF-8 (byte 0xe9)"),
        (b"#" * (MAX_CONFIG_BYTES + 1), ": is too large for a configuration (over 512 KiB)"),
    ],
)
def test_what_is_no_text(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    assert refusal(path) == f"{path}{message}"


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "letters.yaml").write_text("a: 1")
    missing = tmp_path / "leters.yaml"
    meant = tmp_path / "letters.yaml"
    assert refusal(missing) == f"{missing}: no such file; did you mean '{meant}'?"
    nowhere = tmp_path / "none" / "a.yaml"
    assert refusal(nowhere).endswith(f"the folder '{tmp_path / 'none'}' does not exist")
    assert refusal(tmp_path) == f"{tmp_path}: is a folder; expected a configuration file"
    (tmp_path / "config.yaml").write_text("a: 1")
    assert refusal(tmp_path).endswith(f"did you mean '{tmp_path / 'config.yaml'}'?")
    assert "File name too long" in refusal("a" * 400) or "no such file" in refusal("a" * 400)


@pytest.mark.parametrize("name", ["a\0b", "network:\n  loss: mse"])
def test_a_text_is_not_taken_for_a_file(name: str) -> None:
    assert refusal(name).startswith("expected the name of a configuration file, found 'a") or (
        refusal(name).startswith("expected the name of a configuration file, found 'network:")
    )
