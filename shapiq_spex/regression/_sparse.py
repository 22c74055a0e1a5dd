"""A sparse model: sets from the hierarchical search, their number by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._least_squares import fit_ridge, gram, predict, project, solve_normal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ._ablations import Ablations
    from ._pursuit import HierarchicalSearch, Path

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_FOLD_RIDGE = 1e-11  # of the number of masks
_PRUNED = 1e-9  # of the largest coefficient: zero, in an exact fit


@dataclass(frozen=True)
class SparseFit:
    """A fitted sparse model.

    Attributes:
        sets: The empty set first, shape ``(k, width)``, padded.
        coefficients: Shape ``(k,)``.
        out_of_fold: Predictions without each mask's fold, shape ``(m,)``; 0 for masks that are
            never held out.
    """

    sets: IntArray
    coefficients: FloatArray
    out_of_fold: FloatArray


def fit_support(ablations: Ablations, sets: IntArray) -> SparseFit | None:
    """Fit the coefficients of given sets by least squares, if they explain the values exactly.

    Args:
        ablations: The masks and values.
        sets: The empty set first, shape ``(k, width)``, padded.

    Returns:
        The fit without the sets whose coefficient is zero; None where something is left.
    """
    values = ablations.values
    signs = ablations.columns.characters(sets)
    coefficients = solve_normal(gram(signs, signs), project(signs, values))
    kept = np.abs(coefficients) > _PRUNED * np.abs(coefficients).max(initial=0.0)
    kept[0] = True
    sets, signs = sets[kept], signs[kept]
    coefficients = solve_normal(gram(signs, signs), project(signs, values))
    if not ablations.is_explained(values - predict(signs, coefficients)):
        return None
    return SparseFit(sets, coefficients, _out_of_fold(signs, ablations))


def fit_fixed(
    ablations: Ablations, sets: IntArray, fold_sets: Mapping[int, IntArray] | None = None
) -> SparseFit:
    """Fit the coefficients of given sets by ridge regression.

    Args:
        ablations: The masks and values.
        sets: The empty set first, shape ``(k, width)``, padded.
        fold_sets: The same for each fold, found without it; ``sets`` by default.

    Returns:
        The fit on all masks.
    """
    values, folds = ablations.values, ablations.folds
    signs = ablations.columns.characters(sets)
    out_of_fold = np.zeros_like(values)
    for fold in ablations.held_out_folds:
        held_out = folds == fold
        seen = signs if fold_sets is None else ablations.columns.characters(fold_sets[fold])
        out_of_fold[held_out] = predict(seen[:, held_out], _ridge(seen, values, ~held_out))
    everything = np.ones(len(values), dtype=bool)
    return SparseFit(sets, _ridge(signs, values, everything), out_of_fold)


def fit_sparse(
    search: HierarchicalSearch, start: IntArray, fold_starts: Mapping[int, IntArray] | None = None
) -> SparseFit:
    """Search for sets, choose how many by cross-validation, and fit them by ridge regression.

    Each fold is searched anew, so that its held-out masks have no say in what is found there.

    Args:
        search: The search, on all masks and values.
        start: Sets to begin with, the empty set first, shape ``(k, width)``, padded.
        fold_starts: The same for each fold, found without it; ``start`` by default.

    Returns:
        The fit on all masks.
    """
    ablations = search.ablations
    columns, values, folds = ablations.columns, ablations.values, ablations.folds
    begin = fold_starts or dict.fromkeys(ablations.held_out_folds, start)
    paths = [
        search.run(begin[fold], train=folds != fold, max_terms=search.largest_size)
        for fold in ablations.held_out_folds
    ]
    step = _best_step(paths, ablations)
    out_of_fold = np.zeros_like(values)
    for fold, path in zip(ablations.held_out_folds, paths, strict=True):
        sets = path.sets[: path.sizes[min(step, len(path.sizes) - 1)]]
        signs = columns.characters(sets)
        coefficients = _ridge(signs, values, folds != fold)
        held_out = folds == fold
        out_of_fold[held_out] = predict(signs[:, held_out], coefficients)
    size = round(float(np.mean([path.sizes[min(step, len(path.sizes) - 1)] for path in paths])))
    found = search.run(start, max_terms=max(size, len(start)))
    signs = columns.characters(found.sets)
    coefficients = _ridge(signs, values, np.ones(len(values), dtype=bool))
    return SparseFit(found.sets, coefficients, out_of_fold)


def improves(before: FloatArray, after: FloatArray) -> bool:
    """Say whether squared errors fell by more than a standard error of their mean difference.

    Args:
        before: Squared out-of-fold errors of a model, shape ``(m,)``.
        after: Those of a larger one, on the same masks.
    """
    gain = before - after
    return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))


def _best_step(paths: list[Path], ablations: Ablations) -> int:
    """Return the round after which the folds' mean error is least, if that beats the start."""
    length = max(len(path.errors) for path in paths)
    # a search that ended early keeps its last error
    means = [path.errors + path.errors[-1:] * (length - len(path.errors)) for path in paths]
    step = int(np.mean(means, axis=0).argmin())
    folds, typical = ablations.folds, ablations.typical
    first = np.zeros(len(folds))
    best = np.zeros(len(folds))
    for fold, path in zip(ablations.held_out_folds, paths, strict=True):
        first[folds == fold] = path.squared_errors[0]
        best[folds == fold] = path.squared_errors[min(step, len(path.squared_errors) - 1)]
    return step if improves(first[typical], best[typical]) else 0


def _ridge(signs: NDArray[np.float32], values: FloatArray, train: NDArray[np.bool_]) -> FloatArray:
    """Fit by ridge regression on the training masks."""
    weighted = signs * train.astype(np.float32)
    seen = values * train
    return fit_ridge(
        gram(weighted, signs), project(signs, seen), float(seen @ seen), float(train.sum())
    )


def _out_of_fold(signs: NDArray[np.float32], ablations: Ablations) -> FloatArray:
    """Predict each fold by least squares on the others, with the same sets."""
    values, folds = ablations.values, ablations.folds
    products, projection = gram(signs, signs), project(signs, values)
    # masks that a fold alone holds leave coefficients open without it: the smallest ones, then
    products += _FOLD_RIDGE * len(values) * np.eye(len(products))
    predictions = np.zeros_like(values)
    for fold in ablations.held_out_folds:
        held_out = folds == fold
        part = signs[:, held_out]
        coefficients = solve_normal(
            products - gram(part, part), projection - project(part, values[held_out])
        )
        predictions[held_out] = predict(part, coefficients)
    return predictions
