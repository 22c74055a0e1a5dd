"""Tests of SPEX as an approximator of shapiq."""

from __future__ import annotations

import copy
import pickle
import warnings
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapiq
from shapiq.approximator.base import Approximator
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

import shapiq_spex
from shapiq_spex import SPEX, ProxySPEX
from shapiq_spex.spectrum import VALID_INDICES, FourierSpectrum, SpectrumIndex

if TYPE_CHECKING:
    from collections.abc import Callable

    Game = Callable[[np.ndarray], np.ndarray]


def small(masks: np.ndarray) -> np.ndarray:
    """Evaluate a game of players 0 to 3: one alone, two together and three together."""
    return 2.0 * masks[:, 0] - (masks[:, 1] & masks[:, 2]) + 5.0 * masks[:, [0, 1, 3]].all(axis=1)


def and_game(n: int, count: int, seed: int) -> Game:
    """Draw AND-interactions of order up to three with normal coefficients."""
    rng = np.random.default_rng(seed)
    sets = [rng.choice(n, rng.integers(1, 4), replace=False) for _ in range(count)]
    weights = rng.normal(size=count)
    return lambda masks: sum(  # type: ignore[return-value]
        weight * masks[:, players].all(axis=1)
        for weight, players in zip(weights, sets, strict=True)
    )


def parity_game(n: int, count: int, seed: int) -> Game:
    """Draw parities of degree three to five with normal coefficients: no hierarchy at all."""
    rng = np.random.default_rng(seed)
    sets = [rng.choice(n, rng.integers(3, 6), replace=False) for _ in range(count)]
    weights = rng.normal(size=count)
    return lambda masks: sum(  # type: ignore[return-value]
        weight * (1.0 - 2.0 * (masks[:, players].sum(axis=1) % 2))
        for weight, players in zip(weights, sets, strict=True)
    )


def table_game(n: int, seed: int) -> Game:
    """Draw every value at random."""
    values = np.random.default_rng(seed).normal(size=2**n)
    return lambda masks: values[masks @ (1 << np.arange(n))]


