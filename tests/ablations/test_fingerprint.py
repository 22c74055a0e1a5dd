"""Tests of fingerprints: equal for equal games in every process, different for different ones."""

from __future__ import annotations

import copy
import functools
import importlib
import os
import re
import subprocess
import sys
import textwrap
import threading
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapiq
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from shapiq.explainer.utils import get_predict_function_and_model_type
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer

from shapiq_spex.ablations._fingerprint import Identifier

if TYPE_CHECKING:
    from collections.abc import Callable

SCALE = 2.0
LOG: list[int] = []


def of(game: object) -> str:
    """Return a fingerprint."""
    return Identifier(game).fingerprint()


def evaluate(game: Callable[[np.ndarray], object]) -> str:
    """Evaluate a game as a store does; return its fingerprint before."""
    identifier = Identifier(game)
    found = identifier.begin()
    game(MASKS)
    assert identifier.confirm() is None
    return found


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
    found = {evaluate(game) for _ in range(3)}
    assert len(found) == 1
    # another instance that writes into the same log, too
    assert {of(game), of(Weighted([1, 2, 3, 4]))} == found
    game.label = "negative"
    assert of(game) not in found
    game.label = "positive"
    assert of(game) in found
    monkeypatch.setattr(sys.modules[__name__], "LOG", [])
    game.label = "negative"
    assert of(game) == of(Weighted([1, 2, 3, 4], "negative")) not in found
    game.label = "positive"
    game.weights = [1, 2, 3, 5]
    assert of(game) == of(Weighted([1, 2, 3, 5])) not in found
    game.weights = [1, 2, 3, 4]
    game.calls = 100
    assert of(game) not in found


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
    found = {evaluate(game) for _ in range(3)}
    assert {of(game), of(build())} == found
    game.state["factor"] = 3.0
    assert of(game) not in found


def test_what_an_evaluation_adds() -> None:
    """Caches, attributes that come late and arrays that are replaced do not count."""

    class Lazy(Weighted):
        cache: Any

        def __init__(self) -> None:
            """Begin with a cache that holds something."""
            super().__init__([1, 2, 3, 4])
            self.cache, self.last = {"first": 1}, np.zeros(2)

        @functools.cached_property
        def scale(self) -> list[float]:
            return [2.0]

        def value_function(self, coalitions: np.ndarray) -> np.ndarray:
            """Evaluate, and leave traces."""
            self.cache[len(self.cache)] = coalitions.sum()
            self.last = coalitions @ np.arange(4.0) + len(self.cache)
            self.late = Weighted([len(self.cache)])
            return self.last * self.scale[0]

    game = Lazy()
    found = {evaluate(game) for _ in range(3)}
    assert {of(game), of(Lazy())} == found
    game.cache["first"] = 2
    assert of(game) not in found


def test_a_parameter_that_an_evaluation_touches() -> None:
    """A user's change counts also where evaluations change something."""

    class Rounded(Weighted):
        def value_function(self, coalitions: np.ndarray) -> np.ndarray:
            """Turn a parameter into another type first."""
            self.label = str(self.label)
            self.weights = np.asarray(self.weights)
            return coalitions @ self.weights

    game = Rounded([1, 2, 3, 4])
    before = evaluate(game)
    assert of(game) == before
    game.weights = [1, 2, 3, 5]
    assert of(game) == of(Rounded([1, 2, 3, 5])) != before


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
    given = [Identifier(game, "mine").fingerprint() for game in (make(1.0), Weighted([1]))]
    assert given[0] == given[1] != Identifier(make(1.0), "other").fingerprint()


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
    from shapiq_spex.ablations._fingerprint import Identifier

    NAMES = {"one", "two", "three", "four"}

    class Game(shapiq.Game):
        kinds = {"a": 1, "b": {3, "x", 2.5}}

        def __init__(self):
            super().__init__(n_players=3, normalize=False)
            self.parent = self
            self.table = {name: np.arange(3) for name in sorted(NAMES)}

        def value_function(self, coalitions):
            inner = lambda masks: masks[:, 0] * len(NAMES)
            return inner(coalitions)

    print(Identifier(Game()).fingerprint())
    print(Identifier(lambda masks: masks[:, 0] + len(NAMES)).fingerprint())
    print(Identifier(functools.partial(np.sum, axis=1)).fingerprint())
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


def module(folder: Path, name: str, code: str) -> Any:  # noqa: ANN401 a module
    """Write and import a user's module."""
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return importlib.import_module(name)


@pytest.mark.parametrize(
    "code",
    [
        "def helper(m):\n    return {0} * m[:, 0]\ndef game(m):\n    return helper(m)\n",
        "import my_{1}\ndef game(m):\n    return m[:, 0] * my_{1}.SCALE\n",
        "def game(m):\n    from my_{1} import SCALE\n    return m[:, 0] * SCALE\n",
        (
            "import functools\n@functools.lru_cache\ndef helper():\n    return {0}\n"
            "def game(m):\n    return helper() * m[:, 0]\n"
        ),
    ],
    ids=["called", "imported", "imported inside", "cached"],
)
def test_modules_of_users(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change in a user's own module counts, wherever the game reaches it."""
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    for factor in (1, 2):
        module(tmp_path, f"my_{factor}", f"SCALE = {factor}\nOTHER = 3\n")
        found.append(of(module(tmp_path, f"game_{factor}", code.format(factor, factor)).game))
    again = of(module(tmp_path, "game_1", code.format(1, 1)).game)
    assert found[0] != found[1]
    assert found[0] == again


class Tuple(list[float]):
    """A list that knows more."""

    unit = "m"


def configured(masks: np.ndarray) -> np.ndarray:
    """Read its own attribute."""
    return masks[:, 0] * configured.scale  # type: ignore[attr-defined]


def test_easily_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Order of entries, factories, masked arrays, closures of libraries, names of players."""
    pairs: list[tuple[object, object]] = [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (defaultdict(int), defaultdict(list)),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 1])),
        (Tuple([1.0]), [1.0]),
        (re.compile("a"), re.compile("b")),
        (np.exp, np.log),
        (expit, np.exp),
        (int | str, int | None),
    ]
    for one, two in pairs:
        assert of(Weighted(one)) == of(Weighted(copy.deepcopy(one))) != of(Weighted(two))
    model = RandomForestClassifier(2, random_state=0).fit(np.eye(4), [0, 1, 2, 0])
    predict = [get_predict_function_and_model_type(model, class_index=k)[0] for k in (0, 1)]
    assert of(Weighted(predict[0])) != of(Weighted(predict[1]))
    named = [Weighted([1]), Weighted([1])]
    named[0].player_name_lookup = {"a": 0}
    assert of(named[0]) != of(named[1])
    monkeypatch.setattr(configured, "scale", 1.0, raising=False)
    before = of(configured)
    monkeypatch.setattr(configured, "scale", 2.0)
    assert of(configured) != before


def test_vectorizers() -> None:
    """An identity that scikit-learn keeps is no part of a model."""
    found = {of(Weighted(CountVectorizer().fit(["a text", "another"]))) for _ in range(2)}
    assert len(found) == 1
