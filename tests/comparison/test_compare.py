"""Methods are compared fairly, reproducibly and quietly, and no mask is paid for twice."""

from __future__ import annotations

import hashlib
import itertools
import random
import traceback
import warnings
from typing import Any

import numpy as np
import pytest
import shapiq
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from shapiq_spex import METHODS, Comparison, FourierSpectrum, StoredGame, compare
from shapiq_spex.comparison._watch import to_keys

_CHEAP = (
    "proxyspex",
    "spex",
    "kernelshap",
    "permutation",
    "faith-shap",
    "faith-banzhaf",
    "lime",
    "lasso",
    "lasso-cv",
    "ridge",
    "banzhaf",
    "banzhaf-msr",
)
_SHARING = ("proxyspex", "lime", "lasso", "ridge", "banzhaf", "banzhaf-msr", "lasso-cv")
_TIMES = ("seconds", "cpu_seconds", "peak_mib")


def _spectrum(n: int) -> FourierSpectrum:
    support = [(), *((i,) for i in range(n)), *itertools.combinations(range(min(n, 6)), 2)]
    return FourierSpectrum(n, support, np.random.default_rng(0).normal(size=len(support)))


def _untimed(table: Comparison) -> Comparison:
    """Return a table without what differs from run to run."""
    return Comparison({k: v for k, v in row.items() if k not in _TIMES} for row in table.rows)


def _compare(game: Any, methods: Any = "lime", budgets: Any = 200, **options: Any) -> Comparison:  # noqa: ANN401 any
    settings = {"random_state": 0, "n_masks": 300, "n_players": 12} | options
    return compare(game, methods, budgets, **settings)


class _Asks:
    """An approximator that asks for masks and finds nothing, or something."""

    def __init__(self, found: object = None) -> None:
        self.found = FourierSpectrum(12, [(0,)], [1.0]) if found is None else found
        self.asked: list[bytes] = []

    def approximate(self, budget: int, game: Any) -> Any:  # noqa: ANN401 any
        game(np.random.default_rng(1).random((budget, 12)) < 0.5)
        return self.found


def test_a_row_each() -> None:
    """There is a row for each method, budget and repeat, and all that is promised is in it."""
    table = _compare(_spectrum(12), ["lime", "proxyspex"], [200, 100, 200], repeats=2, name="mine")
    assert [(row["budget"], row["method"], row["repeat"]) for row in table.rows] == [
        *itertools.product([100, 200], ["lime", "proxyspex"], [0, 1])
    ]
    for row in table.rows:
        assert (row["game"], row["n_players"], row["error"]) == ("mine", 12, "")
        assert row["r2_low"] <= row["r2"] <= row["r2_high"] <= 1
        assert row["seconds"] >= 0
        assert row["ablations"] == row["budget"]
        assert np.isnan(row["recall"])
        assert 0.5 < row["stability"] <= 1
        assert (row["method"] == "lime") == np.isnan(row["cv_r2"])
    assert "noise" not in table.columns


def test_seeds_decide_all_but_times() -> None:
    """Equal calls give equal rows, and no global state of random numbers is read or changed."""
    methods = [*_CHEAP, "permutation-sii", "kernelshap-iq", "shapley-taylor"]
    states = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002 what is tested
    one = _compare(_spectrum(12), methods)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states  # noqa: NPY002
    random.seed(9)
    np.random.seed(9)  # noqa: NPY002
    other = _compare(_spectrum(12), methods)
    assert _untimed(one) == _untimed(other)
    few = ["proxyspex", "kernelshap"]
    first, second = (_compare(_spectrum(12), few, random_state=seed) for seed in (0, 1))
    assert _untimed(first) != _untimed(second)
    assert not any(row["error"] for row in one.rows)


