"""Tests of ProxySPEX as an approximator of shapiq."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapiq
from lightgbm import LGBMClassifier, LGBMRegressor
from shapiq.approximator.base import Approximator

from shapiq_spex import ProxySPEX
from shapiq_spex.approximators._uniform import UniformDesign
from shapiq_spex.spectrum import VALID_INDICES, SpectrumIndex

if TYPE_CHECKING:
    from collections.abc import Callable

    Game = Callable[[np.ndarray], np.ndarray]

SMALL_TREES = {"num_iterations": 60, "early_stopping_round": 10, "learning_rate": 0.1}


def small(masks: np.ndarray) -> np.ndarray:
    """Evaluate a game of players 0 to 3: one alone, two together and three together."""
    return 2.0 * masks[:, 0] - (masks[:, 1] & masks[:, 2]) + 5.0 * masks[:, [0, 1, 3]].all(axis=1)


def and_game(n: int, count: int, seed: int) -> Game:
    """Draw AND-interactions of order three with coefficients between 1 and 2 in size."""
    rng = np.random.default_rng(seed)
    sets = [rng.choice(n, 3, replace=False) for _ in range(count)]
    weights = rng.uniform(1, 2, count) * rng.choice([-1, 1], count)
    return lambda masks: sum(  # type: ignore[return-value]
        weight * masks[:, players].all(axis=1)
        for weight, players in zip(weights, sets, strict=True)
    )


def parity_game(n: int, count: int, order: int, seed: int) -> Game:
    """Draw parities of one order: no hierarchy at all."""
    rng = np.random.default_rng(seed)
    sets = [rng.choice(n, order, replace=False) for _ in range(count)]
    return lambda masks: sum(  # type: ignore[return-value]
        1.0 - 2.0 * (masks[:, players].sum(axis=1) % 2) for players in sets
    )


def dense(masks: np.ndarray) -> np.ndarray:
    """Evaluate a smooth game that no small set of terms explains, far from zero."""
    weights = np.random.default_rng(3).normal(size=masks.shape[1])
    return 5.0 + np.tanh(masks @ weights - weights.sum() / 2)


def table_game(n: int, seed: int) -> Game:
    """Draw every value at random."""
    values = np.random.default_rng(seed).normal(size=2**n)
    return lambda masks: values[masks @ (1 << np.arange(n))]


def uniform_masks(n: int, seed: int = 12345, count: int = 2000) -> np.ndarray:
    """Draw uniform masks."""
    return np.random.default_rng(seed).random((count, n)) < 0.5


def drawn_masks(n: int, n_masks: int, seed: int) -> np.ndarray:
    """Return the masks that ProxySPEX asks for."""
    packed = UniformDesign.draw(n, n_masks, seed).masks
    return np.unpackbits(packed, axis=1, count=n).view(np.bool_)


def r_squared(approximator: ProxySPEX, game: Game, masks: np.ndarray) -> float:
    """Score the spectrum on masks."""
    values = np.asarray(game(masks), dtype=float)
    error = ((values - approximator.spectrum.evaluate(masks)) ** 2).mean()
    return float(1 - error / values.var())


def assert_same(ours: ProxySPEX, theirs: ProxySPEX) -> None:
    """Compare spectra and faithfulness to the last bit."""
    assert np.array_equal(ours.spectrum.sets, theirs.spectrum.sets)
    assert np.array_equal(ours.spectrum.coefficients, theirs.spectrum.coefficients)
    assert ours.cv_faithfulness == theirs.cv_faithfulness


def run(game: Game, n: int, budget: int, seed: int = 0, **options: Any) -> ProxySPEX:  # noqa: ANN401
    """Approximate, and return the approximator."""
    arguments = {"max_order": 2, "index": "FBII"} | options
    approximator = ProxySPEX(n=n, random_state=seed, **arguments)
    with warnings.catch_warnings():
        if "max_terms" in options:  # so few terms may be unfaithful
            warnings.filterwarnings("ignore", message="The explanation is not faithful")
        approximator.approximate(budget, game)
    return approximator


@cache
def dense_run() -> ProxySPEX:
    """Explain the dense game once for several tests."""
    return run(dense, 14, 300)


class Recorder:
    """Remembers which masks a game was asked for."""

    def __init__(self, game: Game) -> None:
        """Wrap a game."""
        self._game = game
        self.asked: list[np.ndarray] = []

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Evaluate, and remember."""
        self.asked.append(masks.copy())
        return self._game(masks)

    @property
    def masks(self) -> np.ndarray:
        """All masks so far."""
        return np.concatenate(self.asked)


