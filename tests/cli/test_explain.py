"""Tests of the command that explains a prompt, with a real model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import shapiq

from shapiq_spex import cli

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = (
    r"Review: a dull and lifeless film\nSentiment: negative\n\n"
    r"Review: a joy to watch from start to finish\nSentiment: positive\n\n"
    r"Review: {text}\nSentiment:"
)


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """Ask the small model for a short review."""
    (tmp_path / "review.txt").write_text("This film never fails to impress.\n", encoding="utf-8")
    return [
        *("explain", "--prompt-file", str(tmp_path / "review.txt"), "--template", TEMPLATE),
        *("--labels", "positive, negative", "--budget", "64"),
    ]


def test_report(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The strongest interaction is printed with its words, and a second run asks nothing."""
    files = {name: tmp_path / f"a.{name}" for name in ("sqlite", "html", "json", "csv")}
    arguments += ["--store", str(files["sqlite"]), "--html", str(files["html"])]
    arguments += ["--json", str(files["json"]), "--csv", str(files["csv"])]
    assert cli.main(arguments) == 0
    first = capsys.readouterr()
    assert "(never, fails): +" in first.out
    assert first.out.startswith("log-odds of 'positive': +")
    assert "prompts: 64 asked, 0 from the store" in first.out
    assert "64/64" in first.err
    assert ">never · fails</td>" in files["html"].read_text(encoding="utf-8")
    loaded = shapiq.InteractionValues.load(files["json"])
    assert f"(never, fails): {loaded[(2, 3)]:+.2f}" in first.out
    table = pd.read_csv(files["csv"])
    row = table[table["players"] == "2 3"].iloc[0]
    assert row["parts"] == "never + fails"
    assert row["value"] == pytest.approx(loaded[(2, 3)], rel=1e-12)
    assert cli.main(arguments) == 0
    second = capsys.readouterr()
    assert "prompts: 0 asked, 64 from the store" in second.out
    assert second.out.splitlines()[:-1] == first.out.splitlines()[:-1]


def test_dry_run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The price is said before it is paid."""
    assert cli.main([*arguments, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("64 prompts of together")


@pytest.mark.parametrize(
    ("options", "headline"),
    [
        (["--answer", " positive"], "log-probability of ' positive': -"),
        (["--own-answer", "--answer-tokens", "1"], "log-probability of ' positive': -"),
        (["--similarity", "--answer-tokens", "2"], "similarity to the answer ' positive"),
        (["--labels", "Yes,No", "--chat", "--segment", "token"], "log-odds of 'Yes': "),
    ],
)
def test_other_targets(
    options: list[str], headline: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Answers, the model's own, their likeness, and labels in a chat."""
    at = arguments.index("--labels")
    assert cli.main([*arguments[:at], *options, "--budget", "32"]) == 0
    assert capsys.readouterr().out.startswith(headline)


def test_limits(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A run stops at its limit, and explains what there is."""
    assert cli.main([*arguments, "--max-calls", "40"]) == 0
    said = capsys.readouterr()
    assert "prompts: 40 asked" in said.out
    assert re.search(r"^warning: There is no value for 24 of 64 masks", said.err, re.MULTILINE)
    assert cli.main([*arguments, "--max-tokens", "1800"]) == 0
    assert re.search(r"prompts: [2-4]\d asked", capsys.readouterr().out)


def test_chance(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Answers drawn at random are repeated, and their noise reported."""
    at = arguments.index("--labels")
    options = ["--similarity", "--temperature", "1.5", "--repeats", "2", "--answer-tokens", "2"]
    assert cli.main([*arguments[:at], *options, "--budget", "24"]) == 0
    assert "% of the variance is chance" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (["--labels", "positive"], "at least two"),
        (["--model", "none.gguf"], "no model file"),
        (["--segment", "sentence", "--keep-length"], "needs a mask of characters"),
        (["--max-tokens", "0"], "--max-tokens: must be at least 1"),
        (["--max-calls", "5"], "--max-calls must be at least 20"),
        (["--html", "no/such/folder/a.html"], "no folder"),
        (["--store", "."], "is a folder"),
        (["--url", "http://127.0.0.1:1/v1"], "needs the name of its --model"),
        (["--prompt-file", "none.txt"], "No such file"),
        (["--template", "nothing"], "must contain {text} once"),
        (["--budget", "3"], "smallest budget"),
    ],
)
def test_mistakes(
    change: list[str], reason: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong options end with 2 and a line that says what is wrong."""
    with pytest.raises(SystemExit) as caught:
        cli.main([*arguments, *change])
    assert caught.value.code == 2
    assert reason in capsys.readouterr().err
