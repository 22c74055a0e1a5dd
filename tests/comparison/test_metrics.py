"""Runs are judged by masks that they have not seen."""

from __future__ import annotations

import numpy as np
import pytest

from shapiq_spex import FourierSpectrum
from shapiq_spex.comparison._metrics import (
    Test as Masks,
)
from shapiq_spex.comparison._metrics import (
    count_removed,
    judge,
    judge_recall,
    judge_removal,
    stability,
)
from shapiq_spex.comparison._run import Run
from shapiq_spex.comparison._watch import SharedGame, to_keys
from shapiq_spex.evaluation import draw_test_masks, r_squared

_GAME = FourierSpectrum(6, [(), (0,), (1,), (0, 1)], [5.0, 3.0, -2.0, 1.0])
_SHARED = SharedGame(_GAME, 6)


def _run(prediction: FourierSpectrum | None, asked: np.ndarray, *, has_level: bool = True) -> Run:
    keys = frozenset(to_keys(asked)) if len(asked) else frozenset()
    return Run(prediction, has_level, float("nan"), keys, 0.0, 0.0, 0.0, "")


def _judge(run: Run, test: Masks) -> dict[str, float]:
    assert run.prediction is not None
    return judge(run, run.prediction.evaluate(test.masks), test, [1, 2])


def test_share_over_all_masks() -> None:
    """Of squared coefficients 9, 4, and 1, the largest term has 9 of 14."""
    test = Masks.take(_SHARED, draw_test_masks(6, 100, 0), 0)
    assert test.is_exact
    found = _judge(_run(_GAME.truncate(max_terms=2), np.zeros((0, 6))), test)
    assert found["r2"] == found["r2_low"] == found["r2_high"] == pytest.approx(13 / 14, abs=1e-12)
    assert found["r2_top_1"] == pytest.approx(9 / 14, abs=1e-12)
    assert (found["terms"], found["test_masks"]) == (2, 64)


def test_seen_masks_are_left_out() -> None:
    """R² rests on the others alone, ``r2_all`` on all."""
    masks = draw_test_masks(6, 50, 0)
    test = Masks.take(_SHARED, masks, 0)
    prediction = _GAME.truncate(max_terms=1)
    found = _judge(_run(prediction, masks[:30]), test)
    values, told = _GAME.evaluate(masks), prediction.evaluate(masks)
    left = (np.arange(50) >= 30) & masks.any(axis=1) & ~masks.all(axis=1)
    assert found["test_masks"] == left.sum()
    assert found["r2"] == pytest.approx(r_squared(values[left], told[left]), abs=1e-12)
    assert found["r2_all"] == pytest.approx(r_squared(values, told), abs=1e-12)
    assert found["r2_low"] < found["r2"] < found["r2_high"]


def test_all_masks_where_the_others_tell_nothing() -> None:
    """Who asked for all, or for more than nine in ten, is judged by all."""
    masks = draw_test_masks(6, 64, 0)
    test = Masks.take(_SHARED, masks, 0)
    for seen in (64, 63, 59):
        assert _judge(_run(_GAME, masks[:seen]), test)["test_masks"] == 64


def test_empty_and_full_mask_do_not_judge() -> None:
    """Once some masks are left out, these two are left out for every method."""
    masks = draw_test_masks(6, 64, 0)
    test = Masks.take(_SHARED, masks, 0)
    for rows in (masks[5:10], np.vstack([masks[5:10], masks[[0, -1]]])):
        assert _judge(_run(_GAME, rows), test)["test_masks"] == 64 - 5 - 2


def test_levels() -> None:
    """A wrong level costs, unless the explanation says none."""
    moved = FourierSpectrum(6, _GAME.sets, _GAME.coefficients + np.array([9.0, 0, 0, 0]))
    test = Masks.take(_SHARED, draw_test_masks(6, 64, 0), 0)
    nothing = np.zeros((0, 6))
    assert _judge(_run(moved, nothing), test)["r2"] < 0
    assert _judge(_run(moved, nothing), test)["r2_shifted"] == pytest.approx(1)
    assert _judge(_run(moved, nothing, has_level=False), test)["r2"] == pytest.approx(1)


def test_removal() -> None:
    """Without the decisive player the value goes from f(all) to f(others); nobody is left of 6."""
    masks = np.array([[1] * 6, [1, 0, *[1] * 4]], dtype=bool)
    whole, without = _GAME.evaluate(masks)
    run = _run(_GAME, np.zeros((0, 6)))
    found = judge_removal(run, _SHARED, [1, 0.2, 0.1, 6, 0.99])
    assert found["removal_1"] == pytest.approx(abs(whole - without) / abs(whole), abs=1e-12)
    assert found["removal_1"] == found["removal_0.2"] == found["removal_0.1"]
    assert np.isnan(found["removal_6"])
    assert np.isnan(found["removal_0.99"])


@pytest.mark.parametrize(
    ("removal", "count"), [(3, 3), (np.int64(3), 3), (0.1, 1), (0.01, 1), (0.3, 3), (0.5, 5)]
)
def test_numbers_and_shares(removal: float, count: int) -> None:
    """Integers are numbers of players; of shares at least one is removed."""
    assert count_removed(removal, 10) == count


def test_recall() -> None:
    """Without a reference it is not known."""
    run = _run(_GAME.truncate(max_terms=1), np.zeros((0, 6)))
    assert judge_recall(run, _GAME, 3)["recall"] == pytest.approx(1 / 3)
    assert np.isnan(judge_recall(run, None, 3)["recall"])


def test_stability() -> None:
    """It is the mean correlation with the other repeats; failures and constants have none."""
    one = np.array([1.0, 2.0, 3.0, 4.0])
    assert stability([one, 2 * one + 7, -one]) == pytest.approx([0.0, 0.0, -1.0])
    assert stability([one, None, 1e200 * one])[::2] == pytest.approx([1.0, 1.0])
    assert np.isnan(stability([one, None])).all()
    assert np.isnan(stability([one, np.ones(4)])).all()
    assert np.isnan(stability([one])).all()


def test_runs_that_failed() -> None:
    """There is nothing to judge."""
    with pytest.raises(ValueError, match="A run that failed has no prediction"):
        judge_recall(_run(None, np.zeros((0, 6))), _GAME, 3)
