"""Tests that the values of one game never answer for another, and that equal games pay once."""

from __future__ import annotations

import array
import ctypes
import functools
import gc
import importlib
import operator
import subprocess
import sys
import textwrap
import threading
import warnings
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import shapiq

import shapiq_spex
from shapiq_spex import StoredGame
from shapiq_spex.ablations import _fingerprint
from shapiq_spex.games import PromptGame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MASKS = np.arange(8)[:, None] >> np.arange(3) & 1 > 0
SCALE = 2.0
CONFIG: dict[str, Any] = {"scale": 2.0, "calls": 0}
LOG: list[int] = []


def play(game: Any, path: Path) -> tuple[np.ndarray, int]:  # noqa: ANN401 any game
    """Return the values through a store, and how many had to be evaluated."""
    with StoredGame(game, path, n_players=3) as stored:
        return stored(MASKS), stored.record.evaluated


def wrapped(original: Callable[..., Any]) -> Callable[[float], Any]:
    """Return what makes games that look like an installed function."""

    def make(factor: float) -> Any:  # noqa: ANN401 a game
        @functools.wraps(original)
        def value(masks: np.ndarray) -> np.ndarray:
            return masks.sum(axis=1) * constant(factor)

        return value

    return make


def constant(factor: float) -> float:
    """Return a factor."""
    return factor


def by_code(source: str, name: str, **variables: object) -> Callable[[float], Any]:
    """Return what makes games by executing code, which holds the factor as ``FACTOR``."""

    def make(factor: float) -> Any:  # noqa: ANN401 a game
        scope: dict[str, Any] = dict(variables)
        code = textwrap.dedent(source).replace("FACTOR", repr(factor))
        exec(compile(code, "<made>", "exec"), scope)  # noqa: S102 as profilers do
        found = scope[name]
        return found() if isinstance(found, type) else found

    return make


FUNCTION = """
def value(masks):
    return masks.sum(axis=1) * FACTOR
"""
CLASS = """
class Value:
    def __call__(self, masks):
        return masks.sum(axis=1) * FACTOR
"""
WRAPS = """
import functools
@functools.wraps(original)
def value(masks):
    return masks.sum(axis=1) * FACTOR
"""
FROM_NUMPY = """
import numpy as np
inner = np.{0}(lambda total: total * FACTOR{1})
def value(masks):
    return inner(masks.sum(axis=1)).astype(float)
"""
REDUCED = """
import numpy as np
inner = np.frompyfunc(lambda a, b: a + FACTOR * b, 2, 1).reduce
def value(masks):
    return inner(masks.astype(float), axis=1).astype(float)
"""
CALLABLE = """
import numpy as np
class Times:
    def __call__(self, total):
        return total * FACTOR
inner = np.frompyfunc(Times(), 1, 1)
def value(masks):
    return inner(masks.sum(axis=1)).astype(float)
"""
CACHED = """
import functools
@functools.lru_cache
@functools.wraps(original)
def factor():
    return FACTOR
def value(masks):
    return masks.sum(axis=1) * factor()
"""
IN_CONTEXT = """
import contextlib
@contextlib.contextmanager
def factor():
    yield FACTOR
def value(masks):
    with factor() as found:
        return masks.sum(axis=1) * found
"""
NAMED_AS = """
class Value:
    def __call__(self, masks):
        return masks.sum(axis=1) * FACTOR
Value.__module__, Value.__qualname__ = "{0}", "{1}"
"""
BASE = """
import shapiq
class Base(shapiq.Game):
    fingerprint = "said by the base"
    def __init__(self):
        super().__init__(n_players=3, normalize=False)
    def factor(self):
        return 1.0
    def value_function(self, masks):
        return masks.sum(axis=1) * self.factor()
"""
EDITED = BASE + (
    """
class Value(Base):
    def factor(self):
        return FACTOR
"""
)
GIVEN = BASE + (
    """
class Value(Base):
    def __init__(self):
        super().__init__()
        self.own = FACTOR
    def factor(self):
        return self.own
"""
)
MIXED = BASE + (
    """
class Mixin:
    def factor(self):
        return FACTOR
class Value(Mixin, Base):
    pass
"""
)
BEHIND = BASE.replace("self.factor()", "self.other()") + (
    """
class Mixin:
    def other(self):
        return FACTOR
class Value(Base, Mixin):
    pass
"""
)
META = """
class Meta(type):
    @property
    def factor(cls):
        return FACTOR
class Value(metaclass=Meta):
    def __call__(self, masks):
        return masks.sum(axis=1) * type(self).factor
"""
PROPERTY = CLASS.replace("* FACTOR", "* self.factor") + (
    """
    @property
    def factor(self):
        return FACTOR
"""
)
STATIC = CLASS.replace("* FACTOR", "* self.factor()") + (
    """
    @staticmethod
    def factor():
        return FACTOR
"""
)

