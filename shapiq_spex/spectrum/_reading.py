r"""How interaction values read as a prediction of the game: a spectrum again.

Each index says how the value of a mask follows from its interactions, as a polynomial in the masks:
``f(S) = sum_T I(T) p_T(S)``. Every one of these has the Fourier coefficients::

    F(U) = sum over T containing U of (-1/2)^|U| g(|T| - |U|) I(T)

with a number ``g(d)`` of the index for the players of T that are not in U:

======================================  ====================  =====================================
index                                   ``p_T``               ``g(d)``
======================================  ====================  =====================================
SV, k-SII, STII, FSII, FBII, Moebius    all of T present      ``(1/2)^d``
BV, BII                                 ``prod (x_i - 1/2)``  1 for ``d = 0``, else 0
SII, kADD-SHAP                          Bernoulli             ``B_d(1/2)``, a Bernoulli polynomial
Co-Moebius                              ``prod (x_i - 1)``    ``(-1/2)^d``
======================================  ====================  =====================================

The first row is what these indices are defined by: Lundberg and Lee 2017 (SV), Bordt and von
Luxburg 2023 (k-SII), Sundararajan et al. 2020 (STII), Tsai et al. 2023 (FSII, FBII), Rota 1964
(Moebius). BV and BII are the best polynomials under uniform masks (Hammer and Holzman 1992;
Grabisch, Marichal and Roubens 2000). SII of all orders determine the game by Bernoulli numbers
(Grabisch 1997), which is also how k-SII follows from them and how k-additive SHAP is fitted
(Pelegrina et al. 2023). Co-Moebius is the expansion around all players (Grabisch 2016, 2.11).

What only compares groups of players, as generalized values do, says nothing of a mask's value.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.spectrum._sets import orders, pad_sets, resize
from shapiq_spex.spectrum._weights import bernoulli
from shapiq_spex.spectrum.conversion import collect

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from shapiq import InteractionValues

    IntArray = npt.NDArray[np.int64]
    FloatArray = npt.NDArray[np.float64]

_HALF = Fraction(1, 2)
_MAX_TERMS = 2**26  # a few GiB: nobody means that many


def _bernoulli_polynomial(degree: int) -> Fraction:
    """Give the Bernoulli polynomial at 1/2."""
    return sum(
        (comb(degree, k) * bernoulli(degree - k) * _HALF**k for k in range(degree + 1)),
        start=Fraction(0),
    )


def _present(rest: int) -> Fraction:
    return _HALF**rest


def _centred(rest: int) -> Fraction:
    return Fraction(rest == 0)


def _absent(rest: int) -> Fraction:
    return (-_HALF) ** rest


_READINGS: dict[str, Callable[[int], Fraction]] = {
    **dict.fromkeys(("SV", "k-SII", "STII", "FSII", "FBII", "Moebius"), _present),
    **dict.fromkeys(("BV", "BII"), _centred),
    **dict.fromkeys(("SII", "kADD-SHAP"), _bernoulli_polynomial),
    "Co-Moebius": _absent,
}

PREDICTING_INDICES: tuple[str, ...] = (*_READINGS, "Fourier")
"""The indices that say what they predict for a mask."""

LEVEL_FREE = ("BV", "BII")
"""Indices whose empty interaction depends on who computed them.

It is the mean of the game by ``shapiq.ExactComputer`` and here, the value at the empty mask by
regressions of shapiq. So they say how values differ and not what their level is."""

_FROM_EMPTY_INTERACTION = ("FBII", "BV", "BII", "Fourier")  # others say the value of the empty mask


def read(explanation: InteractionValues) -> tuple[IntArray, FloatArray]:
    """Return the Fourier sets and coefficients of what interaction values predict.

    Args:
        explanation: The interaction values, with all orders from 1 on.

    Returns:
        Padded sets of shape ``(k, width)``, the empty one first, and coefficients ``(k,)``.

    Raises:
        ValueError: If the index predicts nothing, lower orders are left out, or there are more than
            2^26 subsets.
    """
    _check(explanation)
    n, index = explanation.n_players, str(explanation.index)
    found = {players: value for players, value in explanation.interactions.items() if players}
    sets = pad_sets(found, n)
    values = np.fromiter(found.values(), dtype=np.float64, count=len(found))
    constant = 0.0
    if index != "Fourier":
        sets, values, constant = _expand(sets, values, n, _READINGS[index])
    constant += _level(explanation, constant + float(values.sum()))
    empty = np.full((1, sets.shape[1]), n, dtype=np.int64)
    return np.concatenate([empty, sets]), np.concatenate([[constant], values])


def _check(explanation: InteractionValues) -> None:
    """Refuse what says nothing of a mask's value."""
    index = str(explanation.index)
    if index not in PREDICTING_INDICES:
        msg = (
            f"The index {index} does not say what it predicts for a mask; these do: "
            f"{', '.join(PREDICTING_INDICES)}."
        )
        raise ValueError(msg)
    if explanation.min_order > 1:
        msg = (
            f"Interactions of order {explanation.min_order} and more alone predict nothing: "
            "explain with all orders from 1 on (min_order 0 or 1, top_order=False)."
        )
        raise ValueError(msg)


def _level(explanation: InteractionValues, at_empty: float) -> float:
    """Return what to add, so that the prediction has the level that the index says.

    Args:
        explanation: The interaction values.
        at_empty: What all others predict for the empty mask, where every character is 1.
    """
    baseline = float(explanation.baseline_value)
    if explanation.index not in _FROM_EMPTY_INTERACTION:
        return baseline - at_empty
    return float(explanation.interactions.get((), baseline))


def _expand(
    sets: IntArray, values: FloatArray, n: int, reading: Callable[[int], Fraction]
) -> tuple[IntArray, FloatArray, float]:
    """Add up what every interaction gives to each of its subsets, and to the constant."""
    sizes = orders(sets, n)
    degrees = np.unique(sizes).tolist()
    _check_size(sum(int((sizes == degree).sum()) << degree for degree in degrees))
    blocks = [(sets[sizes == degree, :degree], values[sizes == degree]) for degree in degrees]
    width = max(degrees, default=0)
    weights = np.array(
        [
            [float((-_HALF) ** size * reading(max(degree - size, 0))) for size in range(width + 1)]
            for degree in degrees
        ]
    ).reshape(len(degrees), width + 1)
    parts = [collect(blocks, weights[:, size], size) for size in range(1, width + 1)]
    constant = sum(
        float(part.sum()) * row[0] for (_, part), row in zip(blocks, weights, strict=True)
    )
    if not parts:
        return sets, values, constant
    padded = [resize(found, width, n) for found, _ in parts]
    return np.concatenate(padded), np.concatenate([found for _, found in parts]), constant


def _check_size(total: int) -> None:
    if total > _MAX_TERMS:
        msg = f"These interactions have {total:,} subsets, more than {_MAX_TERMS:,}: read fewer."
        raise ValueError(msg)
