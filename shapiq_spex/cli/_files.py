"""Checking, before anything is paid for, that the files that are asked for can be written."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import argparse

_OUTPUTS = ("store", "html", "json", "csv", "plot", "output")
_INPUTS = ("prompt_file", "model")
_BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a store
_DEVICES = {"dev", "proc"}
_MOST_LINKS = 40
_READ = 4096
# what a file of each kind begins with, and what else stands near its beginning
_PAGE = (b"<!DOCTYPE html>", b".prompt { white-space")
_SIGNS = {
    "--store": (b"SQLite format 3\0", b""),
    "explain --json": (b"{", b'"interaction_values"'),
    "compare --json": (b"{", b'"shapiq-spex'),
    "explain --csv": (b"parts,players,order,value", b""),
    "compare --csv": (b"game,", b""),
    ".html": _PAGE,
    ".htm": _PAGE,
    ".png": (b"\x89PNG\r\n", b""),
    ".svg": (b"<?xml", b"<svg"),
    ".pdf": (b"%PDF", b""),
}


class _File(NamedTuple):
    """A file and the option that names it."""

    option: str
    path: Path


def check_files(options: argparse.Namespace) -> None:
    """Refuse files that would overwrite each other, what is read, or what is not ours.

    Args:
        options: Those of a command.

    Raises:
        ValueError: If there is such a file.
    """
    outputs = [
        _File(f"--{name}", path)
        for name in _OUTPUTS
        if (path := getattr(options, name, None)) is not None
    ]
    inputs = [
        _File(f"--{name.replace('_', '-')}", Path(path))
        for name in _INPUTS
        if (path := getattr(options, name, None)) is not None
    ]
    beside = [
        _File("the files that SQLite keeps beside --store", each.with_name(each.name + ending))
        for option, path in outputs
        if option == "--store"
        for each in (path, path.resolve())
        for ending in _BESIDE
    ]
    pairs = [*combinations(outputs, 2)]
    pairs += [(output, other) for output in outputs for other in [*inputs, *beside]]
    for output, other in pairs:
        if _is_same(output.path, other.path):
            msg = f"{output.option} and {other.option} are the same file, '{output.path}'."
            raise ValueError(msg)
    for option, path in outputs:
        _check_kind(option, path, options.command)


def describe_obstacle(path: Path) -> str | None:
    """Say why no file can be written at a path, whatever kind it is of; None if one can.

    Args:
        path: The path.
    """
    real = path.resolve()
    tests = (
        (str(path) == "-", "'-' is no file; the report is printed in any case"),
        (_leads_to_device(path), f"'{path}' is a device, not a file"),
        (not path.parent.is_dir(), f"there is no folder '{path.parent}'"),
        (not real.parent.is_dir(), f"'{path}' leads to no folder"),
        (real.is_dir(), f"'{path}' is a folder"),
        (
            real.exists() and not real.is_file(),
            f"'{path}' is a pipe, a socket or a device, not a file",
        ),
        (
            not os.access(real if real.exists() else real.parent, os.W_OK),
            f"'{path}' cannot be written",
        ),
    )
    return next((obstacle for is_there, obstacle in tests if is_there), None)


def _leads_to_device(path: Path) -> bool:
    """Say whether a path is one of the system, or a link to one, whatever that leads to now."""
    for _ in range(_MOST_LINKS):
        parts = Path(os.path.normpath(path.absolute())).parts
        if len(parts) > 1 and parts[0] == "/" and parts[1] in _DEVICES:
            return True
        if not path.is_symlink():
            return False
        path = path.parent / path.readlink()
    return False


def _check_kind(option: str, path: Path, command: str) -> None:
    """Refuse to write over a file of another kind."""
    if not path.exists() or path.stat().st_size == 0:
        return
    kinds = (f"{command} {option}", option, path.suffix.lower())
    begin, behind = next(_SIGNS[kind] for kind in kinds if kind in _SIGNS)
    with path.open("rb") as file:
        head = file.read(_READ)
    if not head.startswith(begin) or behind not in head:
        msg = (
            f"{option} '{path}' is there already, and nothing that this command wrote. Name "
            "another file, or delete it."
        )
        raise ValueError(msg)


def _is_same(path: Path, other: Path) -> bool:
    """Say whether two paths are one file; on some disks small letters and capitals are the same."""
    if path.exists() and other.exists() and path.samefile(other):
        return True
    return str(path.resolve()).casefold() == str(other.resolve()).casefold()