def test_repeats_are_other_seeds() -> None:
    """The second repeat is what the first of the next seed is, test masks apart."""
    found = {"a": _Asks(), "b": shapiq.KernelSHAP(12)}
    rows = _compare(_spectrum(12), found, repeats=2).rows
    assert rows[2]["r2"] != rows[3]["r2"]
    assert rows[3]["stability"] < 1


def test_no_mask_twice_and_shared_masks() -> None:
    """Over all methods each mask is evaluated once, and those that can share do share."""
    asked: list[bytes] = []
    signal = _spectrum(12)

    def game(masks: np.ndarray) -> np.ndarray:
        asked.extend(to_keys(masks))
        return signal.evaluate(masks)

    _compare(game, list(_CHEAP), [100, 200], reference=3)
    assert len(asked) == len(set(asked))
    asked.clear()
    _compare(game, list(_SHARING), [100, 200], removals=())
    # those of the largest budget hold the others; some are among the test masks
    assert len(asked) == len(set(asked)) <= 500
    seen = len(asked)
    asked.clear()
    _compare(game, "proxyspex", [200], removals=())
    # linear models do without the empty and the full mask, and take the next two
    assert len(asked) <= seen <= len(asked) + 2


@pytest.mark.parametrize("n", [1, 2])
def test_very_few_players(n: int) -> None:
    """Methods explain one or two players, or say why not; budgets may be more than all masks."""
    cheap = [name for name in METHODS if name not in ("shapiq-proxyspex", "shapiq-spex")]
    table = compare(
        lambda masks: masks[:, 0] * 1.0, cheap, [2, 10], n_players=n, random_state=0, reference=2
    )
    assert len(table) == 2 * len(cheap)
    for row in table.rows:
        assert row["error"] or row["r2"] <= 1
    exact = ("proxyspex", "spex", "kernelshap", "faith-shap", "faith-banzhaf", "banzhaf", "ridge")
    for name in exact:
        assert table.mean()[name, 10] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, bool, list])
def test_kinds_of_values(kind: Any) -> None:  # noqa: ANN401 any
    """Values of any kind of number will do."""

    def game(masks: np.ndarray) -> Any:  # noqa: ANN401 any
        values = masks[:, 0] & masks[:, 1]
        return list(values) if kind is list else values.astype(kind)

    assert _compare(game, "proxyspex").rows[0]["r2"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e-9, 1e9, 1e150, 1e290])
def test_units_do_not_matter(scale: float) -> None:
    """In other units all figures are the same, and nothing overflows."""
    methods = ("proxyspex", "spex", "permutation", "banzhaf", "banzhaf-msr", "lime")
    one = _compare(_spectrum(12), methods).rows
    other = _compare(lambda masks: scale * _spectrum(12).evaluate(masks), methods).rows
    for row, expected in zip(other, one, strict=True):
        assert row["error"] == ""
        for name in ("r2", "r2_low", "r2_high", "r2_shifted", "r2_top_10", "removal_0.3"):
            assert row[name] == pytest.approx(expected[name], abs=1e-6)


def test_constant_games() -> None:
    """Of a constant no share can be told, and nothing fails."""
    for row in _compare(lambda masks: np.full(len(masks), 3.0), list(_CHEAP)).rows:
        assert row["error"] == ""
        assert np.isnan(row["r2"])


def _hash(masks: np.ndarray) -> np.ndarray:
    """Return noise that is the same for the same mask."""
    digests = [hashlib.blake2b(key, digest_size=8).digest() for key in to_keys(masks)]
    whole = np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.float64)
    return whole / 2.0**64


