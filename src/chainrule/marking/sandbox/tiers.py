"""What this machine offers to hold untrusted code, as a tier that is found by trying."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chainrule.core.errors import ChainruleError


class Unsafe(ChainruleError):
    """The machine cannot hold untrusted code, and nobody said that it is trusted."""


@dataclass(frozen=True)
class Tier:
    """How well a submission is held.

    Attributes:
        name: ``namespaces`` (an own view of files, processes and network, by bubblewrap),
            ``landlock`` (the kernel's Landlock and a filter of system calls), ``limits`` (time
            and resources alone) or ``process`` (a process of its own with a limit of time).
        is_safe: whether code that nobody trusts may run in it.
        holds: what was tried from the inside and failed, as it should: of ``reading``,
            ``writing``, ``network``, ``processes``, ``signals``.
        means: by which means, in words.
    """

    name: str
    is_safe: bool
    holds: tuple[str, ...]
    means: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The tier in a sentence, for a report or a terminal."""
        what = ", ".join(self.means) or "a process of its own with a limit of time"
        if self.is_safe:
            return f"sandbox: {self.name} ({what})"
        lacking = ", ".join(word for word in HELD if word not in self.holds)
        return f"sandbox: {self.name} ({what}); not safe, not held back: {lacking}"


HELD = ("reading", "writing", "network", "processes", "signals")
"""What a safe tier holds back."""


def tier_of(held: Mapping[str, bool], has_bubblewrap: bool, namespaces: tuple[str, ...]) -> Tier:
    """The tier that follows from what was tried.

    Args:
        held: by the words of `HELD`, and ``landlock`` and ``user``.
        has_bubblewrap: whether it runs under bubblewrap.
        namespaces: those that were left by other means.
    """
    holds = tuple(word for word in HELD if held.get(word))
    means = ["bubblewrap"] if has_bubblewrap else []
    means += [f"own {', '.join(namespaces)}"] if namespaces and not has_bubblewrap else []
    means += ["Landlock"] if held.get("landlock") else []
    means += ["a filter of system calls"] if held.get("processes") else []
    means += ["a user that owns nothing"] if held.get("user") else []
    is_safe = holds == HELD
    if not is_safe:
        return Tier("limits", False, holds, (*means, "limits of resources"))
    return Tier("namespaces" if has_bubblewrap else "landlock", True, holds, tuple(means))


def refuse_unless(tier: Tier, is_trusted: bool) -> None:
    """Raise where untrusted code must not be run.

    Raises:
        Unsafe: the tier is not safe and the code is not trusted.
    """
    if tier.is_safe or is_trusted:
        return
    raise Unsafe(
        f"this machine cannot hold code that nobody trusts ({tier.sentence}); on Linux, install "
        "bubblewrap or use a kernel with Landlock (5.13 or newer); run code that you trust, such "
        "as your own, with --trust"
    )


def python_files() -> Iterator[Path]:
    """Python's own program, standard library and shared libraries, without installed packages."""
    yield Path(os.path.realpath(sys.executable))
    yield from standard_library()
    for folder in shared_libraries():
        yield from (
            entry for entry in _entries(folder) if not re.fullmatch(r"python[\d.]*", entry.name)
        )
    yield from map(Path, ("/etc/ld.so.cache", "/dev/urandom", "/dev/zero", "/usr/share/zoneinfo"))


def standard_library() -> Iterator[Path]:
    """What is in the folder of the standard library, but for installed packages."""
    for folder in library_folders():
        yield from (
            entry
            for entry in _entries(folder)
            if entry.name not in ("site-packages", "dist-packages")
        )


def library_folders() -> list[Path]:
    """The folders of the standard library."""
    paths = sysconfig.get_paths(vars={"base": sys.base_prefix, "platbase": sys.base_exec_prefix})
    return [Path(path) for path in dict.fromkeys((paths["stdlib"], paths["platstdlib"]))]


def shared_libraries() -> list[Path]:
    """The folders in which the system and Python keep shared libraries."""
    found = (
        "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",
        os.path.join(sys.base_prefix, "lib"),
    )  # fmt: skip
    return [Path(path) for path in dict.fromkeys(found) if os.path.isdir(path)]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def bubblewrap(packages: Mapping[str, Path], runner: Path) -> list[str] | None:
    """The command that starts a program in its own view of the machine; None without bubblewrap.

    It sees Python, the shared libraries, the packages in ``/packages``, the runner and an empty
    folder ``/scratch`` in memory.

    Args:
        packages: installed packages, by their names.
        runner: the folder of the program that runs inside.
    """
    program = shutil.which("bwrap")
    if program is None:
        return None
    words = [program, "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net"]
    words += ["--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if os.geteuid() != 0:
        words += ["--unshare-user"]
    else:
        words += [
            word
            for name in ("SETUID", "SETGID", "CHOWN", "KILL", "DAC_OVERRIDE", "FOWNER")
            for word in ("--cap-add", f"CAP_{name}")
        ]
    places = [(path, path) for path in (*shared_libraries(), *library_folders())]
    places += [(Path(os.path.realpath(sys.executable)),) * 2]
    places += [(path, Path("/packages", name)) for name, path in packages.items()]
    places += [(runner, Path("/runner"))]
    for folder in sorted({folder for _, at in places for folder in at.parents} - {Path("/")}):
        words += ["--perms", "0755", "--dir", str(folder)]
    for source, at in sorted(places, key=lambda pair: len(pair[1].parts)):
        words += ["--ro-bind", str(source), str(at)]
    for folder in library_folders():
        words += _hidden(folder)
    for folder in shared_libraries():
        for entry in _entries(folder):
            if re.fullmatch(r"python[\d.]*", entry.name) and entry not in library_folders():
                words += ["--tmpfs", str(entry)]
    words += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    return [*words, "--dev", "/dev", "--proc", "/proc", "--size", str(64 * 2**20), "--perms",
            "0755", "--tmpfs", "/scratch", "--chdir", "/scratch"]  # fmt: skip


def _hidden(folder: Path) -> list[str]:
    return [
        word
        for name in ("site-packages", "dist-packages")
        if (folder / name).is_dir()
        for word in ("--tmpfs", str(folder / name))
    ]
