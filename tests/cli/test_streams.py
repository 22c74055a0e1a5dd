"""Tests of reports where characters are missing, or that nobody reads to their end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-c", "import sys; from shapiq_spex.cli import main; sys.exit(main())"]
ENCODINGS = ["utf-8", "ascii", "cp932", "utf-16"]
IN_PYTHON = """
from shapiq_spex import ProxySPEX, StoredGame
from shapiq_spex.games import PromptGame
game = PromptGame(text="电影 电影", model=lambda texts: [*map(len, texts)], segment="line")
with StoredGame(game, "a.sqlite", progress=True) as stored:
    approximator = ProxySPEX(1, 1, "SV", random_state=0)
    approximator.approximate(2, stored)
print(repr(approximator.record), game.estimate(2))
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store that has all answers, so that the model is asked once in a test."""
    return tmp_path / "a.sqlite"


def explain(store: Path, *more: str) -> list[str]:
    """Return the command that explains a text of Chinese and English."""
    text = ["--prompt", "电影 fails", "--labels", "好,坏", "--budget", "8"]
    return [*COMMAND, "explain", *text, "--max-order", "2", "--store", str(store), *more]


def run(command: list[str], encoding: str, folder: Path) -> tuple[int, str, str]:
    """Run a command in an encoding; return its exit code and what it wrote."""
    done = subprocess.run(  # noqa: S603 our own command
        command,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        cwd=folder,
        check=False,
    )
    return done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding)


def test_command_line(store: Path, tmp_path: Path) -> None:
    """The whole report is there in any encoding, with numbers for the characters that it lacks.

    Files have all characters.
    """
    page = tmp_path / "a.html"
    reports = {}
    for encoding in ENCODINGS:
        command = explain(store, "--html", str(page))
        code, reports[encoding], errors = run(command, encoding, tmp_path)
        assert code == 0, errors
        assert "Traceback" not in errors
        assert "电 · 影" in page.read_text(encoding="utf-8")
    whole = reports["utf-8"]
    assert "(电, 影)" in whole
    for encoding in ENCODINGS[1:-1]:
        # what is missing is escaped, nothing else
        plain = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), reports[encoding])
        assert plain.splitlines()[:-1] == whole.splitlines()[:-1]
    assert reports["utf-16"].splitlines()[:-1] == whole.splitlines()[:-1]


def test_help(tmp_path: Path) -> None:
    """Help has characters that a terminal may lack, too."""
    code, said, _ = run([*COMMAND, "compare", "--help"], "ascii", tmp_path)
    assert code == 0
    assert r"draw R\xb2 against" in said


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_python(encoding: str, tmp_path: Path) -> None:
    """Neither bars nor warnings nor what is told of a run fail."""
    code, said, errors = run([sys.executable, "-c", IN_PYTHON], encoding, tmp_path)
    assert code == 0, errors
    assert "RunRecord(asked=2" in said
    assert "one part alone" in errors
    assert "2/2" in errors


def test_closed_pipe(store: Path, tmp_path: Path) -> None:
    """Where nobody reads, there is no traceback, and files and answers are kept all the same."""
    reading, writing = os.pipe()
    os.close(reading)
    page = tmp_path / "a.html"
    done = subprocess.run(  # noqa: S603 our own command
        explain(store, "--html", str(page)),
        stdout=writing,
        stderr=writing,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 141
    assert "电 · 影" in page.read_text(encoding="utf-8")


def test_full_disk(store: Path, tmp_path: Path) -> None:
    """A report that cannot be written where it should is told with the error."""
    code = (
        "import resource, signal, sys; from shapiq_spex.cli import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "sys.exit(main(sys.argv[1:]))"
    )
    with (tmp_path / "report.txt").open("w", encoding="utf-8") as full:
        done = subprocess.run(  # noqa: S603 our own command
            [sys.executable, "-c", code, *explain(store, "--dry-run")[len(COMMAND) :]],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    said = done.stderr.decode()
    assert done.returncode == 2
    assert "8 prompts of together" in said
    assert "could not be printed where it should" in said
    assert "Traceback" not in said
