"""A LightGBM ensemble whose size is chosen by cross-validation on one binned data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from shapiq_spex.regression import EVERY_FOLD

from ._trees import influences, transform_trees

if TYPE_CHECKING:
    import lightgbm
    from numpy.typing import NDArray

    from shapiq_spex.regression import Ablations

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Terms = tuple[IntArray, FloatArray]

# each with the other names that LightGBM has for it: a user's choice replaces ours under any name
_ALIASES = {
    "objective": ("objective_type", "app", "application", "loss"),
    "boosting": ("boosting_type", "boost"),
    "learning_rate": ("shrinkage_rate", "eta"),
    "num_leaves": ("num_leaf", "max_leaves", "max_leaf", "max_leaf_nodes"),
    "max_depth": (),
    "min_data_in_leaf": (
        *("min_data_per_leaf", "min_data", "min_child_samples", "min_samples_leaf"),
    ),
    "bagging_fraction": ("sub_row", "subsample", "bagging"),
    "bagging_freq": ("subsample_freq",),
    "feature_fraction": ("sub_feature", "colsample_bytree"),
    "num_iterations": (
        *("num_iteration", "n_iter", "num_tree", "num_trees", "num_round", "num_rounds"),
        *("nrounds", "num_boost_round", "n_estimators", "max_iter"),
    ),
    "early_stopping_round": ("early_stopping_rounds", "early_stopping", "n_iter_no_change"),
    "seed": ("random_seed", "random_state"),
    "num_threads": ("num_thread", "nthread", "nthreads", "n_jobs"),
    "verbosity": ("verbose",),
    "metric": ("metrics", "metric_types"),
}
_DEFAULTS: dict[str, Any] = {
    "objective": "regression",
    "num_leaves": 10,
    "max_depth": 6,
    "min_data_in_leaf": 5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.7,
    "early_stopping_round": 25,
}
_FIXED: dict[str, Any] = {
    "metric": "l2",
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
    "verbosity": -1,
}
_NOT_LIGHTGBM = ("class_weight", "importance_type")  # of its estimators for scikit-learn
_LEAST_GAIN = 1e-3  # of the variance: what the next trees must add, beside the other models
_SMALLEST_STEP, _LARGEST_STEP = 0.02, 0.12  # learning rates
_STEP_PER_MASK = 6e-5  # with few masks small steps predict better, and trees cost little
_MAX_TREES, _MIN_TREES = 1000, 100
_MAX_WORK = 2e8  # entries of the masks times trees: a second or two
_MAX_SINGLE = 1 << 23  # entries of the masks for which threads are not worth their waiting


@dataclass(frozen=True)
class BoosterFit:
    """A fitted ensemble.

    Attributes:
        n_players: The number of players.
        booster: The ensemble fitted to all masks.
        fold_boosters: Those fitted without each fold.
        n_trees: How many of the trees of the latter count.
        out_of_fold: Predictions without each mask's fold, shape ``(m,)``.
    """

    n_players: int
    booster: lightgbm.Booster
    fold_boosters: dict[int, lightgbm.Booster]
    n_trees: int
    out_of_fold: FloatArray

    @cached_property
    def terms(self) -> Terms:
        """The spectrum: sets, shape ``(k, width)``, padded, and coefficients, shape ``(k,)``."""
        return transform_trees(self.booster, self.n_players, self.n_trees)

    @cached_property
    def fold_terms(self) -> dict[int, Terms]:
        """The same of the ensembles fitted without each fold."""
        return {
            fold: transform_trees(booster, self.n_players, self.n_trees)
            for fold, booster in self.fold_boosters.items()
        }

    @property
    def influences(self) -> dict[int, FloatArray]:
        """The players' influences, by fold and under ``EVERY_FOLD``, each of shape ``(n,)``."""
        every = {**self.fold_terms, EVERY_FOLD: self.terms}
        return {fold: influences(*terms, self.n_players) for fold, terms in every.items()}


def read_parameters(proxy_model: Mapping[str, Any] | object | None) -> dict[str, Any]:
    """Turn what a user says of the ensemble into LightGBM's parameters.

    Args:
        proxy_model: LightGBM parameters that replace some of this package's, or a
            ``lightgbm.LGBMRegressor``, whose parameters replace all of them; None for the defaults.

    Returns:
        The parameters, under the names in LightGBM's documentation.

    Raises:
        TypeError: If it is something else.
        ValueError: If a parameter comes twice, under two of its names, or LightGBM refuses one, or
            the ensemble would have no Fourier spectrum.
    """
    if proxy_model is None:
        return dict(_DEFAULTS)
    if isinstance(proxy_model, Mapping):
        parameters = {**_DEFAULTS, **_rename(proxy_model)}
    else:
        parameters = _read_regressor(proxy_model)
    _try(parameters)
    return parameters


