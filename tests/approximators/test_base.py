"""Tests of what all approximators share, on a plain one and on masks that it did not draw."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shapiq_spex.approximators._base import SpectralApproximator
from shapiq_spex.approximators._uniform import UniformDesign
from shapiq_spex.regression import Ablations, Regression, fit_fixed, summarise

if TYPE_CHECKING:
    from shapiq import InteractionValues


class Linear(SpectralApproximator[UniformDesign]):
    """Fits single players to uniform masks."""

    def __init__(self, n: int) -> None:
        """Explain by FBII of up to two players."""
        super().__init__(n, min(2, n), "FBII", top_order=False, random_state=0)
        self.n_folds: list[int] = []

    @property
    def smallest_budget(self) -> int:
        """Two masks."""
        return 2

    def explain(self, masks: np.ndarray, values: np.ndarray) -> InteractionValues:
        """Explain recorded values."""
        return self._explain(
            UniformDesign.record(np.packbits(masks, axis=1), masks.shape[1]), values
        )

    def _draw(self, n_masks: int) -> UniformDesign:
        return UniformDesign.draw(self.n, n_masks, self._seed)

    def _regress(self, design: UniformDesign, ablations: Ablations) -> Regression:
        assert len(design.masks) == len(ablations.values)
        self.n_folds.append(len(np.unique(ablations.folds)))
        singles = np.arange(-1, self.n)[:, None] % (self.n + 1)
        return summarise(fit_fixed(ablations, singles), ablations)

    def _advise(self) -> str:
        return super()._advise() + ", or try something else"


def every_mask(n: int) -> np.ndarray:
    """Return all masks, player i being bit i of the position."""
    return (np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1


def noise(size: int) -> np.ndarray:
    """Draw values without structure."""
    return np.random.default_rng(5).normal(size=size)


def test_drawn_and_recorded_are_the_same() -> None:
    """Recorded masks and values give what the game itself gives."""
    weights = noise(50)
    drawn, recorded = Linear(50), Linear(50)
    expected = drawn.approximate(200, lambda masks: masks @ weights)
    masks = np.unpackbits(UniformDesign.draw(50, 200, 0).masks, axis=1, count=50).view(np.bool_)
    assert recorded.explain(masks, masks @ weights).interactions == expected.interactions
    assert recorded.spectrum == drawn.spectrum
    assert recorded.cv_faithfulness == drawn.cv_faithfulness > 0.99


def test_repeats_of_all_masks_are_averaged() -> None:
    """All masks twice are explained exactly, by the mean of their values."""
    masks, values, difference = every_mask(4), noise(16), np.arange(16.0)
    approximator = Linear(4)
    order = np.random.default_rng(0).permutation(32)
    twice = np.concatenate([masks, masks])[order]
    explanation = approximator.explain(
        twice, np.concatenate([values + difference, values - difference])[order]
    )
    assert approximator.spectrum.evaluate(masks) == pytest.approx(values, rel=0, abs=1e-12)
    assert approximator.cv_faithfulness == 1
    assert (explanation.estimation_budget, explanation.estimated) == (16, False)


def test_as_many_masks_as_there_are_but_not_all() -> None:
    """With a repeat one of them is missing: an estimate, right on all masks seen."""
    masks, values = every_mask(4)[1:], noise(15)
    approximator = Linear(4)
    explanation = approximator.explain(
        np.concatenate([masks, masks[:1]]), np.append(values, values[0] + 1)
    )
    assert (explanation.estimation_budget, explanation.estimated) == (15, True)
    expected = values + 0.5 * (np.arange(15) == 0)
    assert approximator.spectrum.evaluate(masks) == pytest.approx(expected, rel=0, abs=1e-12)
    assert approximator.cv_faithfulness < 1


def test_repeats_are_not_counted() -> None:
    """The budget is that of the distinct masks, and the warning says so."""
    masks = np.random.default_rng(0).random((40, 200)) < 0.5
    approximator = Linear(200)
    with pytest.warns(UserWarning, match="from 40 masks"):
        explanation = approximator.explain(np.repeat(masks, 3, axis=0), noise(120))
    assert explanation.estimation_budget == 40


@pytest.mark.parametrize("n", [1, 2, 3, 10, 70])
@pytest.mark.parametrize("n_masks", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["uniform", "first", "same", "ends"])
def test_hardly_any_masks(n: int, n_masks: int, kind: str) -> None:
    """Nothing fails, and what cannot be held out is not called faithful."""
    masks = np.random.default_rng(1).random((n_masks, n)) < 0.5
    if kind == "first":
        masks = np.unpackbits(UniformDesign.draw(n, n_masks, 0).masks, axis=1, count=n).view(
            np.bool_
        )
    elif kind == "same":
        masks[:] = masks[0]
    elif kind == "ends":
        masks[:] = np.arange(n_masks)[:, None] % 2 == 1
    for values in (noise(len(masks)), np.full(len(masks), 2.5)):
        approximator = Linear(n)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The explanation is not faithful")
            approximator.explain(masks, values)
        assert np.isfinite(approximator.spectrum.coefficients).all()
        assert approximator.cv_faithfulness <= 1
        assert all(n_folds > 1 for n_folds in approximator.n_folds)
        if kind == "same" or (kind == "ends" and n > 1):
            assert approximator.n_folds == []
            assert approximator.cv_faithfulness == 0
            assert approximator.spectrum[()] == pytest.approx(values.mean())


def test_one_huge_mask() -> None:
    """The mean of values whose sum is none of a float."""
    approximator = Linear(30)
    with pytest.warns(UserWarning, match="R.2 = 0.00 from 1 masks"):
        approximator.explain(np.ones((3, 30), dtype=bool), np.full(3, 1e308))
    assert approximator.spectrum[()] == pytest.approx(1e308)


def test_warning_points_at_the_caller() -> None:
    """Whether the values were recorded or not; and the subclass has a say in it."""
    masks = np.random.default_rng(0).random((60, 30)) < 0.5
    with pytest.warns(UserWarning, match=r"raise the budget \(.*\), or try something else\.$") as a:
        Linear(30).approximate(60, lambda masks: noise(len(masks)))
    with pytest.warns(UserWarning, match="not faithful") as b:
        Linear(30)._explain(UniformDesign.record(np.packbits(masks, axis=1), 30), noise(60))
    assert [str(record.filename) for record in (*a, *b)] == [__file__, __file__]