class TestConstruction:
    """What the constructor takes and refuses."""

    def test_conventions_of_shapiq(self) -> None:
        """It is an approximator of shapiq, with shapiq's attributes and defaults."""
        approximator = ProxySPEX(12)
        assert isinstance(approximator, Approximator)
        assert (approximator.n, approximator.max_order, approximator.index) == (12, 2, "k-SII")
        assert set(ProxySPEX.valid_indices) == set(VALID_INDICES)

    def test_no_result_before_the_first_call(self) -> None:
        """The two attributes say that there is nothing yet."""
        with pytest.raises(AttributeError, match="no spectrum yet"):
            _ = ProxySPEX(5).spectrum
        with pytest.raises(AttributeError, match="no faithfulness yet"):
            _ = ProxySPEX(5).cv_faithfulness

    @pytest.mark.parametrize("value", [0, -3])
    def test_max_terms_out_of_range(self, value: int) -> None:
        """A term at least."""
        with pytest.raises(ValueError, match=f"max_terms must be at least 1, got {value}"):
            ProxySPEX(10, max_terms=value)

    @pytest.mark.parametrize("value", [1.5, 2.0, "3"])
    def test_max_terms_that_is_no_integer(self, value: object) -> None:
        """Half a term is refused by name."""
        with pytest.raises(TypeError, match="max_terms must be an integer"):
            ProxySPEX(10, max_terms=value)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "proxy_model", [3, "lightgbm", [("max_depth", 3)], LGBMRegressor, LGBMClassifier()]
    )
    def test_proxy_model_of_another_type(self, proxy_model: object) -> None:
        """What is neither parameters nor a regressor is refused, with what it is."""
        name = type(proxy_model).__name__
        with pytest.raises(TypeError, match=f"proxy_model must be None.*got {name}"):
            ProxySPEX(10, proxy_model=proxy_model)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("proxy_model", "message"),
        [
            ({"linear_tree": True}, "[Ll]inear"),
            ({"objective": "poisson"}, "poisson"),
            ({"loss": "poisson"}, "poisson"),
            ({"objective": "no such thing"}, "LightGBM refuses"),
            ({"num_leaves": 1}, "LightGBM refuses"),
            ({"eta": 0.1, "learning_rate": 0.2}, "'learning_rate' twice"),
            ({"n_estimators": 5, "num_trees": 6}, "'num_iterations' twice"),
            (LGBMRegressor(linear_tree=True), "[Ll]inear"),
            (LGBMRegressor(objective="tweedie"), "tweedie"),
            (LGBMRegressor(num_iterations=7), "'num_iterations' twice"),
        ],
    )
    def test_proxy_model_without_a_spectrum(self, proxy_model: object, message: str) -> None:
        """Refused by the constructor, so before any ablation is paid for."""
        with pytest.raises(ValueError, match=message):
            ProxySPEX(10, proxy_model=proxy_model)  # type: ignore[arg-type]