@pytest.mark.parametrize(("n", "fresh"), [(10, False), (10, True), (40, False)])
def test_noise_is_not_explained(n: int, fresh: bool) -> None:  # noqa: FBT001 a parameter
    """Nothing is found in noise: the mean over seeds is not above 0 by more than chance."""
    rng = np.random.default_rng(5)

    def game(masks: np.ndarray) -> np.ndarray:
        return rng.normal(size=len(masks)) if fresh else _hash(masks)

    tables = [
        compare(
            game,
            [m for m in _CHEAP if m != "spex"],
            300,
            n_players=n,
            random_state=seed,
            terms=(),
            removals=(),
        )
        for seed in (0, 10)
    ]
    for name in _CHEAP:
        found = np.array(
            [row["r2"] for table in tables for row in table.rows if row["method"] == name]
        )
        # a prediction that has nothing to do with 700 values correlates with them by 1/26 or so
        assert (found < 0.02).all()
        assert not len(found) or found.mean() < 0.005


def test_chance_is_that_of_the_test_masks(tmp_path) -> None:  # noqa: ANN001 pytest's
    """With repeats the noise is told, and no method is above what it allows."""
    rng, signal = np.random.default_rng(0), _spectrum(30)
    stored = StoredGame(
        lambda masks: signal.evaluate(masks) + 2 * rng.normal(size=len(masks)),
        tmp_path / "noisy.sqlite",
        n_players=30,
        fingerprint="noisy",
        repeats=2,
    )
    table = _compare(stored, ["proxyspex", "lime"], 500, n_players=None, n_masks=1000)
    share = 2 / (2 + (signal.coefficients[1:] ** 2).sum())
    for row in table.rows:
        assert row["noise"] == pytest.approx(share, rel=0.2)
        assert row["r2"] < 1 - row["noise"] + 0.03


def test_stored_games(tmp_path) -> None:  # noqa: ANN001 pytest's
    """What is stored is not paid for again by the next comparison, and its figures are the same."""
    calls: list[int] = []

    def game(masks: np.ndarray) -> np.ndarray:
        calls.append(len(masks))
        return _spectrum(12).evaluate(masks)

    stored = StoredGame(game, tmp_path / "a.sqlite", n_players=12, fingerprint="a")
    one = _compare(stored, ["lime", "spex"], n_players=None)
    paid = sum(calls)
    assert _untimed(_compare(stored, ["lime", "spex"])) == _untimed(one)
    assert sum(calls) == paid


def test_limits_of_stored_games(tmp_path) -> None:  # noqa: ANN001 pytest's
    """Where a game gives no value, the comparison ends and says so."""

    def game(masks: np.ndarray) -> np.ndarray:
        if masks[:, :2].all(axis=1).any():
            raise RuntimeError(len(masks))
        return masks[:, 3] * 1.0

    stored = StoredGame(
        game, tmp_path / "b.sqlite", n_players=12, fingerprint="b", on_failure="skip"
    )
    with pytest.raises(ValueError, match=r"no value for \d+ of 300 masks.*compare again"):
        _compare(stored)


def test_errors_of_the_game_are_its_own() -> None:
    """They come as they are, with their causes and nothing else."""

    def game(masks: np.ndarray) -> np.ndarray:
        if len(masks) < 250:
            try:
                _ = 1 / 0
            except ZeroDivisionError as error:
                msg = "no answer"
                raise KeyError(msg) from error
        return masks[:, 0] * 1.0

    with pytest.raises(KeyError, match="no answer") as caught:
        _compare(game)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert "GameError" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(value: float) -> None:
    """A game without a finite value ends the comparison."""
    with pytest.raises(ValueError, match="not finite"):
        _compare(lambda masks: np.where(masks[:, 0], value, 1.0))


def test_failures_of_methods_are_rows() -> None:
    """Whatever a method does wrong, the others are compared."""
    methods = {
        "other players": _Asks(FourierSpectrum(13, [(0,)], [1.0])),
        "nothing": _Asks("nothing"),
        "lime": "lime",
        "faith-shap-13": "faith-shap-13",
    }
    table = _compare(_spectrum(12), methods, repeats=2)
    for row in table.rows:
        failed = row["method"] != "lime"
        assert bool(row["error"]) == np.isnan(row["r2"]) == failed
    assert "13 players, but the game has 12" in table.rows[0]["error"]
    assert "lime failed" not in str(table)