def _read_regressor(proxy_model: object) -> dict[str, Any]:
    """Return the parameters of LightGBM's estimator for scikit-learn, and what it leaves open."""
    from lightgbm import LGBMRegressor  # noqa: PLC0415, slow to import

    if not isinstance(proxy_model, LGBMRegressor):
        msg = (
            "proxy_model must be None, LightGBM parameters as a dictionary, or a "
            f"lightgbm.LGBMRegressor, got {type(proxy_model).__name__}."
        )
        raise TypeError(msg)
    given = {
        name: value
        for name, value in proxy_model.get_params().items()
        if value is not None and name not in _NOT_LIGHTGBM
    }
    needed = {name: _DEFAULTS[name] for name in ("objective", "early_stopping_round")}
    return {**needed, **_rename(given)}


def _try(parameters: Mapping[str, Any]) -> None:
    """Fit an ensemble to next to nothing: mistakes should show before ablations are paid for."""
    import lightgbm  # noqa: PLC0415, slow to import

    for name, least in (("num_iterations", 1), ("early_stopping_round", 0)):
        number = parameters.get(name, least)
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            msg = f"proxy_model's {name} must be an integer of at least {least}, got {number!r}."
            raise ValueError(msg)
    masks = np.unpackbits(np.arange(64, dtype=np.uint8)[:, None], axis=1)[:, 5:].astype(np.float32)
    chosen = {**parameters, **_FIXED, "num_threads": 1}
    for name in ("num_iterations", "early_stopping_round"):
        chosen.pop(name, None)
    try:
        data = lightgbm.Dataset(masks, label=masks.sum(axis=1), params=chosen)
        booster = lightgbm.train(chosen, data, num_boost_round=1)
    except lightgbm.basic.LightGBMError as error:
        msg = f"LightGBM refuses the parameters of proxy_model: {error}"
        raise ValueError(msg) from error
    transform_trees(booster, masks.shape[1])


def fit_booster(ablations: Ablations, parameters: Mapping[str, Any], seed: int) -> BoosterFit:
    """Fit an ensemble, the number of its trees chosen by the folds' mean error.

    Args:
        ablations: The masks and values.
        parameters: What ``read_parameters`` returned.
        seed: The seed, unless the parameters have one.

    Returns:
        The fit.
    """
    import lightgbm  # noqa: PLC0415, slow to import

    columns, values, folds = ablations.columns, ablations.values, ablations.folds
    masks = (columns.signs(np.arange(columns.n_players)).T < 0).astype(np.float32)
    # its own threads wait for each other, which takes far longer where another process is busy
    threads = {"num_threads": 1} if masks.size <= _MAX_SINGLE else {}
    step = min(_LARGEST_STEP, _SMALLEST_STEP + _STEP_PER_MASK * len(values))
    ours = {"seed": seed % (1 << 31), "learning_rate": step, **threads}
    chosen = {**ours, **parameters, **_FIXED}
    most = max(_MIN_TREES, min(_MAX_TREES, int(_MAX_WORK / masks.size)))
    rounds, patience = chosen.pop("num_iterations", most), chosen.pop("early_stopping_round")
    if chosen.get("boosting") == "dart":  # whose later trees change the earlier ones
        patience = 0
    data = lightgbm.Dataset(masks, label=values, params=chosen, free_raw_data=False)
    labels = ablations.held_out_folds
    gain = _LEAST_GAIN * float(values.var())
    results = lightgbm.cv(
        chosen,
        data,
        num_boost_round=rounds,
        folds=[(np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in labels],
        callbacks=[lightgbm.early_stopping(patience, verbose=False, min_delta=gain)]
        if patience > 0
        else [],
        return_cvbooster=True,
    )
    fitted = cast("lightgbm.CVBooster", results["cvbooster"])
    boosters = dict(zip(labels, fitted.boosters, strict=True))
    n_trees = fitted.best_iteration if patience > 0 else rounds
    out_of_fold: FloatArray = np.zeros(len(values))
    for fold, booster in boosters.items():
        held_out = folds == fold
        predictions = booster.predict(masks[held_out], num_iteration=n_trees)
        out_of_fold[held_out] = cast("FloatArray", predictions)
    booster = lightgbm.train(chosen, data, num_boost_round=n_trees)
    return BoosterFit(columns.n_players, booster, boosters, n_trees, out_of_fold)


def _rename(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters under their first names."""
    first = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}
    renamed: dict[str, Any] = {}
    for key, value in given.items():
        name = first.get(key, key)
        if name in renamed:
            msg = f"proxy_model has the parameter {name!r} twice, under two of its names."
            raise ValueError(msg)
        renamed[name] = value
    return renamed