KINDS: dict[str, Callable[[float], Any]] = {
    "wraps of numpy": wrapped(np.sum),
    "wraps of the standard library": wrapped(operator.add),
    "wraps of this package": wrapped(shapiq_spex.faithfulness),
    "wraps, other code": by_code(WRAPS, "value", original=np.linalg.norm, __name__="__main__"),
    "wraps, cached": by_code(CACHED, "value", original=np.linalg.norm, __name__="__main__"),
    "frompyfunc": by_code(FROM_NUMPY.format("frompyfunc", ", 1, 1"), "value"),
    "frompyfunc, reduced": by_code(REDUCED, "value"),
    "frompyfunc of an object": by_code(CALLABLE, "value"),
    "vectorize": by_code(FROM_NUMPY.format("vectorize", ""), "value"),
    "vectorize with types": by_code(FROM_NUMPY.format("vectorize", ", otypes=[float]"), "value"),
    "function of no module": by_code(FUNCTION, "value"),
    "function of a profiler": by_code(FUNCTION, "value", __name__="__main__"),
    "function named as numpy's": by_code(FUNCTION, "value", __name__="numpy"),
    "class of no module": by_code(CLASS, "Value"),
    "class of a profiler": by_code(CLASS, "Value", __name__="__main__"),
    "class named as builtin": by_code(NAMED_AS.format("builtins", "dict"), "Value"),
    "class named as numpy's": by_code(NAMED_AS.format("numpy", "ndarray"), "Value"),
    "class named as ours": by_code(NAMED_AS.format("shapiq_spex", "SPEX"), "Value"),
    "in a context": by_code(IN_CONTEXT, "value"),
    "edited method": by_code(EDITED, "Value", __name__="__main__"),
    "attribute of a subclass": by_code(GIVEN, "Value", __name__="__main__"),
    "mixin behind": by_code(BEHIND, "Value", __name__="__main__"),
    "metaclass": by_code(META, "Value"),
    "mixin": by_code(MIXED, "Value", __name__="__main__"),
    "property": by_code(PROPERTY, "Value"),
    "static method": by_code(STATIC, "Value"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_changed_code(kind: str, tmp_path: Path) -> None:
    """A changed constant is another game, wherever it stands; the same one is not."""
    make, path = KINDS[kind], tmp_path / "a.sqlite"
    before, evaluated = play(make(1.0), path)
    again, evaluated_again = play(make(1.0), path)
    after, evaluated_after = play(make(3.0), path)
    assert (evaluated, evaluated_again, evaluated_after) == (8, 0, 8)
    assert np.array_equal(before, again)
    assert not np.array_equal(before, after)
    assert np.array_equal(after, make(3.0)(MASKS))


class Louder(PromptGame):
    """A game of this package with a part of its own."""

    ending = "!"

    def prompt(self, coalition: Any) -> Any:  # noqa: ANN401 as the method that it stands for
        """Add an ending."""
        return f"{super().prompt(coalition)}{self.ending}"

    def values(self, outputs: np.ndarray) -> np.ndarray:
        """Return something else, which costs nothing."""
        return super().values(outputs) + 1.0


def test_subclass_of_a_game(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a subclass changes in prompts counts; what it makes of kept answers does not."""
    options: dict[str, Any] = {"text": "a b c", "model": Numbers()}
    path = tmp_path / "a.sqlite"
    assert play(PromptGame(**options), path)[1] == 8
    assert play(Louder(**options), path)[1] == 8
    assert play(Louder(**options), path)[1] == 0
    monkeypatch.setattr(Louder, "ending", "!!")
    assert play(Louder(**options), path)[1] == 8
    monkeypatch.setattr(Louder, "values", lambda self, outputs: outputs[:, 0] + len(self.segments))
    assert play(Louder(**options), path)[1] == 0


class Numbers:
    """A model that counts characters."""

    fingerprint = "numbers"

    def __call__(self, prompts: list[str]) -> np.ndarray:
        """Count."""
        return np.array([[float(len(prompt))] for prompt in prompts])


class Slow(shapiq.Game):
    """A game that counts in many ways, and can be moved while it runs."""

    step = 1.0

    def __init__(self) -> None:
        """Begin."""
        super().__init__(n_players=3, normalize=False)
        self.scale, self.weights, self.parts = 1.0, np.ones(3), [1.0]
        self.state = {"scale": 1.0, "calls": 0}
        self.inner = Numbers()
        self.inner.factor = 1.0  # type: ignore[attr-defined]
        self.calls, self.seen, self.cache = 0, [], {}
        self.total, self.rng = np.zeros(1), np.random.default_rng(0)
        self.started = threading.Event()
        self.moved = threading.Event()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what only makes it wait."""
        return {k: v for k, v in self.__dict__.items() if k not in ("started", "moved")}

    def set_scale(self, scale: float) -> None:
        """Set the scale, as a slider does."""
        self.scale = scale

    def value_function(self, masks: np.ndarray) -> np.ndarray:
        """Read the settings, let others move them, and count."""
        factor = self.scale * self.parts[0] * self.state["scale"] * self.step
        factor *= self.inner.factor * SCALE * CONFIG["scale"]  # type: ignore[attr-defined]
        found = masks @ self.weights * factor
        self.started.set()
        self.moved.wait(10)
        self.calls += 1
        self.state["calls"] += 1
        self.seen.append(len(masks))
        self.total += len(masks)
        self.rng.normal()
        cache = self.cache
        cache[len(cache)] = masks.sum()
        LOG.append(len(masks))
        CONFIG["calls"] += 1
        return found


def move_global(_: Slow) -> None:
    """Move a global variable."""
    globals()["SCALE"] = 5.0


MOVES: dict[str, Callable[[Slow], object]] = {
    "attribute": lambda game: setattr(game, "scale", 5.0),
    "setter": lambda game: game.set_scale(5.0),
    "array": lambda game: operator.setitem(game.weights, 0, 5.0),
    "new array": lambda game: setattr(game, "weights", np.arange(3.0)),
    "list": lambda game: operator.setitem(game.parts, 0, 5.0),
    "entry beside a counter": lambda game: operator.setitem(game.state, "scale", 5.0),
    "object inside": lambda game: setattr(game.inner, "factor", 5.0),
    "class": lambda _: setattr(Slow, "step", 5.0),
    "global variable": move_global,
    "global dictionary": lambda _: operator.setitem(CONFIG, "scale", 5.0),
}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put everything back that games share."""
    monkeypatch.setattr(sys.modules[__name__], "SCALE", 2.0)
    monkeypatch.setattr(sys.modules[__name__], "LOG", [])
    monkeypatch.setattr(Slow, "step", 1.0)
    monkeypatch.setitem(CONFIG, "scale", 2.0)
    monkeypatch.setitem(CONFIG, "calls", 0)


def evaluate_and_move(game: Slow, move: Callable[[Slow], object], path: Path) -> np.ndarray:
    """Evaluate a game that another thread changes after it has read its settings."""

    def wait_and_move() -> None:
        game.started.wait(10)
        move(game)
        game.moved.set()

    thread = threading.Thread(target=wait_and_move)
    thread.start()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        values, _ = play(game, path)
    thread.join()
    assert "was changed while it was evaluated" in str(caught[0].message)
    return values


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("kind", MOVES)
def test_moved_by_another_thread(kind: str, tmp_path: Path) -> None:
    """A setting that moves during an evaluation is never taken for the game's own doing."""
    game, path = Slow(), tmp_path / "a.sqlite"
    found = evaluate_and_move(game, MOVES[kind], path)
    truth = game.value_function(MASKS)
    assert np.array_equal(found, truth)
    values, evaluated = play(game, path)
    assert np.array_equal(values, truth)
    assert evaluated == 8  # the line before counted, too, and through no store
    fresh = Slow()
    fresh.moved.set()
    if kind not in ("class", "global variable", "global dictionary"):
        assert not np.array_equal(play(fresh, path)[0], truth)


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a thread"])
def test_counting_costs_nothing(beside: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """What a game counts, caches and draws is no change, whether or not other threads run."""
    game, path, end = Slow(), tmp_path / "a.sqlite", threading.Event()
    game.moved.set()
    thread = threading.Thread(target=end.wait)
    if beside:
        thread.start()
    with StoredGame(game, path, batch_size=2) as stored:
        stored(MASKS[:5])
        stored(MASKS)
        assert stored.record.evaluated == 8
    assert play(game, path)[1] == 0
    end.set()
    assert game.calls == 5


@pytest.mark.usefixtures("settings")
def test_changed_by_another_game(tmp_path: Path) -> None:
    """What one game's evaluation does to a shared setting is a change for another game."""

    def mover(masks: np.ndarray) -> np.ndarray:
        CONFIG["scale"] = CONFIG["scale"] + 1.0
        return masks.sum(axis=1).astype(float)

    def reader(masks: np.ndarray) -> np.ndarray:
        return masks.sum(axis=1) * CONFIG["scale"]

    path = tmp_path / "a.sqlite"
    for scale in (2.0, 3.0, 4.0):
        values, evaluated = play(reader, path)
        assert np.array_equal(values, MASKS.sum(axis=1) * scale)
        assert evaluated == 8
        other = tmp_path / f"{scale}.sqlite"
        assert play(mover, other)[1] == 8
    CONFIG["scale"] = 3.0
    assert play(reader, path)[1] == 0


def test_a_new_game_after_its_like(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a game has only counted in a global variable, an equal one pays for nothing."""
    monkeypatch.setattr(sys.modules[__name__], "LOG", [])

    def make() -> Callable[[np.ndarray], np.ndarray]:
        def value(masks: np.ndarray) -> np.ndarray:
            LOG.append(len(masks))
            return masks.sum(axis=1).astype(float)

        return value

    path = tmp_path / "a.sqlite"
    assert [play(make(), path)[1] for _ in range(3)] == [8, 0, 0]


@pytest.mark.parametrize("number", [3, 3.0])
def test_counters_are_no_settings_of_others(number: float, tmp_path: Path) -> None:
    """A new game that begins where another one's count ended is another game."""

    class Counting:
        def __init__(self, count: float) -> None:
            self.count = count

        def __call__(self, masks: np.ndarray) -> np.ndarray:
            self.count += 1
            return masks.sum(axis=1) * self.count

    path = tmp_path / "a.sqlite"
    one = Counting(number - 1)
    play(one, path)
    assert one.count == number
    assert play(Counting(number), path)[1] == 8


def test_nothing_is_kept_of_dead_games(tmp_path: Path) -> None:
    """A game that counts, and its cache, can go when its user lets go of it."""

    class Caching:
        def __init__(self) -> None:
            self.cache: dict[int, Any] = {}

        def __call__(self, masks: np.ndarray) -> np.ndarray:
            self.cache[len(self.cache)] = Numbers()
            return masks.sum(axis=1).astype(float)

    game = Caching()
    with StoredGame(game, tmp_path / "a.sqlite", batch_size=2, n_players=3) as stored:
        stored(MASKS)
    traces = [weakref.ref(game), *map(weakref.ref, game.cache.values())]
    assert len(traces) == 5
    before = len(weakref.finalize._registry)  # type: ignore[attr-defined]
    for _ in range(20):
        play(game, tmp_path / "b.sqlite")
        game.cache.clear()
    assert len(weakref.finalize._registry) <= before + 40  # type: ignore[attr-defined]
    del game, stored
    gc.collect()
    assert [trace() for trace in traces] == [None] * 5


class Table:
    """A game that holds data."""

    def __init__(self, data: Any) -> None:  # noqa: ANN401 of several kinds
        """Keep it."""
        self.data = data

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Add up."""
        return masks @ np.asarray(self.data.sum(axis=0)).ravel()


def test_notes_of_packages(tmp_path: Path) -> None:
    """What scipy and pandas note beside the numbers is no change of these."""
    path = tmp_path / "a.sqlite"
    sparse = scipy.sparse.csr_matrix(np.arange(9.0).reshape(3, 3))
    assert play(Table(sparse), path)[1] == 8
    assert sparse.has_canonical_format  # which notes it
    assert play(Table(sparse), path)[1] == 0
    frame = pd.DataFrame(np.arange(9.0).reshape(3, 3))
    assert play(Table(frame), path)[1] == 8
    frame.attrs["read"] = "today"
    assert play(Table(frame), path)[1] == 0
    frame.iloc[0, 0] = 5.0
    assert play(Table(frame), path)[1] == 8


class Log(dict[int, int]):
    """A dictionary of a user's class."""


class Empty:
    """A game without any state, at first."""

    calls = 0

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Count in an attribute that is not there yet."""
        self.calls += 1
        return masks[:, 0] * 1.0


class OfClass:
    """A game that counts for all of its kind."""

    calls = 0
    cache: ClassVar[dict[int, int]] = {}

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Count."""
        OfClass.calls += 1
        type(self).calls += 1
        self.cache[len(self.cache)] = 1
        return masks[:, 0] * 1.0


class Counting:
    """A game that counts in something that hands out copies of its state."""

    def __init__(self, made: Any, count: Callable[[Any], object]) -> None:  # noqa: ANN401
        """Begin."""
        self.made, self.count = made, count

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Count."""
        self.count(self.made)
        return masks[:, 0] * 1.0


def lazily_opened(masks: np.ndarray) -> np.ndarray:
    """Open something that cannot be read when it is first needed."""
    lazily_opened.__dict__.setdefault("opened", (i for i in range(3)))
    return masks[:, 0] * 1.0


@pytest.fixture
def in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no other thread run, whatever the test runner does."""
    monkeypatch.setattr(_fingerprint, "_is_watched", lambda: False)


@pytest.mark.usefixtures("in_peace")
@pytest.mark.parametrize(
    "make",
    [
        Empty,
        OfClass,
        lambda: Counting(Log(), lambda log: log.__setitem__(len(log), 1)),
        lambda: Counting(iter(range(100)), next),
        lambda: Counting(array.array("d", [0.0]), lambda a: a.append(1.0)),
        lambda: Counting(bytearray(), lambda a: a.append(1)),
        lambda: Counting(np.ma.array([0.0, 1.0]), lambda a: a.__setitem__(0, a[0] + 1)),
    ],
    ids=["new", "class", "subclass", "iterator", "array", "bytes", "masked array"],
)
def test_ways_to_count(make: Callable[[], Any], tmp_path: Path) -> None:
    """A game that counts pays once: for the same object, a wrapped one, and one of its kind."""
    path, game = tmp_path / "a.sqlite", make()
    assert play(game, path)[1] == 8
    assert play(game, path)[1] == 0
    assert play(make(), path)[1] == 0
    if type(getattr(game, "made", game)).__weakrefoffset__:  # others may have their place again
        path = tmp_path / "b.sqlite"
        evaluated = [play(lambda masks: game(masks) + 0.0, path)[1] for _ in range(3)]
        assert evaluated == [8, 0, 0]


@pytest.mark.usefixtures("in_peace")
@pytest.mark.parametrize("entry", [1, (1, 2), [3]], ids=["number", "tuple", "list"])
def test_a_log_of_anything(entry: object, tmp_path: Path) -> None:
    """A list that grows with each batch is the game's own, whatever is in it."""
    game = Counting([], lambda log: log.append(entry))
    with StoredGame(game, tmp_path / "a.sqlite", batch_size=2, n_players=3) as stored:
        stored(MASKS)
    assert len(game.made) == 4
    assert play(game, tmp_path / "a.sqlite")[1] == 0


@pytest.mark.usefixtures("in_peace")
def test_a_resource_that_is_opened_late(tmp_path: Path) -> None:
    """What was paid for before nothing can be read any more is kept."""
    path = tmp_path / "a.sqlite"
    assert play(lazily_opened, path)[1] == 8
    with pytest.raises(ValueError, match="Cannot tell"):
        play(lazily_opened, path)
    del lazily_opened.__dict__["opened"]
    assert play(lazily_opened, path)[1] == 0


class Request:
    """Something that has an attribute of the same name as a setting."""

    temperature = 0.0


class Asking(shapiq.Game):
    """A game that sends its setting with each request."""

    def __init__(self) -> None:
        """Begin."""
        super().__init__(n_players=3, normalize=False)
        self.temperature = 1.0
        self.started, self.moved = threading.Event(), threading.Event()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what only makes it wait."""
        return {k: v for k, v in self.__dict__.items() if k not in ("started", "moved")}

    def value_function(self, masks: np.ndarray) -> np.ndarray:
        """Write the setting into a request."""
        request = Request()
        request.temperature = self.temperature
        self.started.set()
        self.moved.wait(10)
        return masks[:, 0] * request.temperature


def test_an_attribute_of_something_else(tmp_path: Path) -> None:
    """That the code writes an attribute of this name elsewhere does not make a setting its own."""
    game: Any = Asking()
    path = tmp_path / "a.sqlite"
    values = evaluate_and_move(game, lambda game: setattr(game, "temperature", 7.0), path)
    assert np.array_equal(values, MASKS[:, 0] * 7.0)
    fresh = Asking()
    fresh.moved.set()
    assert np.array_equal(play(fresh, path)[0], MASKS[:, 0] * 1.0)


def unreadable(factor: float) -> Any:  # noqa: ANN401 a game
    """Return a game whose closure cannot be read."""

    class Model:
        def __init__(self) -> None:
            self.factor, self.handle = factor, ctypes.c_void_p(5)

    model = Model()
    return lambda masks: masks[:, 0] * model.factor


def test_an_unreadable_closure(tmp_path: Path) -> None:
    """What cannot be read in a closure is refused, and not left out."""
    with pytest.raises(ValueError, match="Cannot tell"):
        play(unreadable(1.0), tmp_path / "a.sqlite")


HOLDING = {
    "closure": "def make(conf):\n    return lambda m: m[:, 0] * conf.SCALE\ngame = make(conf)",
    "default": "def game(m, c=conf):\n    return m[:, 0] * c.SCALE",
    "attribute": (
        "class G:\n    def __init__(self):\n        self.c = conf\n"
        "    def __call__(self, m):\n        return m[:, 0] * self.c.SCALE\ngame = G()"
    ),
    "argument": "def h(c):\n    return c.SCALE\ndef game(m):\n    return m[:, 0] * h(conf)",
    "relative": "def game(m):\n    from . import conf\n    return m[:, 0] * conf.SCALE",
    "relative name": "def game(m):\n    from .conf import SCALE\n    return m[:, 0] * SCALE",
    "parent": "def game(m):\n    from ..{0} import conf\n    return m[:, 0] * conf.SCALE",
    "submodule": "def game(m):\n    from {0} import conf\n    return m[:, 0] * conf.SCALE",
}


@pytest.mark.parametrize("kind", HOLDING)
def test_modules(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A constant in a user's module counts, however the game comes to it."""
    package = f"holding_{kind.replace(' ', '_')}"
    folder = tmp_path / package
    folder.mkdir()
    inside = folder / "deep" if kind == "parent" else folder
    inside.mkdir(exist_ok=True)
    monkeypatch.syspath_prepend(tmp_path)
    source = HOLDING[kind].format(package)
    first = "" if "import conf" in source or "relative" in kind else f"from {package} import conf\n"
    for place in (folder, inside):
        (place / "__init__.py").write_text("", encoding="utf-8")
    if kind == "parent":  # two up and down again
        source = source.replace(f"..{package}", "..")
    (inside / "games.py").write_text(first + source, encoding="utf-8")
    where = f"{package}.deep.games" if kind == "parent" else f"{package}.games"
    evaluated = []
    for scale in (1, 1, 3):
        (folder / "conf.py").write_text(f"SCALE = {scale}  # {'x' * scale}", encoding="utf-8")
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            del sys.modules[name]
        importlib.invalidate_caches()
        values, count = play(importlib.import_module(where).game, tmp_path / "a.sqlite")
        assert np.array_equal(values, MASKS[:, 0] * scale)
        evaluated.append(count)
    assert evaluated == [8, 0, 8]


def test_borrowed_words(tmp_path: Path) -> None:
    """A fingerprint that is another object's does not tell what stands around that."""

    def base(masks: np.ndarray) -> np.ndarray:
        return masks[:, 0] * 1.0

    base.fingerprint = "base"  # type: ignore[attr-defined]

    @functools.wraps(base)
    def scaled(masks: np.ndarray) -> np.ndarray:
        return 2.0 * base(masks)

    class Around:
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def __getattr__(self, name: str) -> object:
            return getattr(base, name)

        def __call__(self, masks: np.ndarray) -> np.ndarray:
            return base(masks) * self.factor

    path = tmp_path / "a.sqlite"
    for game in (base, scaled, Around(1.0), Around(3.0)):
        assert play(game, path)[1] == 8
    for game in (base, scaled, Around(1.0), Around(3.0)):
        assert play(game, path)[1] == 0


def test_attrs_that_are_read(tmp_path: Path) -> None:
    """What a game reads of pandas' notes counts."""
    frame = pd.DataFrame(np.eye(3))

    def value(masks: np.ndarray) -> np.ndarray:
        return masks[:, 0] * frame.attrs["weight"]

    for weight in (1.0, 2.0):
        frame.attrs["weight"] = weight
        assert play(value, tmp_path / "a.sqlite")[1] == 8


def test_games_that_hold_themselves(tmp_path: Path) -> None:
    """A game that its own log refers to can go."""

    class Holding:
        def __init__(self) -> None:
            self.log: list[object] = []

        def __call__(self, masks: np.ndarray) -> np.ndarray:
            self.log.append(self)
            return masks[:, 0] * 1.0

    game = Holding()
    play(game, tmp_path / "a.sqlite")
    trace = weakref.ref(game)
    del game
    gc.collect()
    assert trace() is None


PACKAGE = """
{0}
class Model:
    weight = 1.0
    def predict(self, masks):
        return masks.sum(axis=1) * 1.0
def predict(masks):
    return masks.sum(axis=1) * 1.0
"""


def install(folder: Path, version: str, how: str) -> Any:  # noqa: ANN401 a module
    """Install a package, or another version of it."""
    place = folder / "site-packages"
    place.mkdir(exist_ok=True)
    line = f"__version__ = {version!r}" if how != "metadata" else ""
    (place / "upgraded_model.py").write_text(PACKAGE.format(line), encoding="utf-8")
    if how != "attribute":
        for former in place.glob("*.dist-info"):
            for file in former.iterdir():
                file.unlink()
            former.rmdir()
        information = place / f"upgraded_model-{version}.dist-info"
        information.mkdir()
        text = f"Metadata-Version: 2.1\nName: upgraded-model\nVersion: {version}\n"
        (information / "METADATA").write_text(text, encoding="utf-8")
        (information / "top_level.txt").write_text("upgraded_model\n", encoding="utf-8")
    sys.modules.pop("upgraded_model", None)
    importlib.invalidate_caches()
    return importlib.import_module("upgraded_model")


def of_model(module: Any) -> Any:  # noqa: ANN401 a game of a module
    """Return a game that holds a model."""
    return Held(module.Model())


def of_method(module: Any) -> Any:  # noqa: ANN401 as above
    """Return a method of a model."""
    return module.Model().predict


def of_function(module: Any) -> Any:  # noqa: ANN401 as above
    """Return a function of the package."""
    return module.predict


def of_closure(module: Any) -> Any:  # noqa: ANN401 as above
    """Return a function that calls one of the package."""
    predict = module.predict
    return lambda masks: predict(masks) + 0.0


def of_module(module: Any) -> Any:  # noqa: ANN401 as above
    """Return a function that calls one of the module."""
    return lambda masks: module.predict(masks) + 0.0


def of_import(_: Any) -> Any:  # noqa: ANN401 as above
    """Return a function that imports the package when it is called."""

    def value(masks: np.ndarray) -> np.ndarray:
        from upgraded_model import predict  # type: ignore[import-not-found] # noqa: PLC0415

        found: np.ndarray = predict(masks)
        return found

    return value


class Held:
    """A game that asks a model."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 of an installed package
        """Keep it."""
        self.model = model

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Ask it."""
        found: np.ndarray = self.model.predict(masks)
        return found


@pytest.mark.parametrize("how", ["both", "attribute", "metadata"])
@pytest.mark.parametrize(
    "make", [of_model, of_method, of_function, of_closure, of_module, of_import]
)
def test_upgraded_packages(
    make: Callable[[Any], Any], how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of the package that a model is of is another game; the same one is not."""
    path = tmp_path / "a.sqlite"
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # both are written in the same second
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    assert play(make(install(tmp_path, "1.0", how)), path)[1] == 8
    assert play(make(install(tmp_path, "1.0", how)), path)[1] == 0
    assert play(make(install(tmp_path, "1.1", how)), path)[1] == 8
    sys.modules.pop("upgraded_model", None)


def test_numpy_may_be_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numpy is in all games, and its version in none."""
    path = tmp_path / "a.sqlite"
    game = lambda masks: np.exp(masks).sum(axis=1) * np.linalg.norm([3.0, 4.0])  # noqa: E731
    assert play(game, path)[1] == 8
    monkeypatch.setattr(np, "__version__", "99.0")
    assert play(game, path)[1] == 0


SCRIPT = """
import sys
import numpy as np
import shapiq
from shapiq_spex import StoredGame

FACTOR = 1.0

class Value(shapiq.Game):
    def __init__(self):
        super().__init__(n_players=3, normalize=False)
    def value_function(self, masks):
        return masks.sum(axis=1) * FACTOR

def value(masks):
    return masks.sum(axis=1) * FACTOR

def run(path):
    global FACTOR
    found = []
    for FACTOR in (1.0, 2.0):
        for game in (Value(), value):
            with StoredGame(game, path, n_players=3) as stored:
                values = stored(np.ones((1, 3), dtype=bool))
            found.append((stored.record.evaluated, float(values[0])))
    return found

def main(path, where):
    if where == "here":
        return run(path)
    if where == "loky":
        import joblib
        return joblib.Parallel(n_jobs=2)([joblib.delayed(run)(path)])[0]
    if where == "spawned":
        import multiprocessing
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(run, (path,))
    import ray
    ray.init(num_cpus=1, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    return ray.get(ray.remote(run).remote(path))

if __name__ == "__main__":
    print("found", main(*sys.argv[1:]))
"""
RUN_PATH = "import runpy, sys; sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')"
WAYS = {
    "plain": ([], "here"),
    "cProfile": (["-m", "cProfile"], "here"),
    "profile": (["-m", "profile"], "here"),
    "trace": (["-m", "trace", "--trackcalls"], "here"),
    "pdb": (["-m", "pdb", "-c", "continue"], "here"),
    "run_path": (["-c", RUN_PATH], "here"),
    "loky": ([], "loky"),
    "spawned": ([], "spawned"),
    "ray": ([], "ray"),
}


def run_script(way: str, folder: Path) -> str:
    """Run the script in one of the ways: a constant of its games changes half way."""
    script = folder / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    options, where = WAYS[way]
    command = [sys.executable, "-W", "ignore", *options, str(script), str(folder / "a"), where]
    done = subprocess.run(  # noqa: S603 our own
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=folder
    )
    lines = [line for line in done.stdout.splitlines() if "found [" in line]
    return lines[0][lines[0].index("found [") + 6 :] if lines else done.stderr


ALL_NEW = "[(1, 3.0), (1, 3.0), (1, 6.0), (1, 6.0)]"
ALL_KNOWN = "[(0, 3.0), (0, 3.0), (0, 6.0), (0, 6.0)]"


@pytest.mark.parametrize("way", ["cProfile", "loky"])  # a benchmark tries all of them
def test_profilers_and_workers(way: str, tmp_path: Path) -> None:
    """Where ``__main__`` is another program, a script's games are the same as elsewhere."""
    assert run_script(way, tmp_path) == ALL_NEW
    assert run_script("plain", tmp_path) == ALL_KNOWN
