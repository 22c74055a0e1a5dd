"""Tests of checking files before anything is asked."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shapiq_spex import cli
from shapiq_spex.ablations import AblationStore

if TYPE_CHECKING:
    from collections.abc import Iterator

LABELS = ("--labels", "positive,negative")
EXPLAIN = ("explain", "--prompt-file", "p.txt", *LABELS)
COMPARE = ("compare", "--prompt-file", "p.txt", *LABELS, "--budgets", "20")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be in a folder with files of many kinds, none of which may change."""
    monkeypatch.chdir(tmp_path)
    Path("p.txt").write_text("It never fails.\n", encoding="utf-8")
    Path("p.html").write_text("<!DOCTYPE html><p>My own page.", encoding="utf-8")
    Path("m.gguf").write_bytes(b"GGUF\3\0\0\0")
    Path("config.json").write_text('{"hidden_size": 64}', encoding="utf-8")
    Path("data.csv").write_text("text,label\n", encoding="utf-8")
    AblationStore("s.sqlite")
    AblationStore("S.html")
    Path("link.html").symlink_to("out.json")
    Path("hard.json").hardlink_to("p.txt")
    Path("out").symlink_to(Path("/") / "dev" / "stdout")
    Path("out.csv").symlink_to("out")
    os.mkfifo("pipe.html")
    (tmp_path / "folder.json").mkdir()
    files = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    del files[tmp_path / "out"], files[tmp_path / "out.csv"]
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.csv")
        yield
    assert {path: path.read_bytes() for path in files} == files


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((*EXPLAIN, "--html", "S.html", "--store", "S.html"), "--store and --html are the same"),
        ((*EXPLAIN, "--html", "n.html", "--store", "./n.html"), "--store and --html are the same"),
        ((*EXPLAIN, "--html", "n.html", "--store", "N.HTML"), "--store and --html are the same"),
        ((*EXPLAIN, "--html", "link.html", "--json", "out.json"), "--html and --json are the same"),
        ((*EXPLAIN, "--json", "hard.json"), "--json and --prompt-file are the same"),
        ((*EXPLAIN, "--store", "p.txt"), "--store and --prompt-file are the same"),
        ((*EXPLAIN, "--prompt-file", "p.html", "--html", "p.html"), "--html and --prompt-file"),
        ((*EXPLAIN, "--model", "m.gguf", "--store", "m.gguf"), "--store and --model are the same"),
        ((*EXPLAIN, "--html", "p.html"), "nothing that this command wrote"),
        ((*EXPLAIN, "--html", "S.html"), "nothing that this command wrote"),
        ((*EXPLAIN, "--json", "config.json"), "nothing that this command wrote"),
        ((*EXPLAIN, "--csv", "data.csv"), "nothing that this command wrote"),
        ((*EXPLAIN, "--store", "m.gguf"), "nothing that this command wrote"),
        ((*EXPLAIN, "--html", "pipe.html"), "is a pipe, a socket or a device"),
        ((*EXPLAIN, "--csv", "socket.csv"), "is a pipe, a socket or a device"),
        ((*EXPLAIN, "--json", "folder.json"), "is a folder"),
        ((*EXPLAIN, "--store", "out"), "is a device"),
        ((*EXPLAIN, "--csv", "out.csv"), "is a device"),
        ((*EXPLAIN, "--html", "-"), "is no file"),
        ((*COMPARE, "--json", "a.json", "--store", "A.json"), "--store and --json are the same"),
        ((*COMPARE, "--csv", "data.csv"), "nothing that this command wrote"),
        ((*COMPARE, "--json", "hard.json"), "--json and --prompt-file are the same"),
        (("demo", "--output", "S.html"), "nothing that this command wrote"),
        (("demo", "--output", "pipe.html"), "is a pipe, a socket or a device"),
    ],
)
def test_refused(
    arguments: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files that are read, that are somebody else's, or that are asked for twice, stay."""
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert reason in said.err.splitlines()[-1]
    assert "Ablations" not in said.err


def test_files_beside_the_store(capsys: pytest.CaptureFixture[str]) -> None:
    """What SQLite keeps beside a store is not to be written over."""
    Path("a.html-wal").symlink_to("n.html")
    with pytest.raises(SystemExit):
        cli.main([*EXPLAIN, "--store", "a.html", "--html", "n.html"])
    assert "--html and the files that SQLite keeps beside --store" in capsys.readouterr().err
