"""Tests of masks as games are given them: what they add up to, and what they select."""

from __future__ import annotations

import copy
import functools
import operator
import pickle
from itertools import product
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
import shapiq

from shapiq_spex import FourierSpectrum, ProxySPEX, StoredGame, best_subset, faithfulness
from shapiq_spex.ablations import Masks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Array = np.ndarray[Any, Any]

N = 6
WEIGHTS = np.array([3, -1, 4, 1, -5, 9])
GROUPS = np.random.default_rng(0).random((N, 3)) < 0.5  # boolean, as masks are
# in the order of FourierSpectrum.from_values
ALL = np.array([bits[::-1] for bits in product([0, 1], repeat=N)])

# what a user writes, and the same for one mask of Python's integers
OPERATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Sequence[int]], float]]] = {
    "&": (lambda m: (m[:, 0] & m[:, 1]) + (m[:, 1] & m[:, 2]), lambda r: r[0] * r[1] + r[1] * r[2]),
    "|": (lambda m: (m[:, 0] | m[:, 1]) + (m[:, 2] | m[:, 3]), lambda r: max(r[:2]) + max(r[2:4])),
    "~": (lambda m: ~m[:, 0] + 2 * ~m[:, 1], lambda r: 3 - r[0] - 2 * r[1]),
    "X[m]": (lambda m: [WEIGHTS[row].sum() for row in m], lambda r: int(WEIGHTS @ r)),
    "sum": (lambda m: m[:, :3].sum(axis=1) - m[:, 0], lambda r: r[1] + r[2]),
    "@": (lambda m: (m @ GROUPS)[:, 0], lambda r: int(GROUPS[:, 0].astype(int) @ r)),
    "+": (lambda m: m[:, 0] + m[:, 1], lambda r: r[0] + r[1]),
    "-": (lambda m: m[:, 3] - m[:, 0], lambda r: r[3] - r[0]),
    "*": (lambda m: m[:, 0] * m[:, 1] + m[:, 2] * m[:, 1], lambda r: r[1] * (r[0] + r[2])),
}


class Functor:
    """A callable object."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        """Remember what it does."""
        self.function = function

    def __call__(self, masks: Array) -> Any:  # noqa: ANN401 as the function returns
        """Return the values."""
        return self.function(masks)


class ShapiqGame(shapiq.Game):
    """A game of shapiq."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        """Remember what it does."""
        super().__init__(n_players=N, normalize=False)
        self.function = function

    def value_function(self, coalitions: Array) -> Array:
        """Return the values."""
        return np.asarray(self.function(coalitions))


class WithOutputs:
    """A game whose outputs are kept."""

    n_players = N

    def __init__(self, function: Callable[[Any], Any]) -> None:
        """Remember what it does."""
        self.function = function

    def __call__(self, masks: Array) -> Array:
        """Return the values."""
        return self.values(self.outputs(masks))

    def outputs(self, masks: Array) -> Array:
        """Return what costs."""
        return np.asarray(self.function(masks))[:, None]

    def values(self, outputs: Array) -> Array:
        """Return the values."""
        return outputs[:, 0]


class Streaming(WithOutputs):
    """A game that hands its outputs on one by one."""

    def stream(self, masks: Array) -> Any:  # noqa: ANN401 pairs
        """Yield positions and outputs."""
        for place, row in enumerate(np.asarray(self.function(masks))):
            yield np.array([place]), np.array([[row]])


KINDS = ["function", "callable", "game", "outputs", "stream"]


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Any], Any]:
    """Return what makes a game of one kind from a function."""
    kinds = {
        "function": lambda function: function,
        "callable": Functor,
        "game": ShapiqGame,
        "outputs": lambda f: StoredGame(WithOutputs(f), tmp_path / "a.sqlite", fingerprint="a"),
        "stream": lambda f: StoredGame(Streaming(f), tmp_path / "a.sqlite", fingerprint="a"),
    }
    return kinds[request.param]


@pytest.mark.parametrize("name", OPERATIONS)
class TestGames:
    """Each operation is right in each kind of game, whoever calls it."""

    def test_approximate(self, make: Callable[[Any], Any], name: str) -> None:
        """A game of all masks is explained exactly."""
        function, one = OPERATIONS[name]
        approximator = ProxySPEX(n=N, random_state=0)
        approximator.approximate(1 << N, make(function))
        assert approximator.spectrum.evaluate(ALL) == pytest.approx([one(r) for r in ALL.tolist()])

    def test_explainer(self, make: Callable[[Any], Any], name: str) -> None:
        """So it is through shapiq's explainer."""
        function, one = OPERATIONS[name]
        explainer = shapiq.Explainer(
            make(function), n_players=N, index="FBII", max_order=2, approximator="proxyspex"
        )
        explainer.explain(budget=1 << N)
        found = explainer.approximator.spectrum.evaluate(ALL)
        assert found == pytest.approx([one(r) for r in ALL.tolist()])

    def test_faithfulness(self, make: Callable[[Any], Any], name: str) -> None:
        """An explanation that is right is found to be, and one of "or" for "+" is not."""
        function, one = OPERATIONS[name]
        right = FourierSpectrum.from_values([one(r) for r in ALL.tolist()])
        assert faithfulness(right, make(function)).r2 == pytest.approx(1.0)

    def test_best_subset(self, make: Callable[[Any], Any], name: str) -> None:
        """Subsets are tried in the same game."""
        function, one = OPERATIONS[name]
        right = FourierSpectrum.from_values([one(r) for r in ALL.tolist()])
        found = best_subset(right, 3, blur=0.0, game=make(function))
        assert found.value == pytest.approx(one(found.mask.astype(int).tolist()))


