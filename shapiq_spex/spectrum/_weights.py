r"""How much of a Fourier coefficient goes into an interaction: the exact weights of each index.

Every index here is linear, treats players alike and gives a dummy player nothing, so that::

    I(T) = sum over S containing T of w(|S|, |T|) F(S)

with weights that depend on sizes alone. With the index's Moebius weights ``lambda``, as in shapiq's
``MoebiusConverter``, they are::

    w(s, t) = sum_{m=t}^{s} C(s-t, m-t) (-2)^m lambda(m, t)

(Butler et al. 2025, appendix A.1, composed with Tsai et al. 2023 for the faithful indices). The sum
alternates, and in floats nothing of it is left from degree 40 or so. The closed forms below come
from writing ``lambda(m, t)`` as a moment ``integral of x^(m-t) p(x)`` over [0, 1], which turns the
sum into ``(-2)^t integral of (1-2x)^(s-t) p(x)``: short, and evaluated in rationals.

On degrees up to their order, k-SII, STII, FSII and FBII all are the Moebius transform.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache, lru_cache
from math import comb, factorial, perm
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

SpectrumIndex = Literal["SV", "BV", "SII", "BII", "k-SII", "STII", "FSII", "FBII", "Moebius"]
"""The indices a Fourier spectrum can be turned into."""

VALID_INDICES: tuple[SpectrumIndex, ...] = get_args(SpectrumIndex)
"""The indices a Fourier spectrum can be turned into, as a tuple."""


@lru_cache(maxsize=256)
def weight_table(
    index: SpectrumIndex, order: int, degrees: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Tabulate the weights of the degrees that occur.

    Args:
        index: The index.
        order: The order of the index.
        degrees: The degrees of the coefficients.

    Returns:
        A read-only array of shape ``(len(degrees), 1 + min(order, max(degrees)))``: row by degree,
        column by size of the interaction. Zero where the interaction is larger than the degree.

    """
    width = 1 + min(order, max(degrees, default=0))
    table = np.zeros((len(degrees), width))
    for row, degree in enumerate(degrees):
        for size in range(min(width, degree + 1)):
            table[row, size] = float(weight(index, order, degree, size))
    table.flags.writeable = False
    return table


def weight(index: SpectrumIndex, order: int, degree: int, size: int) -> Fraction:
    """Give the share of a coefficient in each interaction inside its set.

    Args:
        index: The index.
        order: The order of the index.
        degree: The number of players in the coefficient's set.
        size: The number of players in the interaction, at most ``degree`` and at most ``order``.

    Returns:
        The exact weight. For size 0 it is the weight in what ``shapiq.ExactComputer`` keeps as the
        value of the empty interaction, which is the value of the empty coalition except for SII,
        BII, BV and FBII.

    """
    return _FORMULAS[index](order, degree, size)


def _moebius(_order: int, _degree: int, size: int) -> Fraction:
    return Fraction((-2) ** size)


def _sii(_order: int, degree: int, size: int) -> Fraction:
    rest = degree - size
    return Fraction(0) if rest % 2 else Fraction((-2) ** size, rest + 1)


def _bii(_order: int, degree: int, size: int) -> Fraction:
    return Fraction((-2) ** size if degree == size else 0)


def _sv(order: int, degree: int, size: int) -> Fraction:
    return _sii(order, degree, size) if size else Fraction(1)


def _fbii(order: int, degree: int, size: int) -> Fraction:
    return Fraction((-2) ** size if degree <= order else 0)


def _k_sii(order: int, degree: int, size: int) -> Fraction:
    """Aggregate SII with the Bernoulli numbers (Bordt and von Luxburg 2023)."""
    if size == 0 or degree <= order:
        return _moebius(order, degree, size)
    return sum(
        (
            comb(degree - size, larger - size) * bernoulli(larger - size) * _sii(0, degree, larger)
            for larger in range(size, order + 1)
        ),
        start=Fraction(0),
    )


def _stii(order: int, degree: int, size: int) -> Fraction:
    """Spread what is above the order over the top order (Sundararajan et al. 2020).

    There ``lambda(m, l) = 1/C(m, l)`` is the moment of ``p(x) = l (1-x)^(l-1)``.
    """
    if size < order or degree <= order:
        return _moebius(order, degree, size)
    terms = (
        Fraction(2 * comb(order - 1, i), degree - order + i + 1)
        for i in range(order)
        if (degree - order + i) % 2 == 0
    )
    sign = -1 if order % 2 else 1
    return sign * order * sum(terms, start=Fraction(0))


def _fsii(order: int, degree: int, size: int) -> Fraction:
    """Solve the Shapley-weighted regression of the given order (Tsai et al. 2023).

    Their ``lambda(m, t)`` is a rational function of ``m`` with the single poles ``-j`` for ``j`` in
    0 .. order-1. Partial fractions make it ``sum_j a_j / (m+j)``, the moment of
    ``p(x) = sum_j a_j x^(t+j-1)``.
    """
    if size == 0 or degree <= order:
        return _moebius(order, degree, size)
    scale = Fraction(size * comb(order, size) * perm(order + size, size), order + size)
    residues = (
        Fraction(
            (-1) ** j * factorial(order + j),
            factorial(size + j) * factorial(j) * factorial(order - 1 - j),
        )
        * _moment(size + j - 1, degree - size)
        for j in range(order)
    )
    return Fraction((-2) ** size) * scale * sum(residues, start=Fraction(0))


def _moment(a: int, b: int) -> Fraction:
    """Integrate ``x^a (1-2x)^b`` over [0, 1], by the substitution ``u = 1-2x``."""
    terms = (Fraction((-1) ** i * comb(a, i), b + i + 1) for i in range(a + 1) if (b + i) % 2 == 0)
    return sum(terms, start=Fraction(0)) / (1 << a)


@cache
def bernoulli(number: int) -> Fraction:
    """Give the Bernoulli number, with ``B_1 = -1/2``."""
    if number == 0:
        return Fraction(1)
    lower = (comb(number + 1, k) * bernoulli(k) for k in range(number))
    return -sum(lower, start=Fraction(0)) / (number + 1)


_FORMULAS: dict[SpectrumIndex, Callable[[int, int, int], Fraction]] = {
    "SV": _sv,
    "BV": _bii,
    "SII": _sii,
    "BII": _bii,
    "k-SII": _k_sii,
    "STII": _stii,
    "FSII": _fsii,
    "FBII": _fbii,
    "Moebius": _moebius,
}
