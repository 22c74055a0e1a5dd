"""The command `shapiq-spex`: the main job end to end, and what it says to wrong arguments."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from shapiq_spex import SPEX, __version__
from shapiq_spex.cli import main
from shapiq_spex.demo import digits

if TYPE_CHECKING:
    from pathlib import Path

BUDGET = 600
PIXEL = r"\(row [1-8], col [1-8]\)"


@dataclass
class Run:
    """A finished run of the demo."""

    code: int
    out: str
    err: str
    picture: Path
    state_kept: bool

    def results(self) -> list[str]:
        """Return what was printed, without seconds and place."""
        lines = self.out.splitlines()
        return [line for line in lines if not line.startswith(("Seconds", "Picture"))]


def run_demo(folder: Path) -> Run:
    """Run the demo with a small budget, and watch the state that belongs to others."""
    out, err = io.StringIO(), io.StringIO()
    before = global_state()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["demo", "--budget", str(BUDGET), "--output", str(folder / "picture.png")])
    kept = global_state() == before
    return Run(code, out.getvalue(), err.getvalue(), folder / "picture.png", kept)


def global_state() -> tuple[bytes, object]:
    """Return the state of numpy's global generator, and matplotlib's backend."""
    generator = np.random.get_state()[1]  # noqa: NPY002 - the state that must not move
    return generator.tobytes(), mpl.rcParams._get("backend")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the demo once for all tests that only look at it."""
    return run_demo(tmp_path_factory.mktemp("demo"))


def test_demo(demo: Run) -> None:
    """The main job: interactions by name, faithfulness, ablations, a picture, a progress bar."""
    assert demo.code == 0

    ablations = re.search(r"Ablations +([\d,]+) images", demo.out)
    assert ablations is not None
    used = int(ablations[1].replace(",", ""))
    assert 0.9 * BUDGET <= used <= BUDGET

    faithfulness = re.search(r"R2 = (-?\d\.\d+) on 1,000 fresh masks \((-?\d\.\d+)", demo.out)
    assert faithfulness is not None
    assert 0.5 < float(faithfulness[1]) <= 1.0
    assert float(faithfulness[2]) <= 1.0

    listed = re.findall(rf"^ +[+-]\d+\.\d+  {PIXEL}(?: x {PIXEL})+$", demo.out, flags=re.MULTILINE)
    assert len(listed) >= 6

    assert f"Picture: {demo.picture}" in demo.out
    with Image.open(demo.picture) as image:
        assert image.format == "PNG"
        assert image.width > image.height > 400

    assert "Ablations: 100%" in demo.err or f"{used}/{BUDGET}" in demo.err


def test_demo_leaves_global_state_alone(demo: Run) -> None:
    """The picture is drawn without pyplot, the random draws without numpy's global generator."""
    assert demo.state_kept


def test_demo_repeats_itself(demo: Run, tmp_path: Path) -> None:
    """One seed is one result, apart from the seconds."""
    assert run_demo(tmp_path).results() == demo.results()


def test_demo_of_another_index_and_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Index and order are passed on."""
    picture = tmp_path / "picture.png"
    options = ["--budget", str(BUDGET), "--index", "k-SII", "--max-order", "2", "--seed", "1"]
    assert main(["demo", *options, "--output", str(picture)]) == 0
    out = capsys.readouterr().out
    assert "Strongest interactions of 2 pixels (k-SII)" in out
    assert re.search(rf"{PIXEL} x {PIXEL} x", out) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--budget", "many"], "many"),
        (["demo", "--index", "CHII"], "FBII"),
        (["demo", "--max-order", "1"], "at least 2"),
        (["demo", "--max-order", "two"], "not a whole number"),
        (["demo", "--seed", "-1"], "between 0 and"),
        (["demo", "--output", "picture.txt"], ".png"),
        (["demo", "--output", "no/such/folder/picture.png"], "no folder"),
        (["explore"], "invalid choice"),
        (["explain", "--prompt", "a"], "--labels"),
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


@pytest.mark.parametrize("budget", ["-5", "3"])
def test_impossible_budget(budget: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What only SPEX knows is said in its words, without a traceback and without a picture."""
    picture = tmp_path / "picture.png"
    with pytest.raises(SystemExit) as ending:
        main(["demo", "--budget", budget, "--output", str(picture)])
    assert ending.value.code == 2
    assert "budget" in capsys.readouterr().err.splitlines()[-1]
    assert not picture.exists()


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

    monkeypatch.setattr(SPEX, "approximate", interrupted)
    assert main(["demo", "--budget", str(BUDGET)]) == 130
    assert capsys.readouterr().err.endswith("interrupted\n")


class TestMargin:
    """The value that the demo explains."""

    class Fixed:
        """A classifier that gives every image the probabilities in its first three pixels."""

        def predict_proba(self, X: np.ndarray) -> np.ndarray:
            """Return the first three pixels."""
            return X[:, :3]

    def test_is_the_lead_in_logits(self) -> None:
        """A log ratio to the best other class, whatever the others are."""
        images = np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]])
        margin = digits.Margin(self.Fixed(), digit=0)
        assert margin(images) == pytest.approx([np.log(2.0), -np.log(3.0)])

    def test_is_finite_where_probabilities_are_not_positive(self) -> None:
        """A probability that underflows does not become minus infinity."""
        margin = digits.Margin(self.Fixed(), digit=0)
        assert np.isfinite(margin(np.array([[0.0, 1.0, 0.0]]))).all()

    def test_counts_every_image_once(self) -> None:
        """The progress bar sees batches that add up to the images, as shapiq passes them."""
        counted: list[int] = []
        margin = digits.Margin(self.Fixed(), digit=0)
        margin.watch = counted.append
        assert len(margin(np.full((250, 3), 0.5, dtype=object))) == 250
        assert sum(counted) == 250
        assert len(counted) > 1


def test_pixel_names() -> None:
    """Pixels are named by row and column, from 1 at the top left, as the picture's axes are."""
    assert digits.pixel_name(0) == "(row 1, col 1)"
    assert digits.pixel_name(63) == "(row 8, col 8)"
    assert digits.pixel_name(8 * 2 + 3) == "(row 3, col 4)"
