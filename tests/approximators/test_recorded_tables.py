"""Tests of ProxySPEX on recorded tables with far more players than it can fit at once."""

from __future__ import annotations

import tracemalloc
import warnings
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shapiq_spex import ProxySPEX

if TYPE_CHECKING:
    from pathlib import Path

N = 20_000
MAINS = np.random.default_rng(5).choice(N, 12, replace=False)
PAIRS = [tuple(sorted(MAINS[[2 * k, 2 * k + 1]].tolist())) for k in range(4)]
TRIPLE = [11, 7_000, 19_990]
NOISE = 0.5


def planted(masks: np.ndarray) -> np.ndarray:
    """Evaluate main effects, pairs of their players, and three players that count only together."""
    values = 1.5 * masks[:, MAINS].sum(axis=1) + 6.0 * masks[:, TRIPLE].all(axis=1)
    return values + sum(3.0 * masks[:, list(pair)].all(axis=1) for pair in PAIRS)


@cache
def uniform_masks(count: int, seed: int) -> np.ndarray:
    """Draw masks."""
    return np.random.default_rng(seed).integers(2, size=(count, N), dtype=np.uint8).view(np.bool_)


def noise(count: int, seed: int) -> np.ndarray:
    """Draw normal numbers."""
    return np.random.default_rng(seed).normal(size=count)


def explain(masks: np.ndarray, values: np.ndarray) -> ProxySPEX:
    """Explain a table."""
    approximator = ProxySPEX(masks.shape[1], 2, "FBII", random_state=0)
    approximator.from_ablations(masks, values)
    return approximator


def assert_same(left: ProxySPEX, right: ProxySPEX) -> None:
    """Compare to the last bit."""
    assert np.array_equal(left.spectrum.sets, right.spectrum.sets)
    assert np.array_equal(left.spectrum.coefficients, right.spectrum.coefficients)
    assert left.cv_faithfulness == right.cv_faithfulness


@cache
def noisy_run() -> ProxySPEX:
    """Explain the planted truth with noise once for several tests."""
    return explain(uniform_masks(1000, 1), planted(uniform_masks(1000, 1)) + NOISE * noise(1000, 2))


@pytest.mark.parametrize("seed", range(3))
def test_noise_explains_nothing(seed: int) -> None:
    """The players that chance singles out must not make noise look explained."""
    approximator = ProxySPEX(N, 2, "FBII", random_state=seed)
    with pytest.warns(UserWarning, match="The explanation is not faithful"):
        approximator.from_ablations(uniform_masks(500, seed), noise(500, 100 + seed))
    assert approximator.cv_faithfulness < 0.1


def test_faithfulness_is_that_on_fresh_masks() -> None:
    """With more players than masks the out-of-fold R^2 is still an honest one."""
    fresh = uniform_masks(1000, 9)
    values = planted(fresh) + NOISE * noise(1000, 10)
    error = ((values - noisy_run().spectrum.evaluate(fresh)) ** 2).mean()
    assert noisy_run().cv_faithfulness > 0.8
    assert noisy_run().cv_faithfulness == pytest.approx(1 - error / values.var(), abs=0.1)


def test_sets_have_their_own_numbers() -> None:
    """What is found among few players is reported for the right ones of all."""
    sets = noisy_run().spectrum.sets
    found = {tuple(players[players < N].tolist()) for players in sets}
    assert {(int(player),) for player in MAINS} <= found
    assert set(PAIRS) <= found
    assert sets.max() <= N


def test_exact_without_noise() -> None:
    """A sparse game is found exactly, by all of the masks."""
    masks = uniform_masks(1000, 1)
    approximator = explain(masks, planted(masks))
    assert approximator.cv_faithfulness == pytest.approx(1)
    fresh = uniform_masks(1000, 9)
    assert np.allclose(approximator.spectrum.evaluate(fresh), planted(fresh), atol=1e-8)


def test_approximate_takes_the_same_way() -> None:
    """Masks drawn here and the same ones recorded give the same."""
    asked = []

    def game(masks: np.ndarray) -> np.ndarray:
        asked.append(masks.copy())
        return planted(masks) + np.sin(masks @ np.arange(N))

    drawn = ProxySPEX(N, 2, "FBII", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn.approximate(400, game)
        masks = np.concatenate(asked)
        assert_same(drawn, explain(masks, game(masks)))


@pytest.mark.parametrize("kind", [np.bool_, np.uint8])
def test_memory_maps_equal_arrays(tmp_path: Path, kind: type) -> None:
    """Where a table is kept makes no difference, nor does a second run."""
    masks = uniform_masks(1000, 1)
    np.save(tmp_path / "masks.npy", masks.astype(kind))
    mapped = np.load(tmp_path / "masks.npy", mmap_mode="r")
    values = planted(masks) + NOISE * noise(1000, 2)
    assert_same(explain(mapped, values), noisy_run())


def test_bad_entries_of_a_memory_map(tmp_path: Path) -> None:
    """An entry that is no mask's is refused, however late it comes."""
    masks = uniform_masks(500, 1).astype(np.uint8)
    masks[-1, -1] = 2
    np.save(tmp_path / "masks.npy", masks)
    mapped = np.load(tmp_path / "masks.npy", mmap_mode="r")
    with pytest.raises(ValueError, match="masks must be boolean, or 0 and 1"):
        explain(mapped, np.zeros(500))


def test_bad_values_beside_a_memory_map(tmp_path: Path) -> None:
    """The mask of a value that is not finite is named."""
    np.save(tmp_path / "masks.npy", uniform_masks(30, 1).astype(np.uint8))
    mapped = np.load(tmp_path / "masks.npy", mmap_mode="r")
    with pytest.raises(ValueError, match="nan for the mask with players"):
        explain(mapped, np.full(30, np.nan))


def test_memory_stays_small(tmp_path: Path) -> None:
    """No array as large as the table's numbers in single precision is made."""
    np.save(tmp_path / "masks.npy", uniform_masks(1000, 1))
    mapped = np.load(tmp_path / "masks.npy", mmap_mode="r")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that nothing explains
        explain(mapped[:50], noise(50, 1))  # imports
        tracemalloc.start()
        try:
            explain(mapped, noise(1000, 1))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 4 * mapped.size
