"""The command `shapiq-spex`: its demo end to end, and what it says to wrong arguments."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shapiq_spex import ProxySPEX, StoredGame, __version__
from shapiq_spex.cli import main
from shapiq_spex.cli.demo import _check

if TYPE_CHECKING:
    from pathlib import Path

BUDGET = 120


@dataclass
class Run:
    """A finished run of the demo."""

    code: int
    out: str
    err: str
    page: Path
    state_kept: bool

    def results(self) -> list[str]:
        """Return what was printed, without seconds and place."""
        lines = self.out.splitlines()
        return [line for line in lines if not line.startswith(("Seconds", "Page"))]


def run_demo(folder: Path) -> Run:
    """Run the demo with a small budget, and watch the state that belongs to others."""
    out, err = io.StringIO(), io.StringIO()
    before = global_state()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["demo", "--budget", str(BUDGET), "--output", str(folder / "page.html")])
    kept = global_state() == before
    return Run(code, out.getvalue(), err.getvalue(), folder / "page.html", kept)


def global_state() -> bytes:
    """Return the state of numpy's global generator."""
    return np.random.get_state()[1].tobytes()  # noqa: NPY002 - the state that must not move


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the demo once for all tests that only look at it."""
    return run_demo(tmp_path_factory.mktemp("demo"))


def test_demo(demo: Run) -> None:
    """A real model's interactions by their words, faithfulness, a page, a progress bar."""
    assert demo.code == 0
    faithfulness = re.search(r"R2 = (-?\d\.\d+) on 200 prompts .* \((-?\d\.\d+)", demo.out)
    assert faithfulness is not None
    assert 0.3 < float(faithfulness[1]) <= 1.0
    assert float(faithfulness[2]) <= 1.0
    _, _, groups = demo.out.partition("Groups of 2 words (FBII)")
    assert re.match(r"\s+\+\d\.\d\d  never \+ fails\n", groups)
    assert "(FBII)" in demo.out
    assert f"Page: {demo.page}" in demo.out
    page = demo.page.read_text(encoding="utf-8")
    assert "never · fails" in page
    assert "R² = " in page
    assert f"{BUDGET}/{BUDGET}" in demo.err


def test_demo_tests_on_prompts_not_seen(tmp_path: Path) -> None:
    """None of the prompts that the demo's faithfulness rests on was asked for the explanation."""
    weights = np.random.default_rng(0).normal(size=8)
    approximator = ProxySPEX(8, random_state=0)
    with StoredGame(
        lambda masks: masks @ weights, tmp_path / "a.sqlite", n_players=8, fingerprint="sum"
    ) as stored:
        approximator.approximate(50, stored)
        assert _check(stored, approximator, seed=0) > 0.5
        assert (stored.record.evaluated, stored.record.from_store) == (250, 0)


def test_demo_leaves_global_state_alone(demo: Run) -> None:
    """Nothing is drawn from numpy's global generator."""
    assert demo.state_kept


def test_demo_repeats_itself(demo: Run, tmp_path: Path) -> None:
    """One seed is one result, apart from the seconds."""
    assert run_demo(tmp_path).results() == demo.results()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--budget", "many"], "not a whole number"),
        (["demo", "--index", "CHII"], "FBII"),
        (["demo", "--max-order", "1"], "at least 2"),
        (["demo", "--max-order", "two"], "not a whole number"),
        (["demo", "--seed", "-1"], "between 0 and"),
        (["demo", "--output", "page.png"], ".html"),
        (["demo", "--output", "no/such/folder/page.html"], "no folder"),
        (["explore"], "invalid choice"),
        (["explain", "--prompt", "a"], "--labels"),
        (["explain", "--prompt", "a", "--similarity", "--own-answer"], "not allowed with"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong argument ends with code 2 and one line that says what is wrong."""
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    assert ending.value.code == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("budget", ["-5", "3", "32600"])
def test_impossible_budget(budget: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What only the approximator knows is said in its words, without a page."""
    page = tmp_path / "page.html"
    with pytest.raises(SystemExit) as ending:
        main(["demo", "--budget", budget, "--output", str(page)])
    assert ending.value.code == 2
    assert "budget" in capsys.readouterr().err.splitlines()[-1]
    assert not page.exists()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` names the command and the version."""
    with pytest.raises(SystemExit) as ending:
        main(["--version"])
    assert ending.value.code == 0
    assert capsys.readouterr().out == f"shapiq-spex {__version__}\n"


def test_no_command_helps(capsys: pytest.CaptureFixture[str]) -> None:
    """The bare command shows what there is."""
    assert main([]) == 0
    assert "demo" in capsys.readouterr().out


def test_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends with the code of an interrupt and no traceback."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ProxySPEX, "approximate", interrupted)
    assert main(["demo", "--budget", str(BUDGET)]) == 130
    assert capsys.readouterr().err.endswith("interrupted\n")