def every_mask(n: int) -> np.ndarray:
    """Return all masks, player i being bit i of the position."""
    return (np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1


def r_squared(approximator: SPEX, game: Game, masks: np.ndarray) -> float:
    """Score the spectrum on masks."""
    values = np.asarray(game(masks), dtype=float)
    error = ((values - approximator.spectrum.evaluate(masks)) ** 2).mean()
    return float(1 - error / values.var())


def uniform_masks(n: int, seed: int = 12345, count: int = 2000) -> np.ndarray:
    """Draw uniform masks."""
    return np.random.default_rng(seed).random((count, n)) < 0.5


class Recorder:
    """Remembers which masks a game was asked for."""

    def __init__(self, game: Game) -> None:
        """Wrap a game."""
        self._game = game
        self._asked: list[np.ndarray] = []

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Evaluate, and remember."""
        self._asked.append(masks.copy())
        return self._game(masks)

    @property
    def masks(self) -> np.ndarray:
        """All masks so far."""
        return np.concatenate(self._asked)


def asked_masks(n: int, budget: int, seed: int = 0, game: Game = small) -> np.ndarray:
    """Return the masks that SPEX asks for."""
    recorder = Recorder(game)
    SPEX(n=n, max_order=1, index="SV", random_state=seed).approximate(budget, recorder)
    return recorder.masks


class TestConstruction:
    """What the constructor takes and refuses."""

    def test_conventions_of_shapiq(self) -> None:
        """It is an approximator of shapiq, with shapiq's attributes."""
        approximator = SPEX(n=12, max_order=3, index="STII", random_state=4)
        assert isinstance(approximator, Approximator)
        assert (approximator.n, approximator.max_order, approximator.min_order) == (12, 3, 0)
        assert (approximator.index, approximator.top_order) == ("STII", False)
        assert set(VALID_INDICES) == set(SPEX.valid_indices)
        assert len(VALID_INDICES) == 9

    def test_defaults(self) -> None:
        """As in shapiq, k-SII of order two."""
        approximator = SPEX(10)
        assert (approximator.index, approximator.max_order) == ("k-SII", 2)

    @pytest.mark.parametrize("index", VALID_INDICES)
    def test_every_index_is_accepted(self, index: SpectrumIndex) -> None:
        """SV and BV are of order one whatever is asked for, as in shapiq."""
        expected = 1 if index in ("SV", "BV") else 3
        assert SPEX(n=10, max_order=3, index=index).max_order == expected

    @pytest.mark.parametrize("method", [SPEX, ProxySPEX])
    def test_no_other_argument(self, method: type[SPEX | ProxySPEX]) -> None:
        """A seed that is given too late is refused, not ignored."""
        with pytest.raises(TypeError, match="no 'random_state'"):
            method(n=4).approximate(16, lambda masks: masks[:, 0], random_state=1)

    @pytest.mark.parametrize("n", [0, -1])
    def test_no_players(self, n: int) -> None:
        """There must be a player."""
        with pytest.raises(ValueError, match=f"n must be at least 1, got {n}"):
            SPEX(n=n, max_order=1, index="SV")

    def test_too_many_players(self) -> None:
        """The largest number is named."""
        with pytest.raises(ValueError, match="at most 1048575 players"):
            SPEX(n=2**20, max_order=1, index="SV")

    @pytest.mark.parametrize("max_order", [0, -1, 11])
    @pytest.mark.parametrize("index", ["FBII", "k-SII", "Moebius"])
    def test_order_out_of_range(self, index: SpectrumIndex, max_order: int) -> None:
        """An order above n, or none, is refused."""
        with pytest.raises(
            ValueError, match=f"between 1 and the number of players 10.*{max_order}"
        ):
            SPEX(n=10, max_order=max_order, index=index)

    @pytest.mark.parametrize("index", ["CHII", "foo", "", "sv", None])
    def test_unknown_index(self, index: str) -> None:
        """The valid ones are listed."""
        with pytest.raises(ValueError, match=r"Valid indices are.*SV.*Moebius"):
            SPEX(n=10, max_order=2, index=index)  # type: ignore[arg-type]

    @pytest.mark.parametrize("decoder", ["Soft", "", None, 1])
    def test_unknown_decoder(self, decoder: str) -> None:
        """The two there are, are named."""
        with pytest.raises(ValueError, match="decoder_type must be 'soft' or 'hard'"):
            SPEX(n=10, decoder_type=decoder)  # type: ignore[arg-type]

    @pytest.mark.parametrize("degree", [0, -2])
    def test_degree_out_of_range(self, degree: int) -> None:
        """Sets of one player at least."""
        with pytest.raises(ValueError, match=f"degree_parameter must be at least 1, got {degree}"):
            SPEX(n=10, degree_parameter=degree)

    @pytest.mark.parametrize("argument", ["n", "max_order", "degree_parameter"])
    @pytest.mark.parametrize("value", [2.0, "2", None, [2]])
    def test_numbers_that_are_no_integers(self, argument: str, value: object) -> None:
        """They are refused at once, by name."""
        arguments = {"n": 10, "max_order": 2} | {argument: value}
        with pytest.raises(TypeError, match=f"{argument} must be an integer"):
            SPEX(**arguments)  # type: ignore[arg-type]

    def test_numpy_integers(self) -> None:
        """Numbers from arrays are as good as others, also small types."""
        approximator = SPEX(
            n=np.uint8(200),
            max_order=np.int8(2),
            index="FBII",
            degree_parameter=np.int16(3),
            random_state=np.int64(1),
        )
        plain = SPEX(n=200, max_order=2, index="FBII", degree_parameter=3, random_state=1)
        game = and_game(200, 5, 0)
        ours = approximator.approximate(np.int64(500), game)
        assert ours.interactions == plain.approximate(500, game).interactions
        assert type(ours.n_players) is int
        assert type(ours.estimation_budget) is int


class TestBudget:
    """Which masks are paid for."""

    @pytest.mark.parametrize(
        ("n", "budget"),
        [
            (1, 2),
            (1, 50),
            (2, 4),
            (4, 16),
            (4, 10**12),
            (6, 64),
            (8, 108),
            (8, 255),
            (8, 256),
            (8, 300),
            (30, 132),
            (30, 1001),
            (64, 180),
            (64, 500),
            (1000, 252),
        ],
    )
    def test_all_of_it_is_used_and_no_mask_twice(self, n: int, budget: int) -> None:
        """Exactly min(budget, 2^n) distinct masks, the full and the empty one among them."""
        recorder = Recorder(lambda masks: 3.0 * masks[:, 0] + 1)
        approximator = SPEX(n=n, max_order=1, index="SV", random_state=0)
        explanation = approximator.approximate(budget, recorder)
        asked = recorder.masks
        assert asked.shape == (min(budget, 2**n), n)
        assert asked.dtype == np.bool_
        assert len(np.unique(asked, axis=0)) == len(asked)
        assert asked.all(axis=1).any()
        assert (~asked).all(axis=1).any()
        assert explanation.estimation_budget == len(asked)
        assert explanation.estimated == (budget < 2**n)

    def test_budgets_are_nested(self) -> None:
        """Raising the budget keeps all that was paid for."""
        large = asked_masks(20, 3000)
        for budget in (132, 133, 500, 1024, 2047, 2999):
            assert np.array_equal(asked_masks(20, budget), large[:budget])

    def test_masks_do_not_depend_on_the_values(self) -> None:
        """All masks are chosen beforehand."""
        other = asked_masks(20, 600, game=and_game(20, 3, 0))
        assert np.array_equal(asked_masks(20, 600), other)

    @pytest.mark.parametrize(
        ("n", "smallest"), [(1, 2), (5, 32), (10, 108), (64, 180), (1000, 252)]
    )
    def test_smallest_budget(self, n: int, smallest: int) -> None:
        """One mask less is refused and the error names the smallest budget, which works."""
        approximator = SPEX(n=n, max_order=1, index="SV", random_state=0)
        assert approximator.smallest_budget == smallest
        for budget in (smallest - 1, 1, 0, -5):
            with pytest.raises(ValueError, match=f"smallest budget for n={n} .* is {smallest} "):
                approximator.approximate(budget, lambda masks: masks[:, 0])
        explanation = approximator.approximate(smallest, lambda masks: 3.0 * masks[:, 0])
        assert explanation[(0,)] == pytest.approx(3.0, rel=0, abs=1e-9)

    @pytest.mark.parametrize("budget", [300.0, "300", None, np.float64(300), [300], np.nan])
    def test_budgets_that_are_no_integers(self, budget: object) -> None:
        """Half a mask cannot be bought."""
        with pytest.raises(TypeError, match="budget must be an integer"):
            SPEX(n=10).approximate(budget, small)  # type: ignore[arg-type]

    def test_nothing_is_evaluated_where_the_budget_is_refused(self) -> None:
        """The error comes before the first ablation."""
        recorder = Recorder(small)
        with pytest.raises(ValueError, match="smallest budget"):
            SPEX(n=30).approximate(50, recorder)
        with pytest.raises(ValueError, match="need at least one array"):
            _ = recorder.masks


class TestRandomState:
    """The same seed gives the same result, whatever else happens."""

    @pytest.mark.parametrize("bad", [-1, 1.5, "a", np.random.default_rng(0)])
    def test_what_is_no_seed(self, bad: object) -> None:
        """It is refused at once, not when masks are drawn."""
        with pytest.raises((TypeError, ValueError), match="random_state must be"):
            SPEX(n=5, random_state=bad)
        approximator = SPEX(n=5, random_state=0)
        with pytest.raises((TypeError, ValueError), match="random_state must be"):
            approximator.set_random_state(bad)

    def test_same_seed_same_result(self) -> None:
        """Also on a game that needs every step of the regression."""
        game = and_game(20, 60, 0)
        first, second = [SPEX(n=20, max_order=2, index="FBII", random_state=3) for _ in range(2)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert first.approximate(150, game).interactions == (
                second.approximate(150, game).interactions
            )
        assert first.spectrum == second.spectrum
        assert first.cv_faithfulness == second.cv_faithfulness

    def test_global_state_is_neither_read_nor_written(self) -> None:
        """Numpy's global generator stays as it is."""
        spectra = []
        for seed in (1, 2):
            np.random.seed(seed)  # noqa: NPY002 the legacy state is what is tested
            before = np.random.get_state()  # noqa: NPY002 as above
            approximator = SPEX(n=20, max_order=2, index="FBII", random_state=0)
            approximator.approximate(300, and_game(20, 12, 0))
            after = np.random.get_state()  # noqa: NPY002 as above
            assert np.array_equal(before[1], after[1])
            assert before[2:] == after[2:]
            spectra.append(approximator.spectrum)
        assert spectra[0] == spectra[1]

    def test_calls_do_not_depend_on_earlier_ones(self) -> None:
        """A small call does not change a later large one, and a call repeated is the same."""
        game = and_game(64, 20, 0)
        fresh = SPEX(n=64, max_order=2, index="FBII", random_state=0)
        expected = fresh.approximate(600, game).interactions
        used = SPEX(n=64, max_order=2, index="FBII", random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            used.approximate(180, game)
        assert used.approximate(600, game).interactions == expected
        assert used.approximate(600, game).interactions == expected

    def test_another_seed_asks_for_other_masks(self) -> None:
        """Seeds differ, also through set_random_state."""
        assert not np.array_equal(asked_masks(30, 300, 0), asked_masks(30, 300, 1))
        approximator = SPEX(n=30, max_order=1, index="SV", random_state=0)
        approximator.set_random_state(1)
        recorder = Recorder(small)
        approximator.approximate(300, recorder)
        assert np.array_equal(recorder.masks, asked_masks(30, 300, 1))

    def test_without_a_seed(self) -> None:
        """An instance keeps to its masks, so that budgets are nested; instances differ."""
        first, second = [SPEX(n=30, max_order=1, index="SV") for _ in range(2)]
        asked = []
        for approximator, budget in ((first, 300), (first, 400), (second, 400)):
            recorder = Recorder(small)
            approximator.approximate(budget, recorder)
            asked.append(recorder.masks)
        assert np.array_equal(asked[0], asked[1][:300])
        assert not np.array_equal(asked[1], asked[2])
        first.set_random_state()
        recorder = Recorder(small)
        first.approximate(400, recorder)
        assert not np.array_equal(asked[1], recorder.masks)

    @pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 + 5, 2**63])
    def test_seeds_of_any_size(self, seed: int) -> None:
        """Any integer from zero on is a seed."""
        approximator = SPEX(n=20, max_order=3, index="FBII", random_state=seed)
        explanation = approximator.approximate(300, small)
        assert explanation[(0,)] == pytest.approx(2.0, rel=0, abs=1e-9)

    def test_copies_and_pickles(self) -> None:
        """Both carry the seed and the spectrum."""
        original = SPEX(n=20, max_order=2, index="FBII")
        expected = original.approximate(300, small).interactions
        for twin in (copy.deepcopy(original), pickle.loads(pickle.dumps(original))):  # noqa: S301
            assert twin.spectrum == original.spectrum
            assert twin.approximate(300, small).interactions == expected


class TestExactResults:
    """Where mathematics leaves no doubt."""

    @pytest.mark.parametrize("index", VALID_INDICES)
    @pytest.mark.parametrize("n", [4, 5])
    def test_all_masks_against_exact_computer(self, n: int, index: SpectrumIndex) -> None:
        """With 2^n masks every index of every order is what shapiq computes exactly."""
        game = table_game(n, n)
        exact = shapiq.ExactComputer(game, n)
        for order in range(1, 2 if index in ("SV", "BV") else n + 1):
            approximator = SPEX(n=n, max_order=order, index=index, random_state=0)
            ours = approximator.approximate(2**n, game)
            theirs = exact(index, order)
            assert approximator.cv_faithfulness == 1
            assert (ours.index, ours.max_order, ours.n_players) == (theirs.index, order, n)
            assert (ours.estimated, ours.estimation_budget) == (False, 2**n)
            assert ours.baseline_value == pytest.approx(theirs.baseline_value, rel=0, abs=1e-9)
            for players, value in theirs.interactions.items():
                if len(players) <= order:  # its Moebius transform ignores the order
                    # its own FSII is off by 1e-7
                    limit = 1e-6 if index == "FSII" else 1e-9
                    assert ours[players] == pytest.approx(value, rel=0, abs=limit), players

    @pytest.mark.parametrize("n", [7, 8])
    @pytest.mark.filterwarnings("ignore:The explanation is not faithful")
    def test_near_all_masks_it_gets_better(self, n: int) -> None:
        """On values at random, the last masks bring the spectrum close to the exact one."""
        game = table_game(n, 0)
        masks = every_mask(n)
        scores = []
        for budget in (2**n * 9 // 10, 2**n - 1, 2**n):
            approximator = SPEX(n=n, max_order=2, index="FBII", random_state=0)
            approximator.approximate(budget, game)
            scores.append(r_squared(approximator, game, masks))
        assert scores == sorted(scores)
        assert scores[0] > 0.8
        assert scores[1] > 0.98
        assert scores[2] == pytest.approx(1, rel=0, abs=1e-12)

    @pytest.mark.parametrize("seed", range(5))
    def test_and_interactions(self, seed: int) -> None:
        """Thirty AND-interactions among 64 players are exact from 500 masks."""
        game = and_game(64, 30, seed)
        approximator = SPEX(n=64, max_order=3, index="FBII", random_state=seed)
        approximator.approximate(500, game)
        fresh = uniform_masks(64)
        assert approximator.spectrum.evaluate(fresh) == pytest.approx(game(fresh), rel=0, abs=1e-9)
        assert approximator.cv_faithfulness == pytest.approx(1, rel=0, abs=1e-9)

    @pytest.mark.parametrize("seed", range(5))
    def test_parities(self, seed: int) -> None:
        """Thirty parities of degree three to five among 256 players are exact from 1500 masks."""
        game = parity_game(256, 30, seed)
        approximator = SPEX(n=256, max_order=3, index="FBII", random_state=seed)
        approximator.approximate(1500, game)
        fresh = uniform_masks(256)
        assert approximator.spectrum.evaluate(fresh) == pytest.approx(game(fresh), rel=0, abs=1e-9)
        assert len(approximator.spectrum) <= 31

    @pytest.mark.parametrize(
        "options",
        [
            {"decoder_type": "hard"},
            {"hierarchical_search": False},
            {"degree_parameter": 3},
            {"degree_parameter": 9},
        ],
    )
    def test_options(self, options: dict[str, object]) -> None:
        """Each way to decode finds a few interactions among a hundred players exactly."""
        game = and_game(100, 8, 1)
        approximator = SPEX(n=100, max_order=3, index="FBII", random_state=0, **options)  # type: ignore[arg-type]
        approximator.approximate(1200, game)
        fresh = uniform_masks(100)
        assert approximator.spectrum.evaluate(fresh) == pytest.approx(game(fresh), rel=0, abs=1e-9)

    def test_hard_decisions_alone(self) -> None:
        """Without soft decisions and search most is found, and the rest is regressed."""
        game = and_game(100, 8, 1)
        approximator = SPEX(
            n=100,
            max_order=3,
            index="FBII",
            random_state=0,
            decoder_type="hard",
            hierarchical_search=False,
        )
        approximator.approximate(1200, game)
        assert r_squared(approximator, game, uniform_masks(100)) > 0.98

    def test_without_search_where_nothing_is_decoded(self) -> None:
        """Decoding and a regression alone still give the single players."""
        rng = np.random.default_rng(0)
        weights = rng.normal(size=40)

        def game(masks: np.ndarray) -> np.ndarray:
            noise = np.random.default_rng(1).normal(size=len(masks))
            return masks @ weights + 0.5 * noise

        approximator = SPEX(
            n=40, max_order=1, index="SV", random_state=0, hierarchical_search=False
        )
        explanation = approximator.approximate(400, game)
        values = explanation.get_n_order_values(1)
        assert np.corrcoef(values, weights)[0, 1] > 0.95

    @pytest.mark.parametrize("index", VALID_INDICES)
    def test_top_order(self, index: SpectrumIndex) -> None:
        """With top_order interactions of the largest order alone are returned."""
        order = 1 if index in ("SV", "BV") else 2
        every, top = [
            SPEX(n=6, max_order=order, index=index, top_order=top).approximate(64, small)
            for top in (False, True)
        ]
        assert (top.min_order, top.max_order) == (order, order)
        assert {len(players) for players in top.interactions} == {order}
        for players, value in top.interactions.items():
            assert value == pytest.approx(every[players], rel=0, abs=1e-12)


class TestSmallAndSimpleGames:
    """The edges."""

    def test_one_player(self) -> None:
        """Two masks say everything."""
        explanation = SPEX(n=1, max_order=1, index="SV").approximate(
            2, lambda masks: 4.0 - 3.0 * masks[:, 0]
        )
        assert explanation[(0,)] == pytest.approx(-3.0)
        assert explanation.baseline_value == pytest.approx(4.0)

    def test_two_players(self) -> None:
        """Four masks say everything."""
        explanation = SPEX(n=2, max_order=2, index="k-SII").approximate(
            4, lambda masks: 3.0 * masks.all(axis=1)
        )
        assert explanation[(0, 1)] == pytest.approx(3.0)
        assert explanation[(0,)] == pytest.approx(0.0, abs=1e-12)

    @pytest.mark.parametrize(("n", "budget"), [(5, 32), (8, 128), (30, 300), (30, 1000)])
    @pytest.mark.parametrize("value", [0.0, 1.0, -7.7, 0.1, np.pi, 1e9 + 0.1])
    def test_constant_game(self, n: int, budget: int, value: float) -> None:
        """A constant is explained perfectly, in silence, by the empty set."""
        approximator = SPEX(n=n, max_order=2, index="SII", random_state=0)
        explanation = approximator.approximate(budget, lambda masks: np.full(len(masks), value))
        assert approximator.cv_faithfulness == pytest.approx(1)
        assert explanation.baseline_value == pytest.approx(value)
        for players, interaction in explanation.interactions.items():
            if players:
                assert interaction == pytest.approx(0, abs=1e-9 * max(1, abs(value)))

    def test_one_player_among_thousands(self) -> None:
        """The smallest budget finds the one that counts, and says nothing of the others."""
        approximator = SPEX(n=3000, max_order=2, index="FBII", random_state=0)
        explanation = approximator.approximate(
            approximator.smallest_budget, lambda masks: 3.0 * masks[:, 1234]
        )
        assert explanation[(1234,)] == pytest.approx(3.0, rel=0, abs=1e-9)
        assert set(explanation.interactions) <= {(), (1234,)}

    @pytest.mark.parametrize("n", [61, 62, 63, 64, 65, 127, 128])
    def test_around_the_size_of_an_integer(self, n: int) -> None:
        """More players than a machine word has bits change nothing."""
        explanation = SPEX(n=n, max_order=3, index="FBII", random_state=0).approximate(400, small)
        assert explanation[(0,)] == pytest.approx(2.0, rel=0, abs=1e-9)
        assert explanation[(0, 1, 3)] == pytest.approx(5.0, rel=0, abs=1e-9)

    @pytest.mark.parametrize(("n", "budget"), [(7, 100), (10, 256), (20, 400), (64, 512)])
    def test_values_that_are_fitted_without_any_rounding(self, n: int, budget: int) -> None:
        """A parity leaves a residual of exactly zero; nothing is divided by it."""
        for seed in range(6):
            approximator = SPEX(n=n, max_order=2, index="FBII", random_state=seed)
            approximator.approximate(budget, lambda masks: 1.0 - 2.0 * (masks[:, 0] ^ masks[:, 1]))
            assert approximator.spectrum[(0, 1)] == pytest.approx(1.0, rel=0, abs=1e-12)

    @pytest.mark.parametrize("offset", [1e3, 1e6])
    def test_small_effects_on_a_large_baseline(self, offset: float) -> None:
        """A large constant costs digits, not terms."""
        game = and_game(64, 20, 0)
        approximator = SPEX(n=64, max_order=2, index="FBII", random_state=0)
        approximator.approximate(500, lambda masks: game(masks) + offset)
        fresh = uniform_masks(64)
        error = approximator.spectrum.evaluate(fresh) - offset - game(fresh)
        assert np.abs(error).max() < 1e-13 * offset + 1e-9

    @pytest.mark.parametrize("scale", [1e-200, 1e-100, 1e-12, 1e12, 1e100, 1e200])
    def test_units_do_not_matter(self, scale: float) -> None:
        """Tiny and huge values are explained as well as others."""
        approximator = SPEX(n=30, max_order=3, index="FBII", random_state=0)
        explanation = approximator.approximate(300, lambda masks: scale * small(masks))
        for players, value in {(0,): 2.0, (1, 2): -1.0, (0, 1, 3): 5.0}.items():
            assert explanation[players] / scale == pytest.approx(value, rel=0, abs=1e-9)

    def test_only_the_full_mask_differs(self) -> None:
        """What no mask but one shows is not explained, and the result says so."""
        approximator = SPEX(n=30, max_order=2, index="FBII", random_state=0)
        with pytest.warns(UserWarning, match="not faithful"):
            approximator.approximate(300, lambda masks: masks.all(axis=1).astype(float))
        assert approximator.cv_faithfulness == 0
        assert np.abs(approximator.spectrum.evaluate(uniform_masks(30))).max() < 0.01

    def test_every_player_counts(self) -> None:
        """A linear game of many players is exact from little more than one mask a player."""
        weights = np.sin(np.arange(300.0))
        approximator = SPEX(n=300, max_order=1, index="SV", random_state=0)
        explanation = approximator.approximate(500, lambda masks: masks @ weights)
        found = [explanation[(player,)] for player in range(300)]
        assert found == pytest.approx(weights, rel=0, abs=1e-9)


class TestBadGames:
    """What a game must not do."""

    def test_number_of_players(self) -> None:
        """A game of shapiq must have as many players."""

        class Small(shapiq.Game):
            def value_function(self, coalitions: np.ndarray) -> np.ndarray:
                return small(coalitions)

        game = Small(n_players=10, normalize=False)
        with pytest.raises(ValueError, match="n=9 players, but the game has 10"):
            SPEX(n=9, max_order=2, index="FBII").approximate(512, game)
        explanation = SPEX(n=10, max_order=2, index="FBII").approximate(300, game)
        assert explanation[(1, 2)] == pytest.approx(-1.0, rel=0, abs=1e-9)

    @pytest.mark.parametrize(
        ("game", "error", "message"),
        [
            (lambda m: small(m)[:-1], ValueError, r"got shape \(299,\)"),
            (lambda m: small(m)[:, None], ValueError, r"got shape \(300, 1\)"),
            (lambda _: 1.0, ValueError, r"got shape \(\)"),
            (lambda m: np.where(m.any(axis=1), 1, np.nan), ValueError, r"present: \[\]"),
            (lambda m: np.where(m.all(axis=1), np.inf, 1), ValueError, r"inf .*absent: \[\]"),
            (lambda m: small(m) * 1j, TypeError, "real numbers"),
            (lambda m: ["a"] * len(m), TypeError, "real numbers"),
            (lambda _: None, (TypeError, ValueError), "The game must return"),
        ],
    )
    def test_bad_values(self, game: Game, error: type[Exception], message: str) -> None:
        """Each is a clear error, and leaves the last result alone."""
        approximator = SPEX(n=10, max_order=2, index="FBII", random_state=0)
        approximator.approximate(300, small)
        before = approximator.spectrum
        with pytest.raises(error, match=message):
            approximator.approximate(300, game)
        assert approximator.spectrum is before

    def test_there_is_no_result_before_the_first_call(self) -> None:
        """Both attributes say what to do."""
        approximator = SPEX(n=10)
        with pytest.raises(AttributeError, match="call approximate"):
            _ = approximator.spectrum
        with pytest.raises(AttributeError, match="call approximate"):
            _ = approximator.cv_faithfulness
        approximator.approximate(300, small)
        assert isinstance(approximator.spectrum, FourierSpectrum)
        assert isinstance(approximator.cv_faithfulness, float)


@cache
def diabetes_game() -> tuple[Game, int]:
    """Mask features by their mean in a Gaussian process, trained on real data."""
    data = load_diabetes()
    rows = StandardScaler().fit_transform(data.data)
    target = (data.target - data.target.mean()) / data.target.std()
    kernel = RBF(2.0) + WhiteKernel(0.3)
    model = GaussianProcessRegressor(kernel, optimizer=None).fit(rows[:200], target[:200])
    return lambda masks: model.predict(rows[7] * masks), rows.shape[1]


@cache
def cancer_model() -> tuple[MLPClassifier, np.ndarray]:
    """Train a small network on real data."""
    data = load_breast_cancer()
    rows = StandardScaler().fit_transform(data.data)
    model = MLPClassifier((16,), max_iter=60, random_state=0, solver="adam", tol=1.0)
    model.n_iter_no_change = 60
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows, data.target)
    return model, rows


def cancer_game() -> tuple[Game, int]:
    """Mask features by their mean in the network."""
    model, rows = cancer_model()
    return lambda masks: model.predict_proba(rows[40] * masks)[:, 1], rows.shape[1]


class TestFaithfulness:
    """How faithful the explanation says it is."""

    @pytest.mark.parametrize("seed", range(2))
    @pytest.mark.parametrize("budget", [150, 400])
    def test_small_real_game(self, budget: int, seed: int) -> None:
        """The estimate is close to the truth over the whole hypercube."""
        game, n = diabetes_game()
        approximator = SPEX(n=n, max_order=2, index="FSII", random_state=seed)
        approximator.approximate(budget, game)
        truth = r_squared(approximator, game, every_mask(n))
        assert truth > 0.85
        assert approximator.cv_faithfulness == pytest.approx(truth, abs=0.06)

    @pytest.mark.parametrize(("budget", "seed"), [(300, 0), (300, 1), (600, 2)])
    def test_larger_real_game(self, budget: int, seed: int) -> None:
        """The same on fresh masks of more players, without a hypercube to fill."""
        game, n = cancer_game()
        approximator = SPEX(n=n, max_order=2, index="FSII", random_state=seed)
        approximator.approximate(budget, game)
        truth = r_squared(approximator, game, uniform_masks(n))
        assert truth > 0.8
        assert approximator.cv_faithfulness == pytest.approx(truth, abs=0.06)

    @pytest.mark.parametrize("n", [10, 64, 300])
    def test_noise_warns(self, n: int) -> None:
        """Of noise nothing can be explained, and the user hears of it."""
        approximator = SPEX(n=n, max_order=2, index="FBII", random_state=0)
        with pytest.warns(UserWarning, match="not faithful.*R.2 = .*raise the budget") as caught:
            approximator.approximate(
                300, lambda masks: np.random.default_rng(0).normal(size=len(masks))
            )
        assert len(caught) == 1
        assert caught[0].filename == __file__
        assert approximator.cv_faithfulness < 0.1

    def test_noise_is_not_flattered(self) -> None:
        """On the average over some seeds, the faithfulness of noise is about zero."""
        scores = []
        for seed in range(6):
            rng = np.random.default_rng(seed)
            approximator = SPEX(n=40, max_order=2, index="FBII", random_state=seed)
            with pytest.warns(UserWarning, match="not faithful"):
                approximator.approximate(200, lambda masks, rng=rng: rng.normal(size=len(masks)))
            scores.append(approximator.cv_faithfulness)
        assert np.mean(scores) < 0.03

    @pytest.mark.parametrize("degree", [8, 64])
    def test_parities_beyond_the_code_are_not_flattered(self, degree: int) -> None:
        """A parity too large to decode must not look explained by what it is aliased to."""
        n = 64

        def game(masks: np.ndarray) -> np.ndarray:
            return 1.0 - 2.0 * (masks[:, :degree].sum(axis=1) % 2)

        approximator = SPEX(n=n, max_order=2, index="FBII", random_state=0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            approximator.approximate(600, game)
        truth = r_squared(approximator, game, uniform_masks(n))
        assert approximator.cv_faithfulness <= truth + 0.1
        assert truth > 0.5 or len(caught) == 1

    @pytest.mark.parametrize("n", [5, 64, 1000, 2000])
    def test_normal_use_is_silent(self, n: int) -> None:
        """Also above a thousand players, where shapiq's base class warns."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            approximator = SPEX(n=n, max_order=2, index="k-SII", random_state=0)
            approximator.approximate(600, small)
        assert approximator.cv_faithfulness == pytest.approx(1, rel=0, abs=1e-9)

    def test_silent_on_the_streams(self, capfd: pytest.CaptureFixture[str]) -> None:
        """A quick game shows no progress bar."""
        SPEX(n=20, max_order=2, index="k-SII", random_state=0).approximate(300, small)
        captured = capfd.readouterr()
        assert (captured.out, captured.err) == ("", "")


class TestExplainer:
    """End to end through shapiq."""

    def test_game(self) -> None:
        """A game of shapiq, explained in one call."""

        class Small(shapiq.Game):
            def value_function(self, coalitions: np.ndarray) -> np.ndarray:
                return small(coalitions)

        explainer = shapiq.Explainer(
            Small(n_players=30, normalize=False),
            index="FBII",
            max_order=3,
            approximator="spex",
            random_state=0,
        )
        explanation = explainer.explain(budget=400)
        assert isinstance(explanation, shapiq.InteractionValues)
        assert explanation[(0, 1, 3)] == pytest.approx(5.0, rel=0, abs=1e-9)
        assert explanation.estimation_budget == 400

    def test_callable(self) -> None:
        """A value function with its number of players."""
        explainer = shapiq.Explainer(
            small, n_players=2000, index="k-SII", max_order=2, approximator="spex", random_state=0
        )
        assert type(explainer.approximator) is shapiq_spex.SPEX
        explanation = explainer.explain(budget=600)
        assert explanation[(1, 2)] == pytest.approx(-1.0, rel=0, abs=1e-9)

    def test_model_and_data(self) -> None:
        """A trained network with background data: the explanation is that of SPEX on its game."""
        model, rows = cancer_model()
        explainer = shapiq.Explainer(
            model,
            rows[:50],
            index="FBII",
            max_order=2,
            approximator="spex",
            imputer="baseline",
            random_state=0,
            class_index=1,
        )
        explanation = explainer.explain(rows[40], budget=300)
        assert isinstance(explanation, shapiq.InteractionValues)
        assert (explanation.index, explanation.max_order) == ("FBII", 2)
        assert explanation.n_players == rows.shape[1]
        assert explanation.estimation_budget == 300
        assert explainer.approximator.cv_faithfulness > 0.5
        # masks and values are those that the approximator sees by itself
        baseline = rows[:50].mean(axis=0)
        alone = SPEX(n=rows.shape[1], max_order=2, index="FBII", random_state=0).approximate(
            300, lambda m: model.predict_proba(np.where(m, rows[40], baseline))[:, 1]
        )
        for players, value in alone.interactions.items():
            if players:
                assert explanation[players] == pytest.approx(value, rel=0, abs=1e-6)
