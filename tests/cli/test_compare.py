"""Tests of the command that compares methods on a prompt, with a real model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shapiq_spex import METHODS, Comparison, cli, compare
from shapiq_spex.cli import _main
from shapiq_spex.cli.compare import count_most

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = (
    r"Review: a dull and lifeless film\nSentiment: negative\n\n"
    r"Review: a joy to watch from start to finish\nSentiment: positive\n\n"
    r"Review: {text}\nSentiment:"
)
ALL = 32  # ways to leave out words of the review


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ask the small model for a review of five words, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "review.txt").write_text("It never fails to impress.\n", encoding="utf-8")
    return [
        *("compare", "--prompt-file", str(tmp_path / "review.txt"), "--template", TEMPLATE),
        *("--labels", "positive, negative", "--methods", "proxyspex, kernelshap"),
        *("--budgets", "20,24", "--test-masks", "10"),
    ]


def asked(said: str) -> tuple[int, int]:
    """Return how many prompts were asked, and how many came from the store."""
    found = re.search(r"^prompts: (\d+) asked, (\d+) from the store$", said, re.MULTILINE)
    assert found is not None
    return int(found[1]), int(found[2])


def test_report(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table by method and budget, the files it is kept in, and one bar that gets to its end.

    A run that stops at its limit loses nothing: the next one asks what is missing, and the one
    after it nothing, for the same table.
    """
    files = {name: tmp_path / f"a.{name}" for name in ("sqlite", "json", "csv", "svg")}
    arguments += ["--store", str(files["sqlite"])]
    with pytest.raises(SystemExit) as stopped:
        cli.main([*arguments, "--max-calls", "12"])
    assert stopped.value.code == 2
    assert "with 12 prompts asked" in capsys.readouterr().err
    arguments += ["--json", str(files["json"]), "--csv", str(files["csv"])]
    assert cli.main([*arguments, "--plot", str(files["svg"])]) == 0
    first = capsys.readouterr()
    evaluated, stored = asked(first.out)
    assert stored == 12
    assert evaluated + stored <= ALL
    assert f"{evaluated + stored}/{evaluated + stored}" in first.err
    table = Comparison.load(files["json"])
    assert Comparison.load(files["csv"]) == table
    assert table.summary() in first.out
    assert first.out.startswith("R² by budget, of the log-odds of 'positive' on prompts")
    assert {(row["game"], row["method"], row["budget"]) for row in table.rows} == {
        ("review", method, budget) for method in ("proxyspex", "kernelshap") for budget in (20, 24)
    }
    assert all(row["error"] == "" for row in table.rows)
    assert "<svg" in files["svg"].read_text(encoding="utf-8")
    assert cli.main(arguments) == 0
    second = capsys.readouterr()
    assert asked(second.out) == (0, evaluated + stored)
    assert second.out.splitlines()[:-1] == first.out.splitlines()[:-1]