class TestBudget:
    """Which masks are paid for."""

    @pytest.mark.parametrize(
        ("n", "budget"),
        [(1, 2), (1, 9), (4, 10**12), (5, 31), (8, 20), (8, 256), (64, 20), (64, 77)],
    )
    def test_all_of_it_is_used_and_no_mask_twice(self, n: int, budget: int) -> None:
        """Exactly min(budget, 2^n) distinct masks, the full and the empty one among them."""
        recorder = Recorder(lambda masks: 3.0 * masks[:, 0] + 1)
        approximator = ProxySPEX(n=n, max_order=1, index="SV", random_state=0)
        explanation = approximator.approximate(budget, recorder)
        asked = recorder.masks
        assert asked.shape == (min(budget, 2**n), n)
        assert asked.dtype == np.bool_
        assert len(np.unique(asked, axis=0)) == len(asked)
        assert asked.all(axis=1).any()
        assert (~asked).all(axis=1).any()
        assert explanation.estimation_budget == len(asked)
        assert explanation.estimated == (budget < 2**n)
        assert explanation[(0,)] == pytest.approx(3.0, rel=0, abs=1e-9)

    @pytest.mark.parametrize("n", [9, 30])
    def test_budgets_are_nested(self, n: int) -> None:
        """Raising the budget keeps all that was paid for, whatever the values are."""
        large = Recorder(lambda masks: 1.0 * masks[:, 0])
        run(large, n, 400)
        for budget in (20, 21, 399):
            recorder = Recorder(lambda masks: 2.0 * masks[:, 1])
            run(recorder, n, budget)
            assert np.array_equal(recorder.masks, large.masks[:budget])

    @pytest.mark.parametrize(("n", "smallest"), [(1, 2), (4, 16), (5, 20), (64, 20)])
    def test_smallest_budget(self, n: int, smallest: int) -> None:
        """One mask less is refused before the game is called, and the error names it."""
        recorder = Recorder(lambda masks: 1.0 * masks[:, 0])
        approximator = ProxySPEX(n=n, max_order=1, index="SV", random_state=0)
        assert approximator.smallest_budget == smallest
        for budget in (smallest - 1, 0, -5):
            with pytest.raises(ValueError, match=f"smallest budget for n={n} .* is {smallest} "):
                approximator.approximate(budget, recorder)
        assert not recorder.asked

    def test_full_budget_is_the_exact_transform(self) -> None:
        """With all masks the table itself comes back, sparse or not."""
        game = table_game(8, 0)
        approximator = run(game, 8, 256)
        masks = drawn_masks(8, 256, 0)
        np.testing.assert_allclose(
            approximator.spectrum.evaluate(masks), game(masks), rtol=0, atol=1e-12
        )
        assert approximator.cv_faithfulness == 1


class TestIndices:
    """What comes out, for every index."""

    @pytest.mark.parametrize("index", VALID_INDICES)
    def test_every_index_and_order(self, index: SpectrumIndex) -> None:
        """Each gives interaction values of what was asked, equal to the exact ones."""
        table = np.array([small(mask[None])[0] for mask in drawn_masks(6, 64, 0)])
        codes = drawn_masks(6, 64, 0) @ (1 << np.arange(6))
        values = table[np.argsort(codes)]
        exact = shapiq.ExactComputer(lambda masks: values[masks @ (1 << np.arange(6))], 6)
        for order in (1,) if index in ("SV", "BV") else (1, 2, 3, 6):
            approximator = ProxySPEX(n=6, max_order=order, index=index, random_state=0)
            explanation = approximator.approximate(50, small)
            assert isinstance(explanation, shapiq.InteractionValues)
            assert (explanation.index, explanation.max_order) == (
                "SV" if index == "k-SII" and order == 1 else index,
                order,
            ) or (explanation.index in ("SV", "BV") and order == 1)
            theirs = exact(index, order).interactions
            for players in set(explanation.interactions) | set(theirs):
                if 0 < len(players) <= order:
                    expected = theirs.get(players, 0.0)
                    assert explanation[players] == pytest.approx(expected, rel=0, abs=1e-6)

    def test_top_order(self) -> None:
        """Interactions of the largest order alone."""
        approximator = ProxySPEX(n=10, max_order=2, index="FBII", top_order=True, random_state=0)
        explanation = approximator.approximate(200, small)
        assert (explanation.min_order, explanation.max_order) == (2, 2)
        assert {len(players) for players in explanation.interactions} == {2}
        plain = run(small, 10, 200)
        assert np.array_equal(plain.spectrum.coefficients, approximator.spectrum.coefficients)

    def test_shapley_values_from_all_masks(self) -> None:
        """With all masks, the Shapley values are exact, as those of KernelSHAP are."""
        game = table_game(7, 1)
        ours = ProxySPEX(n=7, max_order=1, index="SV", random_state=0).approximate(128, game)
        exact = shapiq.ExactComputer(game, 7)("SV", 1)
        kernel = shapiq.KernelSHAP(n=7, random_state=0).approximate(128, game)
        for player in range(7):
            assert ours[(player,)] == pytest.approx(exact[(player,)], rel=0, abs=1e-9)
            assert ours[(player,)] == pytest.approx(kernel[(player,)], rel=0, abs=1e-6)

    def test_shapley_values_add_up(self) -> None:
        """An exact fit from few masks is efficient, too."""
        game = and_game(32, 4, 5)
        ours = ProxySPEX(n=32, max_order=1, index="SV", random_state=0).approximate(400, game)
        full, empty = game(np.ones((1, 32), bool))[0], game(np.zeros((1, 32), bool))[0]
        total = sum(ours[(player,)] for player in range(32))
        assert total == pytest.approx(full - empty, rel=0, abs=1e-9)


