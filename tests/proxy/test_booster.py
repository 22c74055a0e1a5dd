"""Tests of the ensemble whose size cross-validation chooses."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pytest
from lightgbm.basic import _ConfigAliases

from shapiq_spex.proxy import _booster, fit_booster, read_parameters
from shapiq_spex.proxy._trees import influences
from shapiq_spex.regression import EVERY_FOLD, Ablations, MaskColumns
from shapiq_spex.spectrum import FourierSpectrum

if TYPE_CHECKING:
    from shapiq_spex.proxy import BoosterFit

N = 8
FIXED_TREES = {"num_iterations": 25, "early_stopping_round": 0, "learning_rate": 0.1}
TOLERANCE = 1e-9


def every_mask(n: int) -> np.ndarray:
    """Return all masks, player i being bit i of the position."""
    return (np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1


def some_masks() -> np.ndarray:
    """Draw 120 distinct masks."""
    rows = np.random.default_rng(0).choice(1 << N, 120, replace=False)
    return every_mask(N)[rows]


@cache
def problem() -> Ablations:
    """Evaluate a game with interactions and a little noise."""
    masks = some_masks()
    rng = np.random.default_rng(1)
    values = masks @ np.linspace(-1, 1, N) + 2.0 * (masks[:, 0] & masks[:, 1])
    values += 0.1 * rng.normal(size=len(values))
    columns = MaskColumns(np.packbits(masks, axis=1), N)
    return Ablations.prepare(columns, values, np.arange(len(masks)), rng)


@cache
def fitted() -> BoosterFit:
    """Fit with a fixed number of trees."""
    return fit_booster(problem(), read_parameters(FIXED_TREES), 0)


def test_out_of_fold_predictions_are_those_of_the_folds_boosters() -> None:
    """Each mask is predicted by the booster that was fitted without its fold."""
    fit, folds, masks = fitted(), problem().folds, some_masks().astype(float)
    assert set(fit.fold_boosters) == set(folds.tolist())
    for fold, booster in fit.fold_boosters.items():
        predictions = booster.predict(masks[folds == fold], num_iteration=fit.n_trees)
        np.testing.assert_array_equal(fit.out_of_fold[folds == fold], predictions)
    assert problem().r_squared(fit.out_of_fold) > 0.5


def test_folds_do_not_see_what_they_predict() -> None:
    """Other values in a fold change no prediction there, and do change those elsewhere."""
    ablations, folds = problem(), problem().folds
    changed = replace(ablations, values=np.where(folds == 2, 9.0, ablations.values))
    other = fit_booster(changed, read_parameters(FIXED_TREES), 0)
    same = other.out_of_fold == fitted().out_of_fold
    assert same[folds == 2].all()
    assert not same[folds != 2].any()


def test_spectra_are_the_boosters_predictions() -> None:
    """The terms of every booster evaluate to what LightGBM predicts, on all masks."""
    fit, masks = fitted(), every_mask(N)
    pairs = [(fit.terms, fit.booster)]
    pairs += [(fit.fold_terms[fold], booster) for fold, booster in fit.fold_boosters.items()]
    for (sets, coefficients), booster in pairs:
        np.testing.assert_allclose(
            FourierSpectrum(N, sets, coefficients).evaluate(masks),
            booster.predict(masks.astype(float), num_iteration=fit.n_trees),
            rtol=0,
            atol=TOLERANCE,
        )


def test_influences() -> None:
    """There is one for each fold and one for all masks, of its own terms."""
    fit = fitted()
    assert set(fit.influences) == {*fit.fold_boosters, EVERY_FOLD}
    np.testing.assert_array_equal(fit.influences[EVERY_FOLD], influences(*fit.terms, N))
    np.testing.assert_array_equal(fit.influences[1], influences(*fit.fold_terms[1], N))
    assert not np.array_equal(fit.influences[1], fit.influences[EVERY_FOLD])


def test_early_stopping_chooses_the_number_of_trees() -> None:
    """No more trees than the best mean error needs, and all boosters count as many."""
    parameters = {"num_iterations": 400, "early_stopping_round": 5, "learning_rate": 0.3}
    fit = fit_booster(problem(), read_parameters(parameters), 0)
    assert 1 <= fit.n_trees < 400
    assert fit.booster.num_trees() == fit.n_trees
    better = problem().r_squared(fit.out_of_fold)
    fixed = {**parameters, "early_stopping_round": 0, "num_iterations": fit.n_trees + 5}
    assert better >= problem().r_squared(fit_booster(problem(), fixed, 0).out_of_fold)


def test_fixed_number_of_trees() -> None:
    """Without early stopping all trees count."""
    assert fitted().n_trees == 25
    assert fitted().booster.num_trees() == 25


def test_dart_does_not_stop_early() -> None:
    """Later trees change earlier ones there, so that a prefix is no ensemble that was judged."""
    parameters = {"boosting": "dart", "num_iterations": 12, "early_stopping_round": 1}
    fit = fit_booster(problem(), read_parameters(parameters), 0)
    assert fit.n_trees == fit.booster.num_trees() == 12


def test_small_problems_take_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the user says otherwise or the problem is large."""
    assert fitted().booster.params["num_threads"] == 1
    chosen: list[dict[str, Any]] = []

    def stop(params: dict[str, Any], *_: object, **__: object) -> None:
        chosen.append(params)
        raise InterruptedError  # threads that wait for each other are slow

    monkeypatch.setattr(lightgbm, "cv", stop)
    with pytest.raises(InterruptedError):
        fit_booster(problem(), read_parameters({"n_jobs": 2}), 0)
    monkeypatch.setattr(_booster, "_MAX_SINGLE", 1)
    with pytest.raises(InterruptedError):
        fit_booster(problem(), read_parameters(None), 0)
    assert [params.get("num_threads") for params in chosen] == [2, None]


