"""Kernel ridge regression with a product kernel, whose Fourier spectrum is known in closed form.

A game on real data has, beside a few large coefficients, thousands of small ones. The kernel
``k(x, x') = prod_i exp(c_i (z_i z_i' - 1))`` with signs ``z = 1 - 2 x`` is a prior for these: the
coefficient of a set ``T`` has a variance proportional to ``prod_{i in T} tanh(c_i)``, so that
players who matter take part in larger interactions. The ``c_i`` follow each player's influence in
the fit itself; their scale and the ridge come from out-of-fold errors. Influences are found for
each fold anew, as with more players than masks they would otherwise give away the held-out values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from shapiq_spex.spectrum._walsh import walsh_hadamard

from ._ablations import ALWAYS_SEEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from ._columns import MaskColumns

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    SignArray = NDArray[np.float32]

MAX_MASKS = 4000  # each of some ten solves takes the cube of this: a second or two
_MAX_TUNING = 400
_MAX_REFINING = 1000
_REFINING_FOLDS = 2
_TUNING_ROUNDS = 3
_START = (2.8, 0.1)  # sum of the scales, and ridge
_STEPS = (2.0, 10**0.5)
_MAX_STEPS = (4, 6)
_MIN_STEP_GAIN = 1e-3  # of the error: without noise the search would go on to ever smaller ridges
_MIN_RIDGE = 1e-9
_MIN_WEIGHT = 0.02
_MAX_SCALE = 8.0  # tanh(8) is 1 but for 2e-7; beyond, squares and differences lose all digits
_SINGLE_RIDGE = 1e-3  # from which on single precision, twice as fast, judges as well
_MIN_GAIN = 0.002  # of the error, for another round of influences
_MAX_TABLE = 16  # players for which all sets are listed
_MAX_LISTED = 20_000
EVERY_FOLD = -1  # stands for a fit on all masks where there is one for each fold


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


def fit_kernel(
    signs: SignArray,
    values: FloatArray,
    folds: IntArray,
    influences: Mapping[int, FloatArray] | None = None,
) -> KernelFit:
    """Choose the kernel and fit it.

    Args:
        signs: ``1 - 2 * masks``, in single precision, shape ``(m, n)``.
        values: Shape ``(m,)``.
        folds: The fold of each mask, shape ``(m,)``.
        influences: What another model says of the players' influences: for each fold by a fit
            without it, and under ``EVERY_FOLD`` by a fit on all masks, each of shape ``(n,)``. By
            default all players are alike at first.

    Returns:
        The fit on all masks, with out-of-fold predictions.
    """
    mean = float(values.mean())
    centred = values - mean
    chosen = spread(len(values), _MAX_TUNING)
    tuned = _tune(signs[chosen], centred[chosen], folds[chosen], influences)
    point = (1.0, tuned.ridge)
    if len(values) > len(chosen):  # more masks than were tuned on may call for finer scales
        more = spread(len(values), _MAX_REFINING)
        some = dict(list(tuned.fold_scales.items())[:_REFINING_FOLDS])
        point, _ = _descend(_FoldErrors(signs[more], centred[more], folds[more], some), point)
    scale, ridge = point
    left = _FoldErrors(signs, centred, folds, tuned.fold_scales).residual(scale, ridge)
    scales = _scale(scale, tuned.scales)
    dual = _solve(_kernel(signs, signs, scales), ridge, centred)
    return KernelFit(
        constant=mean + _norm(scales) * float(dual.sum()),
        scales=scales,
        dual=dual,
        out_of_fold=mean + centred - left,
        total_energy=_total_energy(signs, scales, dual),
    )


def list_terms(fit: KernelFit, columns: MaskColumns) -> tuple[IntArray, FloatArray]:
    """Return sets and their coefficients: all of them for few players, else the likeliest.

    Args:
        fit: The fit.
        columns: The masks that it was fitted on.

    Returns:
        Sets, shape ``(k, width)``, padded, without the empty one, and coefficients, shape ``(k,)``.
    """
    rates = np.tanh(fit.scales)
    norm = _norm(fit.scales)
    sets, products = _likeliest_sets(rates)
    if len(rates) <= _MAX_TABLE:
        weights = 1 << np.arange(len(rates))
        masks = columns.signs(np.arange(len(rates))).T < 0
        table = np.bincount(masks @ weights, weights=fit.dual, minlength=1 << len(rates))
        codes = np.append(weights, 0)[sets].sum(axis=1)
        sums = walsh_hadamard(table)[codes]
    else:
        sums = columns.correlate(sets, fit.dual)
    return sets, norm * products * sums


def _kernel[F: np.floating](left: SignArray, right: SignArray, scales: NDArray[F]) -> NDArray[F]:
    """Return the kernel matrix of masks, given by their signs, in the precision of the scales."""
    roots = np.sqrt(scales)
    scaled = left * roots
    # a matrix times its own transpose costs NumPy half the work
    kernel = scaled @ (scaled if right is left else right * roots).T
    kernel -= scales.sum()
    return np.exp(kernel, out=kernel).astype(scales.dtype, copy=False)


def _scale(factor: float, weights: FloatArray) -> FloatArray:
    """Return scales in proportion to weights, none of them so large that digits are lost."""
    return np.asarray(np.minimum(factor * weights, _MAX_SCALE))


def _solve[F: np.floating](kernel: NDArray[F], ridge: float, centred: FloatArray) -> NDArray[F]:
    """Return the dual weights, in the precision of the kernel, which is overwritten."""
    kernel.flat[:: len(kernel) + 1] += max(ridge, _MIN_RIDGE)
    # transposed, the symmetric matrix is in LAPACK's own order and need not be copied
    factor = cho_factor(kernel.T, overwrite_a=True, check_finite=False)
    dual = cho_solve(factor, centred.astype(kernel.dtype), check_finite=False)
    return dual.astype(kernel.dtype, copy=False)


@dataclass(frozen=True)
class _Tuned:
    """The chosen kernel: scales for all masks and for those without each fold, and the ridge."""

    scales: FloatArray
    fold_scales: dict[int, FloatArray]
    ridge: float


def _tune(
    signs: SignArray,
    centred: FloatArray,
    folds: IntArray,
    influences: Mapping[int, FloatArray] | None,
) -> _Tuned:
    """Return the scales and ridge of the least out-of-fold error."""
    n = signs.shape[1]
    labels = np.unique(folds[folds != ALWAYS_SEEN]).tolist()
    trains = {fold: folds != fold for fold in labels} | {
        EVERY_FOLD: np.ones(len(folds), dtype=bool)
    }
    given = influences or {fold: np.ones(n) for fold in trains}
    weights = {fold: _weights(given[fold]) for fold in trains}
    point = _START
    best: tuple[float, _Tuned] | None = None
    for _ in range(_TUNING_ROUNDS):
        of_folds = {fold: weights[fold] for fold in labels}
        (total, ridge), error = _descend(_FoldErrors(signs, centred, folds, of_folds), point)
        if best is not None and error > (1 - _MIN_GAIN) * best[0]:
            break
        point = (total, ridge)
        scales = {fold: _scale(total, weight) for fold, weight in weights.items()}
        best = (error, _Tuned(scales.pop(EVERY_FOLD), scales, ridge))
        for fold, train in trains.items():
            part = signs[train]
            fitted = _scale(total, weights[fold])
            kernel = _kernel(part, part, fitted)
            dual = _solve(kernel.copy(), ridge, centred[train])
            weights[fold] = _weights(_influences(part, kernel, fitted, dual))
    assert best is not None  # noqa: S101 the first round always sets it
    return best[1]


def spread(n_masks: int, count: int) -> IntArray:
    """Return at most ``count`` masks, evenly spread over the order they were drawn in."""
    return np.unique(np.linspace(0, n_masks - 1, count).astype(np.int64))


@dataclass(frozen=True)
class _FoldErrors:
    """The out-of-fold error as a function of a factor for the scales, and the ridge.

    Attributes:
        signs: In single precision, shape ``(m, n)``.
        centred: The values, shape ``(m,)``.
        folds: Shape ``(m,)``.
        scales: The players' scales for each of the folds to judge by, but for the factor.
    """

    signs: SignArray
    centred: FloatArray
    folds: IntArray
    scales: Mapping[int, FloatArray]

    def __call__(self, factor: float, ridge: float) -> float:
        """Return the sum of the squared errors."""
        left = self.residual(factor, ridge, np.float32 if ridge >= _SINGLE_RIDGE else np.float64)
        return float(left @ left)

    def residual(
        self, factor: float, ridge: float, precision: type[np.floating] = np.float64
    ) -> FloatArray:
        """Return the values less their out-of-fold predictions, 0 in folds without scales."""
        left = np.zeros(len(self.folds))
        for fold, fold_scales in self.scales.items():
            train, held_out = self.folds != fold, self.folds == fold
            scales = _scale(factor, fold_scales).astype(precision)
            seen, unseen = self.signs[train], self.signs[held_out]
            dual = _solve(_kernel(seen, seen, scales), ridge, self.centred[train])
            left[held_out] = self.centred[held_out] - _kernel(unseen, seen, scales) @ dual
        return left


def _descend(
    error: Callable[[float, float], float], start: tuple[float, float]
) -> tuple[tuple[float, float], float]:
    """Return a point none of whose neighbours on a logarithmic grid is better, and its error.

    Some ten evaluations where the whole grid would take fifty: the error has one broad valley.
    """
    best, least = start, error(*start)
    tried = {(0, 0)}
    position = (0, 0)
    moved = True
    while moved:
        moved = False
        for i, j in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            place = (position[0] + i, position[1] + j)
            point = (start[0] * _STEPS[0] ** place[0], start[1] * _STEPS[1] ** place[1])
            if place in tried or abs(place[0]) > _MAX_STEPS[0] or abs(place[1]) > _MAX_STEPS[1]:
                continue
            tried.add(place)
            found = error(*point)
            if found < (1 - _MIN_STEP_GAIN) * least:
                best, least, position, moved = point, found, place, True
    return best, least


def _influences(
    signs: SignArray, kernel: FloatArray, scales: FloatArray, dual: FloatArray
) -> FloatArray:
    """Return each player's influence in a fit, that is the energy of its sets."""
    # flipping one player's sign multiplies the kernel by exp(-2 c z z'), a matrix of rank two
    even = (kernel @ dual)[:, None]
    odd = signs * (kernel @ (signs * dual[:, None]))
    flipped = np.cosh(2 * scales) * even - np.sinh(2 * scales) * odd
    return np.asarray((((even - flipped) / 2) ** 2).mean(axis=0))


def _weights(influences: FloatArray) -> FloatArray:
    """Return weights of sum 1, in proportion to the root of each influence."""
    if not influences.any():
        return np.full(len(influences), 1 / len(influences))
    weights = np.maximum(np.sqrt(influences / influences.mean()), _MIN_WEIGHT)
    return np.asarray(weights / weights.sum())


def _norm(scales: FloatArray) -> float:
    """Return the mean of the kernel over all masks, ``prod_i exp(-c_i) cosh(c_i)``."""
    return float(np.exp(np.log1p(np.exp(-2 * scales)).sum() - len(scales) * np.log(2)))


def _total_energy(signs: SignArray, scales: FloatArray, dual: FloatArray) -> float:
    """Return the sum of the squared coefficients but the constant's, over all 2^n sets."""
    squared = np.tanh(scales) ** 2
    norm = _norm(scales)
    # prod_i (1 + t_i^2 z z') by its two values: agreeing players and the others
    agreeing = np.log1p(squared)
    opposite = np.log1p(-squared)
    exponents = (signs * ((agreeing - opposite) / 2)) @ signs.T + ((agreeing + opposite) / 2).sum()
    # less the constant's, dual.sum() ** 2
    energy = dual @ np.expm1(exponents, out=exponents) @ dual
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
