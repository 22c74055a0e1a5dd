"""Kernel ridge regression with a product kernel, whose Fourier spectrum is known in closed form.

A game on real data has, beside a few large coefficients, thousands of small ones. The kernel
``k(x, x') = prod_i exp(c_i (z_i z_i' - 1))`` with signs ``z = 1 - 2 x`` is a prior for these: the
coefficient of a set ``T`` has a variance proportional to ``prod_{i in T} tanh(c_i)``, so that
players who matter take part in larger interactions. The ``c_i`` follow each player's influence in
the fit itself; scale and ridge come from leave-one-out errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_solve, eigh, solve
from scipy.linalg.lapack import dpotrf, dpotri

from shapiq_spex.spectrum._walsh import walsh_hadamard

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._columns import MaskColumns

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

MAX_MASKS = 4000  # a solve takes the cube of this: about a second
_MAX_TUNING = 400
_TUNING_ROUNDS = 3
_TOTAL_SCALES = np.geomspace(0.35, 22.4, 7)
_RIDGES = np.geomspace(1e-6, 10.0, 15)
_MIN_WEIGHT = 0.02
_MAX_TABLE = 16  # players for which all sets are listed
_MAX_LISTED = 20_000
_CHUNK = 1 << 26


@dataclass(frozen=True)
class KernelFit:
    """A fitted kernel ridge regression.

    Attributes:
        constant: The coefficient of the empty set.
        scales: ``c``, shape ``(n,)``.
        dual: The weights of the masks, shape ``(m,)``.
        out_of_fold: Predictions by the fits without each mask's fold, shape ``(m,)``.
        total_energy: Sum of all squared coefficients but that of the constant.
    """

    constant: float
    scales: FloatArray
    dual: FloatArray
    out_of_fold: FloatArray
    total_energy: float


def fit_kernel(signs: FloatArray, values: FloatArray, folds: IntArray) -> KernelFit:
    """Choose the kernel and fit it.

    Args:
        signs: ``1 - 2 * masks``, shape ``(m, n)``.
        values: Shape ``(m,)``.
        folds: The fold of each mask, shape ``(m,)``.

    Returns:
        The fit on all masks, with out-of-fold predictions.
    """
    mean = float(values.mean())
    centred = values - mean
    tuning = slice(0, _MAX_TUNING)
    scales, ridge = _tune(signs[tuning], centred[tuning])
    kernel = _kernel(signs, scales)
    best: tuple[float, FloatArray, FloatArray] | None = None
    for factor in (0.3, 1.0, 3.0) if len(values) > _MAX_TUNING else (1.0,):
        dual, residual = _solve(kernel, ridge * factor, centred, folds)
        error = float((residual**2).mean())
        if best is None or error < best[0]:
            best = (error, dual, residual)
    assert best is not None  # noqa: S101 the loop above is never empty
    _, dual, residual = best
    return KernelFit(
        constant=mean + _norm(scales) * float(dual.sum()),
        scales=scales,
        dual=dual,
        out_of_fold=values - residual,
        total_energy=_total_energy(signs, scales, dual),
    )


def list_terms(fit: KernelFit, columns: MaskColumns) -> tuple[IntArray, FloatArray]:
    """Return sets and their coefficients: all of them for few players, else the likeliest.

    Args:
        fit: The fit.
        columns: The masks, the first of which it was fitted on.

    Returns:
        Sets, shape ``(k, width)``, padded, without the empty one, and coefficients, shape ``(k,)``.
    """
    rates = np.tanh(fit.scales)
    norm = _norm(fit.scales)
    sets, products = _likeliest_sets(rates)
    if len(rates) <= _MAX_TABLE:
        weights = 1 << np.arange(len(rates))
        masks = columns.signs(np.arange(len(rates))).T[: len(fit.dual)] < 0
        table = np.bincount(masks @ weights, weights=fit.dual, minlength=1 << len(rates))
        codes = np.append(weights, 0)[sets].sum(axis=1)
        sums = walsh_hadamard(table)[codes]
    else:
        sums = np.empty(len(sets))
        step = max(1, _CHUNK // columns.n_masks)
        for start in range(0, len(sets), step):
            signs = columns.characters(sets[start : start + step])
            sums[start : start + step] = signs[:, : len(fit.dual)] @ fit.dual
    return sets, norm * products * sums


def _kernel(signs: FloatArray, scales: FloatArray) -> FloatArray:
    """Return the kernel matrix of masks with themselves."""
    kernel: FloatArray = np.exp((signs * scales) @ signs.T - scales.sum())
    return kernel


def _tune(signs: FloatArray, centred: FloatArray) -> tuple[FloatArray, float]:
    """Return scales and ridge of the least leave-one-out error."""
    n = signs.shape[1]
    weights = np.ones(n)
    grid = _TOTAL_SCALES
    scales, ridge = weights, 1.0
    for round_ in range(_TUNING_ROUNDS):
        trials = [
            (*_leave_one_out(_kernel(signs, total * weights / weights.sum()), centred), total)
            for total in grid
        ]
        _, ridge, dual, total = min(trials, key=lambda trial: trial[0])
        scales = total * weights / weights.sum()
        if round_ < _TUNING_ROUNDS - 1:
            weights = _influence_weights(signs, scales, dual)
            position = int(np.argmin(np.abs(np.log(_TOTAL_SCALES / total))))
            grid = _TOTAL_SCALES[max(0, position - 1) : position + 2]
    return scales, ridge


def _leave_one_out(kernel: FloatArray, centred: FloatArray) -> tuple[float, float, FloatArray]:
    """Return the least leave-one-out error over the ridges, the ridge and the dual weights."""
    eigenvalues, vectors = eigh(kernel, driver="evd")
    rotated = vectors.T @ centred
    shrinkage = 1 / (np.maximum(eigenvalues, 0)[:, None] + _RIDGES)
    duals = vectors @ (rotated[:, None] * shrinkage)
    errors = ((duals / (vectors**2 @ shrinkage)) ** 2).mean(axis=0)
    best = int(errors.argmin())
    return float(errors[best]), float(_RIDGES[best]), duals[:, best]


def _influence_weights(signs: FloatArray, scales: FloatArray, dual: FloatArray) -> FloatArray:
    """Return the root of each player's influence (the energy of its sets) in a fit, mean 1."""
    kernel = _kernel(signs, scales)
    # flipping one player's sign multiplies the kernel by exp(-2 c z z'), a matrix of rank two
    even = (kernel @ dual)[:, None]
    odd = signs * (kernel @ (signs * dual[:, None]))
    flipped = np.cosh(2 * scales) * even - np.sinh(2 * scales) * odd
    influence = (((even - flipped) / 2) ** 2).mean(axis=0)
    if not influence.any():
        return np.ones_like(scales)
    return np.maximum(np.sqrt(influence / influence.mean()), _MIN_WEIGHT)