def test_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed, and filters of warnings stay as they are."""
    before = list(warnings.filters)
    _compare(_spectrum(12), ["proxyspex", "lasso", "kernelshap-iq"])
    assert capfd.readouterr() == ("", "")
    assert warnings.filters == before


def test_recall() -> None:
    """It is known where all masks are tested, and with a reference."""
    assert compare(_spectrum(8), "proxyspex", 256, random_state=0).rows[0]["recall"] == 1
    found = compare(_spectrum(20), "lime", 100, random_state=0, n_masks=100, reference=5)
    assert 0 < found.rows[0]["recall"] < 1


def test_a_classifier() -> None:
    """Of a linear model's margin, linear methods find all; KernelSHAP as shipped, too."""
    inputs, labels = load_digits(return_X_y=True)
    inputs, labels = inputs[labels < 2], labels[labels < 2]
    model = LogisticRegression(max_iter=1000).fit(inputs, labels)

    def game(masks: np.ndarray) -> np.ndarray:
        return model.decision_function(np.where(masks, inputs[0], inputs.mean(axis=0)))

    table = compare(game, ["banzhaf", "proxyspex", "kernelshap"], 300, n_players=64, random_state=0)
    for row in table.rows:
        assert row["r2"] == pytest.approx(1, abs=0.01)


def test_games_of_shapiq() -> None:
    """A normalized game says its players, and its level is its own."""

    class Normalized(shapiq.Game):
        def value_function(self, coalitions: np.ndarray) -> np.ndarray:
            return 5.0 + coalitions[:, 0] + coalitions[:, 1] * coalitions[:, 2]

    game = Normalized(n_players=9, normalization_value=5.0)
    table = compare(game, ["proxyspex", "faith-shap"], 200, random_state=0, removals=[1])
    for row in table.rows:
        assert row["r2"] == pytest.approx(1, abs=1e-9)
        assert row["removal_1"] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="The game has 9 players, not 8"):
        compare(game, n_players=8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budgets": 0}, "A budget must be at least 1, got 0"),
        ({"budgets": []}, "no budget to compare at"),
        ({"budgets": [1.5]}, r"A budget must be an integer, got 1\.5"),
        ({"repeats": 0}, "repeats must be at least 1"),
        ({"n_masks": 1}, "n_masks must be at least 2, got 1"),
        ({"n_masks": 10.5}, r"n_masks must be an integer, got 10\.5"),
        ({"n_players": None}, "pass n_players"),
        ({"n_players": 0}, "n_players must be at least 1"),
        ({"random_state": -1}, "random_state must be at least 0, got -1"),
        ({"terms": [0]}, "Each of terms must be at least 1"),
        ({"removals": [0]}, "numbers of players or shares"),
        ({"removals": [1.0]}, "numbers of players or shares"),
        ({"removals": [True]}, "numbers of players or shares"),
        ({"top": 0}, "top must be at least 1"),
        ({"reference": 0}, "reference must be at least 1"),
    ],
)
def test_numbers_out_of_range(options: dict[str, Any], message: str) -> None:
    """They are refused before the game is asked."""

    def game(masks: np.ndarray) -> np.ndarray:
        raise AssertionError(len(masks))

    with pytest.raises((TypeError, ValueError), match=message):
        _compare(game, **options)


def test_numbers_of_numpy_and_iterators() -> None:
    """Integers of numpy, arrays and iterators are as good."""
    options: dict[str, Any] = {"random_state": np.int64(0), "terms": iter([5])}
    options |= {"removals": iter([np.int64(2), 0.5]), "budgets": np.array([100])}
    found = _compare(_spectrum(12), **options)
    plain = _compare(_spectrum(12), budgets=100, terms=[5], removals=[2, 0.5])
    assert _untimed(found) == _untimed(plain)
