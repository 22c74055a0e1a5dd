"""Properties of ProxySPEX on random games."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shapiq import ExactComputer

from shapiq_spex import ProxySPEX
from shapiq_spex.approximators._uniform import UniformDesign
from shapiq_spex.spectrum import VALID_INDICES, SpectrumIndex

SEEDS = st.integers(0, 2**63 - 1)
VALUES = st.floats(-1e3, 1e3, width=32, allow_subnormal=False)
# FSII is compared elsewhere, as ExactComputer's own error reaches 1e-7
INDICES = st.sampled_from([index for index in VALID_INDICES if index != "FSII"])
TREES = {"num_iterations": 15, "early_stopping_round": 0}

tables = st.integers(1, 6).flatmap(lambda n: arrays(np.float64, 2**n, elements=VALUES))


@given(
    n_and_budget=st.sampled_from([(32, 400), (64, 500)]),
    game_seed=st.integers(0, 2**32 - 1),
    seed=SEEDS,
)
@settings(max_examples=25)
def test_hierarchical_games_are_found_exactly(
    n_and_budget: tuple[int, int], game_seed: int, seed: int
) -> None:
    """Four ANDs of three players come out to rounding, whatever the players and the masks."""
    n, budget = n_and_budget
    rng = np.random.default_rng(game_seed)
    sets = [rng.choice(n, 3, replace=False) for _ in range(4)]
    weights = rng.uniform(1, 2, 4) * rng.choice([-1, 1], 4)

    def game(masks: np.ndarray) -> np.ndarray:
        return np.stack([masks[:, players].all(axis=1) for players in sets], axis=1) @ weights

    approximator = ProxySPEX(n=n, random_state=seed)
    approximator.approximate(budget, game)
    fresh = rng.random((500, n)) < 0.5
    np.testing.assert_allclose(
        approximator.spectrum.evaluate(fresh), game(fresh), rtol=0, atol=1e-9
    )


@given(values=tables, index=INDICES, data=st.data(), seed=SEEDS)
@settings(max_examples=40)
def test_full_budget_is_exact(
    values: np.ndarray, index: SpectrumIndex, data: st.DataObject, seed: int
) -> None:
    """With all masks every index of any game is what shapiq computes from the whole table."""
    n = len(values).bit_length() - 1

    def game(masks: np.ndarray) -> np.ndarray:
        return values[masks @ (1 << np.arange(n))]

    order = 1 if index in ("SV", "BV") else data.draw(st.integers(1, n), label="order")
    approximator = ProxySPEX(n=n, max_order=order, index=index, random_state=seed)
    ours = approximator.approximate(2**n, game)
    theirs = ExactComputer(game, n)(index, order).interactions
    limit = 1e-9 * max(1.0, float(np.abs(values).max()))
    for players in set(ours.interactions) | set(theirs):
        if len(players) <= order:
            expected = theirs.get(players, 0.0)
            assert ours[players] == pytest.approx(expected, rel=0, abs=limit), players


@given(values=arrays(np.float64, 64, elements=VALUES), n_masks=st.integers(20, 64), seed=SEEDS)
@settings(max_examples=15)
def test_recorded_ablations_equal_approximate(values: np.ndarray, n_masks: int, seed: int) -> None:
    """Any game, sparse, constant or dense: the same masks give the same spectrum."""

    def game(masks: np.ndarray) -> np.ndarray:
        return values[masks @ (1 << np.arange(6))]

    masks = np.unpackbits(UniformDesign.draw(6, n_masks, seed).masks, axis=1, count=6)
    called = ProxySPEX(n=6, random_state=seed, proxy_model=TREES)
    recorded = ProxySPEX(n=6, random_state=seed, proxy_model=TREES)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The explanation is not faithful")
        called.approximate(n_masks, game)
        recorded.from_ablations(masks, game(masks))
    assert np.array_equal(recorded.spectrum.sets, called.spectrum.sets)
    assert np.array_equal(recorded.spectrum.coefficients, called.spectrum.coefficients)
    assert recorded.cv_faithfulness == called.cv_faithfulness <= 1
