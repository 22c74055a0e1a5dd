"""Least squares and ridge on Walsh characters, with out-of-fold errors in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

_ROW_CHUNK = 1 << 14
_RIDGES = np.geomspace(1e-6, 3.0, 14)
_MAX_EXACT_COUNT = 1 << 24  # integers that single precision holds


def gram(left: NDArray[np.float32], right: NDArray[np.float32]) -> FloatArray:
    """Return the inner products of two families of signs, exactly.

    Args:
        left: Signs 1 and -1 (and 0), shape ``(k, m)``; single precision sums them exactly up to
            ``m = 2**24``.
        right: Signs, shape ``(l, m)``.

    Returns:
        Array of shape ``(k, l)``.
    """
    total = np.zeros((len(left), len(right)))
    for start in range(0, left.shape[1], _MAX_EXACT_COUNT):
        stop = start + _MAX_EXACT_COUNT
        total += left[:, start:stop] @ right[:, start:stop].T
    return total


def project(signs: NDArray[np.float32], values: FloatArray) -> FloatArray:
    """Return ``signs @ values`` in double precision without a double copy of the signs."""
    total = np.zeros(len(signs))
    for start in range(0, signs.shape[1], _ROW_CHUNK):
        stop = start + _ROW_CHUNK
        total += signs[:, start:stop].astype(np.float64) @ values[start:stop]
    return total


def predict(signs: NDArray[np.float32], coefficients: FloatArray) -> FloatArray:
    """Return ``coefficients @ signs`` in double precision without a double copy of the signs."""
    values = np.empty(signs.shape[1])
    for start in range(0, signs.shape[1], _ROW_CHUNK):
        stop = start + _ROW_CHUNK
        values[start:stop] = coefficients @ signs[:, start:stop].astype(np.float64)
    return values


def solve_normal(products: FloatArray, projection: FloatArray) -> FloatArray:
    """Solve normal equations, with as much ridge as an ill-conditioned matrix needs."""
    scale = float(np.trace(products)) / len(products)
    for ridge in (0.0, 1e-10, 1e-7, 1e-4, 1e-2):
        try:
            factor = cho_factor(products + ridge * scale * np.eye(len(products)))
        except np.linalg.LinAlgError:
            continue
        solution: FloatArray = cho_solve(factor, projection)
        if np.isfinite(solution).all() and _is_solved(products, solution, projection):
            return solution
    return np.linalg.lstsq(products, projection, rcond=None)[0]


def _is_solved(products: FloatArray, solution: FloatArray, projection: FloatArray) -> bool:
    """Say whether a solution solves the equations at all well."""
    error = np.linalg.norm(products @ solution - projection)
    return bool(error <= 1e-2 * np.linalg.norm(projection) + 1e-300)


def fit_ridge(products: FloatArray, projection: FloatArray, energy: float, n: float) -> FloatArray:
    """Fit by ridge regression, its strength chosen by generalised cross-validation.

    The first coefficient, that of the constant, is not penalised (Golub, Heath and Wahba 1979).

    Args:
        products: Inner products of the signs, shape ``(k, k)``; row 0 is that of the empty set.
        projection: Their inner products with the values, shape ``(k,)``.
        energy: The sum of the squared values.
        n: The number of masks.

    Returns:
        The coefficients, shape ``(k,)``.
    """
    # without the constant: centre everything else
    mean = projection[0] / n
    shares = products[0, 1:] / n
    centred = products[1:, 1:] - n * np.outer(shares, shares)
    target = projection[1:] - n * shares * mean
    if len(target) == 0:
        return np.array([mean])
    eigenvalues, vectors = eigh(centred, driver="evd")
    eigenvalues = np.maximum(eigenvalues, 0)[:, None]
    rotated = (vectors.T @ target)[:, None]
    ridges = n * _RIDGES
    solutions = rotated / (eigenvalues + ridges)
    total = energy - n * mean**2
    residual = total - 2 * (rotated * solutions).sum(axis=0)
    residual += (eigenvalues * solutions**2).sum(axis=0)
    degrees = 1 + (eigenvalues / (eigenvalues + ridges)).sum(axis=0)
    score = np.maximum(residual, 0) / np.maximum(1 - degrees / n, 1e-3) ** 2
    slopes = vectors @ solutions[:, int(score.argmin())]
    return np.concatenate([[mean - shares @ slopes], slopes])