def _solve(
    kernel: FloatArray, ridge: float, centred: FloatArray, folds: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return the dual weights, and the errors of the fits without each fold.

    The latter follow from the inverse's blocks: ``e_f = (K^-1)_ff^-1 a_f``.
    """
    factor, failed = dpotrf(kernel + ridge * np.eye(len(kernel)), lower=True, overwrite_a=True)
    if failed:
        msg = "The kernel matrix is not positive definite."
        raise np.linalg.LinAlgError(msg)
    dual: FloatArray = cho_solve((factor, True), centred)
    inverse, _ = dpotri(factor, lower=True, overwrite_c=True)  # the lower triangle alone
    residual = np.empty(len(dual))
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        block = inverse[np.ix_(rows, rows)]
        residual[rows] = solve(block, dual[rows], lower=True, assume_a="pos")
    return dual, residual


def _norm(scales: FloatArray) -> float:
    """Return the mean of the kernel over all masks, ``prod_i exp(-c_i) cosh(c_i)``."""
    return float(np.exp(np.log1p(np.exp(-2 * scales)).sum() - len(scales) * np.log(2)))


def _total_energy(signs: FloatArray, scales: FloatArray, dual: FloatArray) -> float:
    """Return the sum of the squared coefficients but the constant's, over all 2^n sets."""
    squared = np.tanh(scales) ** 2
    norm = _norm(scales)
    # prod_i (1 + t_i^2 z z') by its two values: agreeing players and the others
    agreeing = np.log1p(squared)
    opposite = np.log1p(-squared)
    exponents = (signs * ((agreeing - opposite) / 2)) @ signs.T + ((agreeing + opposite) / 2).sum()
    energy = dual @ np.exp(exponents) @ dual - dual.sum() ** 2
    return max(0.0, norm**2 * float(energy))


def _likeliest_sets(rates: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the sets with the largest products of rates, and these, level by level."""
    n = len(rates)
    limit = (1 << n) - 1 if n <= _MAX_TABLE else _MAX_LISTED
    order = np.argsort(-rates, kind="stable")
    sorted_rates = rates[order]
    level = np.arange(n)[:, None]
    products = sorted_rates
    floor = 0.0
    levels = [(level, products)]
    while level.shape[1] < n and len(level):
        extended = products[:, None] * sorted_rates
        last = level[:, -1]
        row, column = np.nonzero((np.arange(n) > last[:, None]) & (extended > floor))
        products = extended[row, column]
        level = np.concatenate([level[row], column[:, None]], axis=1)
        levels.append((level, products))
        every = np.concatenate([p for _, p in levels])
        if len(every) > limit:
            floor = float(np.partition(every, -limit)[-limit])
            keep = products > floor
            level, products = level[keep], products[keep]
    width = max(sets.shape[1] for sets, _ in levels)
    padded = np.concatenate(
        [
            np.pad(sets, ((0, 0), (0, width - sets.shape[1])), constant_values=n)
            for sets, _ in levels
        ]
    )
    every = np.concatenate([p for _, p in levels])
    chosen = np.argsort(-every, kind="stable")[:limit]
    sets = np.append(order, n)[padded[chosen]]
    sets.sort(axis=1)
    return sets, every[chosen]