@pytest.fixture
def masks() -> Masks:
    """Draw masks."""
    drawn: Masks = (np.random.default_rng(0).random((20, N)) < 0.5).view(Masks)
    return drawn


def whole(masks: Masks) -> Array:
    """Return the same as integers."""
    return np.asarray(masks).astype(np.int64)


ARITHMETIC: dict[str, Callable[[Any], Any]] = {
    "negative": lambda m: -m,
    "complement": lambda m: 1 - m,
    "power": lambda m: m**2 + m[:, :1] ** m,
    "division": lambda m: m / 2 + m // 1,
    "by a Python bool": lambda m: m + True,
    "matrix of itself": lambda m: m @ m.T,
    "dot": lambda m: np.dot(m, m.T) + m.dot(m.T),
    "plain booleans": lambda m: GROUPS.astype(m.dtype).T @ m.T,
    "einsum": lambda m: np.einsum("ij,kj->ik", m, m),
    "einsum by lists": lambda m: np.einsum(m, [0, 1], m, [2, 1], [0, 2]),
    "inner": lambda m: np.inner(m, m) + np.tensordot(m, m, axes=(1, 1)),
    "vdot": lambda m: np.vdot(m, m),
    "outer": lambda m: np.outer(m[0], m[1]) + np.add.outer(m[0], m[1]),
    "convolve": lambda m: np.convolve(m[0], m[1]) + np.polymul(np.append(1, m[0]), m[1])[:11].sum(),
    "diff": lambda m: np.diff(m, axis=1),
    "cumsum": lambda m: np.cumsum(m, axis=1) + m.cumsum(axis=1),
    "reduce": lambda m: np.add.reduce(m, axis=1) + np.prod(m, axis=1),
    "subtract.reduce": lambda m: np.subtract.reduce(m, axis=1),
    "mean": lambda m: m.mean(axis=1) + np.std(m),
    "quantile": lambda m: np.quantile(m, 0.3, axis=1),
    "Python's sum": lambda m: sum(m.T),
    "Python's sum of a row": lambda m: [sum(row) for row in m],
    "operator": lambda m: functools.reduce(operator.add, m.T),
    "rows": lambda m: [row[0] + row[1] - row[2] for row in m],
    "entries": lambda m: [m[i, 0] * 2 - m[i, 1] for i in range(len(m))],
    "flat": lambda m: [a + b for a, b in zip(m.flat, m[:, ::-1].flat, strict=True)],
    "take": lambda m: m.take(0) + m.take(1),
    "exp": np.exp,  # numpy's is of half precision for booleans
    "concatenated": lambda m: np.hstack([m, m])[:, 0] + np.hstack([m, m])[:, N],
    "where": lambda m: np.where(m, 2.5, m + m),
    "where, logic": lambda m: np.where(m[:, 0], m[:, 1], m[:, 2]) + m[:, 2],
    "copies": lambda m: m.copy()[:, 0] + copy.deepcopy(m)[:, 1] + np.copy(m)[:, 2],
    "small integers": lambda m: m @ np.full(N, 200, dtype=np.uint8),
    "astype": lambda m: m.astype(int)[:, 0] + m.astype(float)[:, 1],
    "product of a product": lambda m: (m[:, 0] * m[:, 1]) + (m[:, 2] * m[:, 3]),
    "vectorized": lambda m: np.apply_along_axis(lambda row: row[0] + row[1], 1, m),
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_is_that_of_integers(masks: Masks, name: str) -> None:
    """Whatever a sum is made with, it is one."""
    assert np.allclose(ARITHMETIC[name](masks), ARITHMETIC[name](whole(masks)), rtol=1e-12)


def test_what_logic_comes_to_adds_up(masks: Masks) -> None:
    """Booleans that are made of masks are masks again."""
    ones = whole(masks)
    compared = (masks[:, 0] == 1) + (masks[:, 1] == 1) + (masks[:, 2] > 0)
    assert np.array_equal(compared, ones[:, :3].sum(axis=1))
    both = masks[:, :2].all(axis=1) + masks[:, 2:].any(axis=1)
    assert np.array_equal(both, ones[:, :2].min(axis=1) + ones[:, 2:].max(axis=1))
    assert masks.any() + masks.any() == 2


LOGIC: dict[str, Callable[[Any], Any]] = {
    "not": lambda m: ~m,
    "exclusive or": lambda m: m ^ m[:, :1],
    "logical": lambda m: np.logical_and(m, ~m[:, :1]) | np.logical_not(m),
    "rows": lambda m: [~row[0] & row[1] for row in m],
    "product": lambda m: WEIGHTS[m[0] * m[1]],
    "index of an index": lambda m: WEIGHTS[~m[0]],
    "by an entry": lambda m: WEIGHTS[m[0, 0]],
    "stacked": lambda m: ~np.vstack([m, m]),
    "packed": lambda m: np.packbits(m, axis=1),
    "nonzero": np.flatnonzero,
    "minimum": lambda m: ~np.minimum(m, m[:, :1]),
    "isin": lambda m: np.unique(m, axis=0),
    "list": lambda m: m.tolist(),
    "maximum": lambda m: [not row.max() for row in m],
    "choice": lambda m: [("on" if row[0] else "off") == "on" for row in m],
    "keys": lambda m: [{(True, False): 1}.get(tuple(row[:2]), 0) for row in m],
}


@pytest.mark.parametrize("name", LOGIC)
def test_logic_is_that_of_booleans(masks: Masks, name: str) -> None:
    """What selects or negates does as it does for numpy's own booleans."""
    found, expected = LOGIC[name](masks), LOGIC[name](np.asarray(masks))
    assert np.array_equal(found, expected)
    assert np.asarray(found).dtype == np.asarray(expected).dtype


def test_numbers_can_be_counted_up(masks: Masks) -> None:
    """In-place forms of entries and of a user's own arrays are right."""
    entry = masks[0, 0]
    for other in masks[0, 1:]:
        entry += other
    assert entry == whole(masks)[0].sum()
    flag = masks[0, 0]
    flag |= masks[0, 1]
    assert bool(flag) == any(np.asarray(masks)[0, :2])
    assert [bool(~e) for e in masks[0]] == (~np.asarray(masks)[0]).tolist()  # no entry has changed
    counts = np.zeros(len(masks))
    counts += masks[:, 0]
    counts[masks[:, 1]] += 1
    assert np.array_equal(counts, whole(masks)[:, :2].sum(axis=1))


def add_in_place(masks: Masks) -> None:
    """Add two columns into the first."""
    column = masks[:, 0]
    column += masks[:, 1]


@pytest.mark.parametrize(
    "write",
    [
        add_in_place,
        lambda m: np.subtract(m[:, 0], m[:, 1], out=m[:, 2]),
        lambda m: operator.setitem(m, (slice(None), 0), 2.5),
        lambda m: np.full_like(m[:, 0], 2.5),
        lambda m: np.add.at(m[0], [0], m[1, 0]),
    ],
)
def test_what_masks_cannot_hold_is_refused(masks: Masks, write: Callable[[Masks], object]) -> None:
    """A number that would become True is no silent matter."""
    with pytest.raises(TypeError, match=r"Masks .*booleans"):
        write(masks)


def test_masks_can_be_written_into(masks: Masks) -> None:
    """Logic in place stays possible."""
    expected = np.asarray(masks)[:, 0] & np.asarray(masks)[:, 1]
    masks[:, 0] &= masks[:, 1]
    masks[:, 2] = 0
    assert np.array_equal(masks[:, 0], expected)
    assert not masks[:, 2].any()


def test_results_are_plain(masks: Masks) -> None:
    """Numbers are numpy's own arrays, in the precision of the other operand."""
    single = np.ones((N, 2), dtype=np.float32)
    assert (masks @ single).dtype == (masks[:, 0] * np.float32(2)).dtype == np.float32
    results = [masks + masks, masks.astype(float), masks.view(np.uint8), masks @ single]
    assert {type(result) for result in results} == {np.ndarray}
    assert type(masks[:, 0] & masks[:, 1]) is type(~masks) is type(masks == 1) is Masks


def add(masks: Masks) -> Any:  # noqa: ANN401 an array
    """Add two columns."""
    return masks[:, 0] + masks[:, 1]


def test_they_stay_what_they_are_in_other_processes() -> None:
    """Also where they are large enough for joblib to share arrays by a file."""
    large = np.ones((20_000, 100), dtype=bool).view(Masks)
    (found,) = joblib.Parallel(n_jobs=2)([joblib.delayed(add)(large)])
    assert found.max() == 2
    small = pickle.loads(pickle.dumps(large[0]))  # noqa: S301 our own bytes
    assert small[0] + small[1] == 2