class TestSeeds:
    """What a seed decides."""

    @pytest.mark.parametrize("n", [14, 32])
    def test_equal_seeds(self, n: int) -> None:
        """The same seed gives the same spectrum to the last bit, the trees' part included."""
        first = run(dense, n, 120, proxy_model=SMALL_TREES)
        assert_same(run(dense, n, 120, proxy_model=SMALL_TREES), first)
        other = run(dense, n, 120, seed=1, proxy_model=SMALL_TREES)
        assert other.cv_faithfulness != first.cv_faithfulness

    def test_seeds_beyond_lightgbms(self) -> None:
        """Any seed that numpy takes will do, LightGBM's being 32-bit."""
        assert run(dense, 14, 60, seed=2**100 + 7, proxy_model=SMALL_TREES).spectrum.n_players == 14

    def test_second_call_is_the_first_again(self) -> None:
        """Nothing is left over from a call; without a seed it also keeps its masks."""
        approximator = ProxySPEX(n=14, proxy_model=SMALL_TREES)
        approximator.approximate(120, dense)
        first = approximator.spectrum.coefficients
        approximator.approximate(120, dense)
        assert np.array_equal(first, approximator.spectrum.coefficients)

    def test_numpys_global_generator_stays(self) -> None:
        """Neither read nor moved."""
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        position = np.random.get_state()[2]  # noqa: NPY002
        run(dense, 14, 120, proxy_model=SMALL_TREES)
        assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
        assert np.random.get_state()[2] == position  # noqa: NPY002


