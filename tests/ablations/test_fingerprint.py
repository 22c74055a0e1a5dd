"""Tests of fingerprints: equal for equal games in every process, different for different ones."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapiq
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from shapiq_spex.ablations._fingerprint import identify

if TYPE_CHECKING:
    from collections.abc import Callable

SCALE = 2.0
LOG: list[int] = []


def of(game: object) -> str:
    """Return a fingerprint."""
    return identify(game).fingerprint


class Weighted(shapiq.Game):
    """A game with state of several kinds."""

    def __init__(self, weights: object, label: str = "positive") -> None:
        """Keep what it is given."""
        super().__init__(n_players=4, normalize=False)
        self.weights, self.label, self.calls, self.seen = weights, label, 0, []

    def value_function(self, coalitions: np.ndarray) -> np.ndarray:
        """Evaluate, and count."""
        self.calls += 1
        self.seen.append(len(coalitions))
        LOG.append(len(coalitions))
        return SCALE * (coalitions @ np.asarray(self.weights))


class Other(Weighted):
    """The same with another name."""


MASKS = np.ones((2, 4), dtype=bool)
numbers = st.lists(st.floats(allow_nan=False) | st.integers() | st.text(), max_size=4)


@given(one=numbers, two=numbers)
def test_state(one: list[object], two: list[object]) -> None:
    """Equal state gives equal fingerprints, other state another one."""
    equal = [(type(v), repr(v)) for v in one] == [(type(v), repr(v)) for v in two]
    assert (of(Weighted(one)) == of(Weighted(two))) == equal
    assert of(Weighted({"a": one})) == of(Weighted({"a": list(one)}))


@pytest.mark.parametrize(
    "other",
    [
        np.arange(4.0) + np.array([0, 0, 0, 1e-12]),
        np.arange(4),
        np.arange(4.0, dtype=np.float32),
        np.arange(4.0)[None],
        [0.0, 1.0, 2.0, 3.0],
        {"weights": np.arange(4.0)},
    ],
    ids=["value", "integers", "precision", "shape", "list", "dictionary"],
)
def test_arrays(other: object) -> None:
    """All digits, the type and the shape of an array count."""
    assert of(Weighted(np.arange(4.0))) == of(Weighted(np.arange(4.0)))
    assert of(Weighted(np.arange(4.0))) != of(Weighted(other))


def test_classes() -> None:
    """A subclass is another game, and so is another label."""
    weights = np.arange(4.0)
    found = {of(Weighted(weights)), of(Other(weights)), of(Weighted(weights, "negative"))}
    assert len(found) == 3


def test_fitted_models() -> None:
    """A model counts by what it learnt."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 4)), rng.random(50) < 0.5
    one, same, other = (
        RandomForestClassifier(5, random_state=seed).fit(X, y) for seed in (0, 0, 1)
    )
    assert of(Weighted(one)) == of(Weighted(same))
    assert of(Weighted(one)) != of(Weighted(other))


def make(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return a closure."""
    return lambda masks: masks[:, 0] * factor


def scaled(masks: np.ndarray, factor: float = 1.0) -> np.ndarray:
    """Evaluate with a default."""
    return masks[:, 0] * factor * SCALE


def test_functions() -> None:
    """Closures, defaults, partial arguments and code count."""
    assert of(make(1.0)) == of(make(1.0))
    games = [
        make(1.0),
        make(2.0),
        scaled,
        functools.partial(scaled, factor=2.0),
        functools.partial(scaled, factor=3.0),
        lambda masks: masks[:, 0],
        lambda masks: masks[:, 1],
        lambda masks: masks.sum(axis=1),
        Weighted([1]).value_function,
        Weighted([2]).value_function,
    ]
    assert len({of(game) for game in games}) == len(games)


def test_globals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A global that the code reads counts, wherever it is read."""
    before = of(scaled), of(Weighted([1])), of(make(1.0))
    monkeypatch.setattr(sys.modules[__name__], "SCALE", 3.0)
    after = of(scaled), of(Weighted([1])), of(make(1.0))
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, False, True]