def test_seeds() -> None:
    """The seed decides, unless the parameters have one of their own."""
    again = fit_booster(problem(), read_parameters(FIXED_TREES), 0)
    np.testing.assert_array_equal(again.out_of_fold, fitted().out_of_fold)
    other = fit_booster(problem(), read_parameters(FIXED_TREES), 1)
    assert not np.array_equal(other.out_of_fold, fitted().out_of_fold)
    own = read_parameters({**FIXED_TREES, "random_state": 5})
    first, second = fit_booster(problem(), own, 0), fit_booster(problem(), own, 1)
    np.testing.assert_array_equal(first.out_of_fold, second.out_of_fold)


@pytest.mark.parametrize("name", _booster._ALIASES)
def test_aliases_are_lightgbms(name: str) -> None:
    """LightGBM knows each alias, and has no other one that would escape the renaming."""
    assert {name, *_booster._ALIASES[name]} == set(_ConfigAliases.get(name))


def test_read_parameters_renames() -> None:
    """A user's parameter replaces the default under any name, and the others stay."""
    for alias in _booster._ALIASES["min_data_in_leaf"]:
        parameters = read_parameters({alias: 9})
        assert alias not in parameters
        assert parameters == {**_booster._DEFAULTS, "min_data_in_leaf": 9}
    assert read_parameters(None) == read_parameters({}) == _booster._DEFAULTS


def test_defaults_are_not_handed_out() -> None:
    """Changing what is returned changes no later result."""
    read_parameters(None)["num_leaves"] = 3
    assert read_parameters(None)["num_leaves"] == _booster._DEFAULTS["num_leaves"] != 3


def test_regressor_replaces_all_parameters() -> None:
    """Its own defaults hold, not this package's."""
    model = lightgbm.LGBMRegressor(n_estimators=33, reg_alpha=0.5, max_bin=7)
    parameters = read_parameters(model)
    assert parameters["num_iterations"] == 33
    assert parameters["num_leaves"] == 31
    assert parameters["learning_rate"] == 0.1
    assert parameters["max_bin"] == 7
    assert "class_weight" not in parameters
    assert "importance_type" not in parameters