class TestFromAblations:
    """Ablations that were recorded before."""

    @pytest.mark.parametrize(
        ("game", "n", "budget"), [(dense, 14, 150), (and_game(32, 4, 0), 32, 300), (small, 7, 100)]
    )
    def test_equals_approximate(self, game: Game, n: int, budget: int) -> None:
        """The same masks give the same result, to the last bit."""
        masks = drawn_masks(n, budget, 4)
        recorded = ProxySPEX(n=n, index="FBII", random_state=4, proxy_model=SMALL_TREES)
        ours = recorded.from_ablations(masks, game(masks))
        called = ProxySPEX(n=n, index="FBII", random_state=4, proxy_model=SMALL_TREES)
        theirs = called.approximate(budget, game)
        assert_same(recorded, called)
        assert ours.interactions == theirs.interactions
        assert ours.estimation_budget == theirs.estimation_budget == budget
        assert ours.estimated == theirs.estimated

    @pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float64, object, list])
    def test_kinds_of_masks(self, kind: type) -> None:
        """Lists, and 0 and 1 of any type, are masks like others."""
        masks = drawn_masks(20, 200, 0)
        values = small(masks)
        first = ProxySPEX(n=20, random_state=0)
        first.from_ablations(masks, values)
        second = ProxySPEX(n=20, random_state=0)
        if kind is list:
            second.from_ablations(masks.tolist(), values.tolist())
        else:
            second.from_ablations(masks.astype(kind), values)
        assert_same(second, first)

    def test_masks_more_than_once(self) -> None:
        """Repeated masks count once in the budget, and a game found exactly stays exact."""
        masks = drawn_masks(20, 200, 0)
        masks = np.concatenate([masks, masks[:90], masks[:2]])
        approximator = ProxySPEX(n=20, index="FBII", max_order=3, random_state=0)
        explanation = approximator.from_ablations(masks, small(masks))
        assert explanation.estimation_budget == 200
        assert explanation[(0, 1, 3)] == pytest.approx(5.0, rel=0, abs=1e-9)

    def test_noise_is_averaged(self) -> None:
        """Values of a repeated mask may differ; neither copy tells of the other's noise."""
        noise = np.random.default_rng(0).normal(size=200)
        masks = np.repeat(drawn_masks(40, 100, 0), 2, axis=0)
        approximator = ProxySPEX(n=40, random_state=0, proxy_model=SMALL_TREES)
        # the copies share their value: were they in other folds, this would be predicted
        with pytest.warns(UserWarning, match="not faithful.*record more ablations"):
            approximator.from_ablations(masks, np.repeat(noise[:100], 2))
        assert approximator.cv_faithfulness < 0.2
        with pytest.warns(UserWarning, match="not faithful"):
            approximator.from_ablations(masks, noise)

    def test_order_does_not_matter_where_exact(self) -> None:
        """Any order of the masks gives the same game."""
        masks = drawn_masks(20, 200, 0)[np.random.default_rng(0).permutation(200)]
        approximator = ProxySPEX(n=20, random_state=0)
        approximator.from_ablations(masks, small(masks))
        fresh = uniform_masks(20)
        np.testing.assert_allclose(
            approximator.spectrum.evaluate(fresh), small(fresh), rtol=0, atol=1e-9
        )

    def test_all_masks_are_exact(self) -> None:
        """All 2^n masks in any order are the exact transform."""
        masks = drawn_masks(6, 64, 0)[::-1]
        game = table_game(6, 0)
        approximator = ProxySPEX(n=6, random_state=0)
        assert not approximator.from_ablations(masks, game(masks)).estimated
        np.testing.assert_allclose(approximator.spectrum.evaluate(masks), game(masks), atol=1e-12)

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            (lambda m, v: (m[:, :-1], v), ValueError, r"shape \(m, 20\)"),
            (lambda m, v: (m[0], v), ValueError, r"shape \(m, 20\)"),
            (lambda m, v: (m[:0], v[:0]), ValueError, "20 distinct masks"),
            (lambda m, v: (2 * m, v), ValueError, "boolean, or 0 and 1"),
            (lambda m, v: (m - 0.5, v), ValueError, "boolean, or 0 and 1"),
            (lambda m, v: (np.where(m, np.nan, 0.0), v), ValueError, "boolean, or 0 and 1"),
            (lambda m, v: (m.astype(str), v), ValueError, "boolean, or 0 and 1"),
            (lambda m, v: (m, np.where(np.arange(len(v)) == 7, np.nan, v)), ValueError, "nan"),
            (lambda m, v: (m, np.where(np.arange(len(v)) == 7, np.inf, v)), ValueError, "inf"),
            (lambda m, v: (m, v[:-1]), ValueError, "one value per mask"),
            (lambda m, v: (m, v[:, None]), ValueError, "one value per mask"),
            (lambda m, v: (m, v.astype(str)), TypeError, "real numbers"),
            (lambda m, v: (m, v + 1j), TypeError, "real numbers"),
            (lambda m, v: (m[:19], v[:19]), ValueError, "20 distinct masks.*got 19"),
            (lambda m, v: (m[np.arange(60) % 19], v), ValueError, "20 distinct masks.*got 19"),
        ],
    )
    def test_errors(self, change: Any, error: type[Exception], message: str) -> None:  # noqa: ANN401
        """What is wrong is named, and the previous result is kept."""
        masks = drawn_masks(20, 60, 0).astype(int)
        values = 3.0 * masks[:, 0]
        approximator = ProxySPEX(n=20, random_state=0)
        approximator.from_ablations(masks, values)
        before, faithfulness = approximator.spectrum, approximator.cv_faithfulness
        with pytest.raises(error, match=message):
            approximator.from_ablations(*change(masks, values))
        assert approximator.spectrum is before
        assert approximator.cv_faithfulness == faithfulness