def test_counting_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an evaluation changed does not count, but anything else that changes does."""
    monkeypatch.setattr(sys.modules[__name__], "LOG", [])
    game = Weighted([1, 2, 3, 4])
    identity = identify(game)
    game(MASKS)
    identity.settle()
    game(MASKS)
    assert of(game) == identity.fingerprint
    # another instance that writes into the same log, too
    assert of(Weighted([1, 2, 3, 4])) == identity.fingerprint
    game.label = "negative"
    assert of(game) == of(Weighted([1, 2, 3, 4], "negative")) != identity.fingerprint
    game.label = "positive"
    game.weights = [1, 2, 3, 5]
    assert of(game) == of(Weighted([1, 2, 3, 5])) != identity.fingerprint


def test_counting_functions() -> None:
    """The same for counters in closures, globals and dictionaries."""

    def build() -> Callable[[np.ndarray], np.ndarray]:
        calls, state, seen = 0, {"calls": 0, "factor": 2.0}, []

        def play(masks: np.ndarray) -> np.ndarray:
            nonlocal calls
            calls += 1
            state["calls"] += 1
            seen.append(len(masks))
            return masks[:, 0] * state["factor"]

        play.state = state  # type: ignore[attr-defined]
        return play

    game: Any = build()
    identity = identify(game)
    game(MASKS)
    identity.settle()
    game(MASKS)
    assert of(game) == of(build()) == identity.fingerprint
    game.state["factor"] = 3.0
    assert of(game) != identity.fingerprint


def test_games_that_say_it_themselves() -> None:
    """An attribute or a method `fingerprint` is taken at its word."""

    class Remote:
        fingerprint: Any = "model 7, prompt 3"

        def __init__(self, key: str) -> None:
            """Hold what must not count."""
            self.key, self.lock = key, threading.Lock()

    assert of(Remote("a")) == of(Remote("b"))
    before = of(Remote("a"))
    Remote.fingerprint = {"model": 7, "prompt": [3, 4]}
    middle = of(Remote("a"))
    Remote.fingerprint = lambda _: {"model": 8, "prompt": [3, 4]}
    assert len({before, middle, of(Remote("a"))}) == 3


def test_a_given_fingerprint() -> None:
    """A text of the user stands for any game."""
    given = [identify(game, "mine").fingerprint for game in (make(1.0), Weighted([1]))]
    assert given[0] == given[1] != identify(make(1.0), "other").fingerprint


@pytest.mark.parametrize("kind", ["generator", "file"])
def test_what_cannot_be_read(kind: str) -> None:
    """A game with an open file or a generator must be named by its user."""
    with Path(__file__).open(encoding="utf-8") as file:
        game = Weighted(file if kind == "file" else (i for i in range(3)))
        with pytest.raises(ValueError, match=r"Cannot tell .* Pass fingerprint="):
            of(game)


def test_locks() -> None:
    """A lock changes no value."""
    assert of(Weighted([threading.Lock()])) == of(Weighted([threading.Lock()]))


SCRIPT = """
    import functools, sys
    import numpy as np
    import shapiq
    from shapiq_spex.ablations._fingerprint import identify

    NAMES = {"one", "two", "three", "four"}

    class Game(shapiq.Game):
        kinds = {"a": 1, "b": {3, "x", 2.5}}

        def __init__(self):
            super().__init__(n_players=3, normalize=False)
            self.parent = self
            self.table = {name: np.arange(3) for name in NAMES}

        def value_function(self, coalitions):
            inner = lambda masks: masks[:, 0] * len(NAMES)
            return inner(coalitions)

    print(identify(Game()).fingerprint)
    print(identify(lambda masks: masks[:, 0] + len(NAMES)).fingerprint)
    print(identify(functools.partial(np.sum, axis=1)).fingerprint)
"""


def test_other_processes() -> None:
    """Processes with other hashes find the same fingerprints."""
    found = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", textwrap.dedent(SCRIPT)]
        found.add(
            subprocess.run(  # noqa: S603
                command, check=True, capture_output=True, text=True, env=environment
            ).stdout
        )
    assert len(found) == 1
    assert len(set(found.pop().split())) == 3


def test_imported_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change in a user's own module counts, also one in a function called from a function."""
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    for number, factor in enumerate((1, 2)):
        name = f"my_game_{number}"
        code = (
            f"def helper(m):\n    return m[:, 0] * {factor}\n\ndef game(m):\n    return helper(m)\n"
        )
        Path(tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
        found.append(of(__import__(name).game))
    assert found[0] != found[1]
