"""Tests of a store that was written before classes had stable names and versions counted."""

from __future__ import annotations

import importlib.util
import shutil
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shapiq_spex import StoredGame

PLACE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("former_games", PLACE / "former_games.py")
former: Any = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
spec.loader.exec_module(former)  # type: ignore[union-attr]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Copy the store."""
    return Path(shutil.copy(PLACE / "former.sqlite", tmp_path / "former.sqlite"))


def check(games: dict[str, Any], path: Path, versioned: set[str]) -> None:
    """Check that all answers are found, and that a notice tells once of new names."""
    told = set()
    for name, game in games.items():
        options = former.find_options(name)
        for time in range(2):
            with (
                warnings.catch_warnings(record=True) as caught,
                StoredGame(game, path, **options) as stored,
            ):
                warnings.simplefilter("always")
                masks = former.draw(stored.n_players)
                values = stored(masks)
            assert (stored.record.evaluated, stored.record.failed) == (0, 0), name
            # llama.cpp rounds as the machine does
            tolerance = 0.2 if name == "llama.cpp" else 1e-5
            fresh = game(masks)
            np.testing.assert_allclose(values, fresh, rtol=0, atol=tolerance)
            if caught:
                assert time == 0
                assert "goes by today's versions from now on" in str(caught[0].message)
                told.add(name)
    assert told == versioned


def test_prompts(path: Path) -> None:
    """All targets of prompts are answered."""
    check(former.prompt_games(), path, {"llama.cpp"})


def test_training_data(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All values of retrained models are answered, if the learner is of the same version."""
    monkeypatch.setattr("sklearn.base.__version__", former.SKLEARN)
    # other values of the same retrainings have their name by then
    check(former.data_games(), path, {"margin", "groups", "regression", "trees"})


def test_games_that_are_read(path: Path) -> None:
    """Games of numpy alone have the name that they had."""
    check(former.other_games(), path, set())


@pytest.mark.torch
def test_heads(path: Path) -> None:
    """All tasks of heads are answered, and prompts of a model of torch."""
    try:
        found = version("transformers")
    except PackageNotFoundError:
        found = ""
    if found != former.TRANSFORMERS:
        pytest.skip(f"the settings of the model are those of transformers {former.TRANSFORMERS}")
    check(former.head_games(), path, {"choice", "mean", "perplexity", "prompt"})


def test_versions_count(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once an answer goes by a version, another version is another game."""
    monkeypatch.setattr("sklearn.base.__version__", former.SKLEARN)
    game = former.data_games()["trees"]
    with pytest.warns(UserWarning, match="from before the versions"):
        StoredGame(game, path)(former.draw(6))
    monkeypatch.setattr("lightgbm.__version__", "0.0.1")
    with StoredGame(game, path) as stored:
        stored(former.draw(6))
    assert stored.record.evaluated == 3
