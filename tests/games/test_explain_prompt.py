"""Tests of the command that explains a prompt, with a real model."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    files = {name: tmp_path / f"a.{name}" for name in ("sqlite", "html", "json")}
    arguments += ["--store", str(files["sqlite"]), "--html", str(files["html"])]
    arguments += ["--json", str(files["json"])]
    assert cli.main(arguments) == 0
    first = capsys.readouterr()
    assert "(never, fails): +" in first.out
    assert "log-odds of 'positive' for the whole text: +" in first.out
    assert "prompts: 64 asked, 0 from the store" in first.out
    assert "64/64" in first.err
    assert ">never · fails</td>" in files["html"].read_text(encoding="utf-8")
    loaded = shapiq.InteractionValues.load(files["json"])
    assert f"(never, fails): {loaded[(2, 3)]:+.2f}" in first.out
    assert cli.main(arguments) == 0
    second = capsys.readouterr()
    assert "prompts: 0 asked, 64 from the store" in second.out
    assert second.out.splitlines()[:-1] == first.out.splitlines()[:-1]


def test_dry_run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The price is said before it is paid."""
    assert cli.main([*arguments, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("64 prompts of together")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (["--labels", "positive"], "at least two"),
        (["--model", "none.gguf"], "no model file"),
        (["--chat"], "give its --url"),
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