class TestFaithfulness:
    """Whether it finds a game, and knows when it does not."""

    @pytest.mark.parametrize(("n", "count", "budget"), [(32, 5, 400), (64, 6, 600), (64, 1, 100)])
    def test_hierarchical_games_are_found_exactly(self, n: int, count: int, budget: int) -> None:
        """ANDs of three come out to rounding from some hundreds of masks."""
        game = and_game(n, count, 1)
        approximator = run(game, n, budget)
        fresh = uniform_masks(n)
        np.testing.assert_allclose(
            approximator.spectrum.evaluate(fresh), game(fresh), rtol=0, atol=1e-9
        )
        assert approximator.cv_faithfulness == pytest.approx(1.0, rel=0, abs=1e-9)
        assert len(approximator.spectrum.support) <= 1 + 7 * count

    def test_no_hierarchy(self) -> None:
        """Parities of order five show nothing to trees: it says so, and names SPEX."""
        approximator = ProxySPEX(n=64, random_state=0)
        with pytest.warns(UserWarning, match="not faithful.*raise the budget.*try SPEX"):
            approximator.approximate(1000, parity_game(64, 10, 5, 0))
        assert approximator.cv_faithfulness < 0.2

    def test_dense_game(self) -> None:
        """A smooth game is predicted well, about as well as it says."""
        approximator = dense_run()
        truth = r_squared(approximator, dense, drawn_masks(14, 2**14, 0))
        assert truth > 0.9
        assert approximator.cv_faithfulness == pytest.approx(truth, rel=0, abs=0.05)

    @pytest.mark.parametrize("max_terms", [None, 1, 5])
    def test_the_constant_is_never_lost(self, max_terms: int | None) -> None:
        """However few terms are kept, the mean of the game is one of them."""
        approximator = run(dense, 14, 150, max_terms=max_terms, proxy_model=SMALL_TREES)
        mean = dense(drawn_masks(14, 2**14, 0)).mean()
        terms = dict(
            zip(approximator.spectrum.support, approximator.spectrum.coefficients, strict=True)
        )
        assert terms[()] == pytest.approx(mean, rel=0, abs=0.1)

    @pytest.mark.parametrize("value", [0.0, 4.0, -1e200, 1e-200])
    def test_constant_game(self, value: float) -> None:
        """Found exactly, without a warning."""
        approximator = run(lambda masks: np.full(len(masks), value), 30, 100)
        prediction = approximator.spectrum.evaluate(uniform_masks(30, count=50))
        np.testing.assert_allclose(prediction, value, rtol=1e-12, atol=0)
        assert approximator.cv_faithfulness == 1

    @pytest.mark.parametrize("special", ["full", "empty"])
    def test_constant_but_for_one_mask(self, special: str) -> None:
        """What sets one extreme mask apart cannot be learnt, and is not made up."""

        def game(masks: np.ndarray) -> np.ndarray:
            found = masks.all(axis=1) if special == "full" else ~masks.any(axis=1)
            return 3.0 + 2.0 * found

        approximator = ProxySPEX(n=30, random_state=0)
        with pytest.warns(UserWarning, match="not faithful"):
            approximator.approximate(100, game)
        assert approximator.cv_faithfulness == 0
        assert list(approximator.spectrum.support) == [()]
        assert approximator.spectrum.coefficients[0] == pytest.approx(3.0, rel=0, abs=0.05)

    @pytest.mark.parametrize("scale", [1e-200, 1e200, -1e-300])
    def test_scales_of_sparse_games(self, scale: float) -> None:
        """Nothing overflows or is taken for zero."""
        approximator = run(lambda masks: scale * small(masks), 20, 200)
        fresh = uniform_masks(20, count=200)
        found = approximator.spectrum.evaluate(fresh) / scale
        np.testing.assert_allclose(found, small(fresh), rtol=0, atol=1e-9)

    @pytest.mark.parametrize("exponent", [-660, 660])
    def test_scales_of_dense_games(self, exponent: int) -> None:
        """A power of two scales the result and changes no digit of it."""
        scale = 2.0**exponent
        plain = run(dense, 14, 120, proxy_model=SMALL_TREES)
        scaled = run(lambda masks: scale * dense(masks), 14, 120, proxy_model=SMALL_TREES)
        assert np.array_equal(scaled.spectrum.sets, plain.spectrum.sets)
        assert np.array_equal(scaled.spectrum.coefficients, scale * plain.spectrum.coefficients)
        assert scaled.cv_faithfulness == plain.cv_faithfulness

    def test_large_offset(self) -> None:
        """An offset of 1e9 costs no more than its own rounding."""
        approximator = run(lambda masks: 1e9 + small(masks), 20, 200)
        fresh = uniform_masks(20, count=200)
        found = approximator.spectrum.evaluate(fresh) - 1e9
        np.testing.assert_allclose(found, small(fresh), rtol=0, atol=1e-5)


