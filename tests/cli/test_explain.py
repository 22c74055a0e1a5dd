"""Tests of the command that explains a prompt, with a real model."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
import shapiq

from shapiq_spex import ProxySPEX, cli

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


def test_limits(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run stops at its limit, explains what there is, and counts that in report and page."""
    page = tmp_path / "a.html"
    assert cli.main([*arguments, "--max-calls", "40", "--html", str(page)]) == 0
    said = capsys.readouterr()
    missing = "24 of 64 have no answer, as --max-calls was reached"
    assert f"prompts: 40 asked, 0 from the store; {missing}\n" in said.out
    assert f"; 40 masked prompts; {missing}; faithfulness" in page.read_text(encoding="utf-8")
    assert re.search(r"^warning: There is no value for 24 of 64 masks", said.err, re.MULTILINE)
    assert cli.main([*arguments, "--max-tokens", "1800"]) == 0
    assert re.search(r"prompts: [2-4]\d asked", capsys.readouterr().out)


def test_limit_with_a_store(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the store has needs no prompt, so that the limit may be lower than a first run's."""
    arguments += ["--store", str(tmp_path / "a.sqlite")]
    assert cli.main([*arguments, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("at most 64 prompts of together")
    assert cli.main([*arguments, "--max-calls", "60"]) == 0
    assert cli.main([*arguments, "--max-calls", "5"]) == 0
    assert "prompts: 4 asked, 60 from the store\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ([], "Without --store no answer is kept: the next run asks for all of them again."),
        (["--store", "a.sqlite"], "The answers so far are in a.sqlite: the same command goes on"),
    ],
)
def test_broken_off(
    store: list[str],
    said: str,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where a prompt fails or somebody ends the run, it is said whether anything is kept."""
    monkeypatch.chdir(Path(arguments[2]).parent)
    too_long = "so on and " * 2000 + "{text}"
    with pytest.raises(SystemExit):
        cli.main([*arguments, *store, "--template", too_long])
    error = capsys.readouterr().err.splitlines()[-1]
    assert "The game failed on" in error
    assert said in error
    assert "is kept; the same call" not in error

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ProxySPEX, "approximate", interrupted)
    assert cli.main([*arguments, *store]) == 130
    *_, kept, last = capsys.readouterr().err.splitlines()
    assert said in kept
    assert last == "interrupted"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_of_other_editors(
    encoding: str, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same text is the same prompt, in whatever encoding and with whatever ends of lines."""
    arguments += ["--store", str(tmp_path / "a.sqlite"), "--budget", "20", "--max-order", "1"]
    assert cli.main(arguments) == 0
    text = "\r\n\r\nThis film never fails to impress.\r\n"
    (tmp_path / "review.txt").write_bytes(text.encode(encoding))
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out.count("prompts: 0 asked, 20 from the store") == 1


def test_chance(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Answers drawn at random are repeated, and the prompts and their noise reported."""
    at = arguments.index("--labels")
    options = ["--similarity", "--temperature", "1.5", "--repeats", "2", "--answer-tokens", "2"]
    assert cli.main([*arguments[:at], *options, "--budget", "24"]) == 0
    said = capsys.readouterr().out
    assert "% of the variance is chance" in said
    assert "prompts: 48 asked, with 24 masks up to 2 times each; 0 masks from the store" in said


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
        (["--prompt-file", "."], "'.' is a folder"),
        (["--mask", "\udcff"], "--mask has bytes that are no text"),
        (["--json", "a.out"], "must end in .json"),
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