def test_report_outlives_files(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where all methods fail there is nothing to draw, and what was paid for is said all the same.

    The other files are written.
    """
    arguments += ["--methods", "faith-shap-9", "--json", str(tmp_path / "a.json")]
    with pytest.raises(SystemExit) as caught:
        cli.main([*arguments, "--plot", str(tmp_path / "a.png")])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert "faith-shap-9 failed at 20, 24: " in said
    assert "Not everything could be written: " in said
    assert asked(said) == (10, 0)
    assert len(Comparison.load(tmp_path / "a.json")) == 2


def test_chance_and_repeats(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Repeats differ by their masks; prompts asked twice tell how much of the answers is chance."""
    at = arguments.index("--labels")
    options = ["--similarity", "--temperature", "1.5", "--answer-tokens", "2", "--asks", "2"]
    options += ["--methods", "lime", "--budgets", "8", "--repeats", "2", "--test-masks", "10"]
    options += ["--json", str(tmp_path / "a.json"), "--random-state", "3"]
    assert cli.main([*arguments[:at], *options, "--plot", str(tmp_path / "a.pdf")]) == 0
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    said = capsys.readouterr().out
    assert "similarity to the answer" in said
    counted = re.search(
        r"^prompts: (\d+) asked, with (\d+) masks up to 2 times", said, re.MULTILINE
    )
    assert counted is not None
    assert int(counted[1]) == 2 * int(counted[2])
    rows = Comparison.load(tmp_path / "a.json").rows
    assert [row["repeat"] for row in rows] == [0, 1]
    assert all(0 < row["noise"] <= 1 for row in rows)


def test_all_prompts_asked_for(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Where a method asks for all there are, none is left to test it on, which is said."""
    assert cli.main([*arguments, "--methods", "lime", "--budgets", "32"]) == 0
    said = capsys.readouterr().out
    assert "on prompts not asked for, or on all where a method asked for nearly all:" in said


def test_dry_run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The price is said before it is paid; there are no more prompts than ways to leave out."""
    assert cli.main([*arguments, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith(f"at most {ALL} prompts of together")


@pytest.mark.parametrize(
    "change",
    [
        [],
        ["--methods", "proxyspex,lime,banzhaf,banzhaf-msr", "--budgets", "40,50"],
        ["--methods", "spex,kernelshap,permutation,faith-banzhaf", "--budgets", "120,150"],
        ["--methods", "lime", "--budgets", "2", "--reference", "1", "--repeats", "2"],
    ],
)
def test_no_more_than_said(change: list[str], arguments: list[str]) -> None:
    """No comparison of 14 players asks more than `--dry-run` says of it, nor much less."""
    options = _main._parser().parse_args([*arguments, *change])
    weights = np.random.default_rng(0).normal(size=14)
    masks: list[bytes] = []

    def game(asked_for: np.ndarray) -> np.ndarray:
        masks.extend(map(bytes, asked_for))
        return asked_for @ weights

    compare(
        game,
        options.methods,
        options.budgets,
        options.repeats,
        n_players=14,
        n_masks=options.test_masks,
        random_state=options.seed,
        reference=options.reference,
        progress=False,
    )
    assert len(set(masks)) == len(masks)
    most = count_most(14, options)
    assert most / 2 < len(masks) <= most


def test_list_methods(capsys: pytest.CaptureFixture[str]) -> None:
    """All methods with what they are, whatever else is missing."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["compare", "--list-methods"])
    assert caught.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [list(each) for each in METHODS.items()]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (["--methods", "proxyspex,shap"], "There is no method 'shap'; these there are: proxyspex"),
        (["--methods", ""], "There is no method ''"),
        (["--methods", "lime,lime"], "'lime' comes twice"),
        (["--budgets", "64,many"], "'many' is not a whole number"),
        (["--budgets", "0"], "must be at least 1"),
        (["--budgets", ""], "'' is not a whole number"),
        (["--test-masks", "1"], "must be at least 2"),
        (["--repeats", "0"], "must be at least 1"),
        (["--reference", "0"], "must be at least 1"),
        (["--seed", "-1"], "between 0 and"),
        (["--json", "no/such/folder/a.json"], "no folder"),
        (["--json", "a.txt"], "must end in .json"),
        (["--csv", "a.json"], "must end in .csv"),
        (["--plot", "a.gif"], "must end in .png or .svg or .pdf"),
        (["--store", "."], "is a folder"),
        (["--max-calls", "9"], "need a --store"),
        (["--prompt-file", "none.txt"], "No such file"),
        (["--max-seconds", "-1", "--store", "a.sqlite"], "must be a positive number"),
    ],
)
def test_mistakes(
    change: list[str], reason: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong options end with 2 and a line that says what is wrong, before anything is asked."""
    with pytest.raises(SystemExit) as caught:
        cli.main([*arguments, *change])
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert reason in said.err.splitlines()[-1]
    assert said.out == ""
    assert "Ablations" not in said.err