class TestOptions:
    """`max_terms` and `proxy_model`."""

    @pytest.mark.parametrize("max_terms", [1, 3, 25])
    def test_max_terms(self, max_terms: int) -> None:
        """Exactly so many terms besides the constant."""
        approximator = run(dense, 14, 150, max_terms=max_terms, proxy_model=SMALL_TREES)
        assert sum(bool(players) for players in approximator.spectrum.support) == max_terms

    def test_max_terms_beyond_the_game(self) -> None:
        """An exact game has no more terms than it has."""
        approximator = run(small, 20, 200, max_terms=1000)
        assert approximator.cv_faithfulness == pytest.approx(1.0, rel=0, abs=1e-9)
        assert len(approximator.spectrum.support) <= 11

    def test_aliases_mean_the_same(self) -> None:
        """A parameter under any of its names is the same parameter."""
        first = run(dense, 14, 100, proxy_model={"num_iterations": 30, "learning_rate": 0.2})
        second = run(dense, 14, 100, proxy_model={"n_estimators": 30, "eta": 0.2})
        third = run(dense, 14, 100, proxy_model={"n_estimators": 30, "eta": 0.01})
        assert_same(second, first)
        assert third.cv_faithfulness != first.cv_faithfulness

    @pytest.mark.parametrize("boosting", ["gbdt", "dart"])
    def test_regressor(self, boosting: str) -> None:
        """A regressor lends its parameters, and is not fitted itself."""
        model = LGBMRegressor(boosting_type=boosting, n_estimators=40, num_leaves=7)
        before = model.get_params()
        approximator = run(dense, 14, 200, proxy_model=model)
        assert r_squared(approximator, dense, uniform_masks(14)) > 0.8
        assert model.get_params() == before
        assert not model.__sklearn_is_fitted__()
        assert approximator.proxy_model is model

    def test_dictionary_is_left_alone(self) -> None:
        """Neither changed, nor read again later."""
        parameters: dict[str, Any] = {"n_estimators": 30}
        approximator = ProxySPEX(14, random_state=0, proxy_model=parameters)
        approximator.approximate(60, dense)
        assert parameters == {"n_estimators": 30}

    @pytest.mark.parametrize(
        "proxy_model",
        [
            {"num_iterations": "many"},
            {"num_iterations": 0},
            {"num_iterations": -5},
            {"num_iterations": None},
            {"early_stopping_round": "soon"},
            {"early_stopping_round": None},
        ],
    )
    def test_nothing_is_paid_for_with_wrong_numbers_of_trees(
        self, proxy_model: dict[str, Any]
    ) -> None:
        """They are refused, if at all, before the game is called."""
        recorder = Recorder(dense)
        try:
            approximator = ProxySPEX(14, random_state=0, proxy_model=proxy_model)
        except (ValueError, TypeError):
            return
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The explanation is not faithful")
            approximator.approximate(60, recorder)


class TestSilence:
    """Nothing is written anywhere."""

    @pytest.mark.parametrize("proxy_model", [None, LGBMRegressor(n_estimators=20)])
    def test_silent(self, capfd: pytest.CaptureFixture[str], proxy_model: LGBMRegressor) -> None:
        """Neither a search nor a fit of trees writes to stdout or stderr, LightGBM's C included."""
        run(small, 20, 200, proxy_model=proxy_model)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The explanation is not faithful")
            run(dense, 14, 60, proxy_model=proxy_model)
            run(dense, 14, 20, proxy_model=proxy_model)  # so few masks that no tree may split
        assert capfd.readouterr() == ("", "")

    def test_refusals_are_silent(self, capfd: pytest.CaptureFixture[str]) -> None:
        """An error says it all."""
        with pytest.raises(ValueError, match="LightGBM refuses"):
            ProxySPEX(10, proxy_model={"objective": "no such thing"})
        assert capfd.readouterr().out == ""


def test_players_that_never_change_are_named() -> None:
    """Where the masks without a player have no value, an effect of 0 is no finding."""

    class Fails:
        """A game that fails wherever player 3 is absent, and may."""

        may_fail = True

        def __call__(self, masks: np.ndarray) -> np.ndarray:
            """Return values."""
            return np.where(masks[:, 3], 1.0 * masks[:, 0], np.nan)

    approximator = ProxySPEX(30, 1, "FBII", random_state=0)
    with pytest.warns(UserWarning, match=r"players \[3\] never change: nothing is known"):
        explanation = approximator.approximate(200, Fails())
    assert explanation[(0,)] == pytest.approx(1.0)
    assert approximator.record.failed > 50
    assert approximator.record.asked == approximator.record.evaluated + approximator.record.failed


def test_nan_is_no_value_for_other_games() -> None:
    """A game must name the masks that it may fail on."""
    with pytest.raises(ValueError, match="returned nan"):
        ProxySPEX(30).approximate(200, lambda masks: np.where(masks[:, 3], 1.0, np.nan))
