"""Tests of the weight tables against the general formula, in rationals."""

from __future__ import annotations

import time
from fractions import Fraction
from math import comb, isfinite

import numpy as np
import pytest
from scipy.special import bernoulli
from shapiq.game_theory import moebius_converter

from shapiq_spex.spectrum._weights import VALID_INDICES, SpectrumIndex, weight, weight_table

LARGEST = 10


def moebius_weight(index: str, order: int, m: int, t: int) -> Fraction:  # noqa: PLR0911, a table
    """Share of a Moebius coefficient of size m in an interaction of size t (t >= 1)."""
    if index == "Moebius":
        return Fraction(m == t)
    if index in ("BII", "BV"):
        return Fraction(1, 2 ** (m - t))
    if index in ("SII", "SV"):
        return Fraction(1, m - t + 1)
    if index == "k-SII":
        numbers = [Fraction(float(b)).limit_denominator(10**6) for b in bernoulli(LARGEST)]
        return sum(
            comb(m - t, j - t) * numbers[j - t] * Fraction(1, m - j + 1)
            for j in range(t, min(order, m) + 1)
        )
    if m <= order:
        return Fraction(m == t)
    if index == "STII":
        return Fraction(int(t == order), comb(m, t))
    if index == "FBII":
        return Fraction((-1) ** (order - t) * comb(m - t - 1, order - t), 2 ** (m - t))
    return Fraction(
        (-1) ** (order - t) * t * comb(order, t) * comb(m - 1, order),
        (order + t) * comb(m + order - 1, order + t),
    )


def general_weight(index: str, order: int, s: int, t: int) -> Fraction:
    """Weight of a Fourier coefficient, through the Moebius transform."""
    return sum(
        comb(s - t, m - t) * (-2) ** m * moebius_weight(index, order, m, t) for m in range(t, s + 1)
    )


@pytest.mark.parametrize("index", VALID_INDICES)
@pytest.mark.parametrize("order", range(1, 6))
def test_closed_forms_equal_the_general_formula(index: SpectrumIndex, order: int) -> None:
    """Every closed form is exactly the alternating sum it stands for."""
    top = 1 if index in ("SV", "BV") else order
    for degree in range(1, LARGEST + 1):
        for size in range(1, min(top, degree) + 1):
            expected = general_weight(index, top, degree, size)
            assert weight(index, top, degree, size) == expected, (degree, size)


@pytest.mark.parametrize("index", ["SII", "BII", "STII", "FSII", "FBII"])
def test_moebius_weights_are_those_of_shapiq(index: str) -> None:
    """The reference of these tests is the table in shapiq's MoebiusConverter, made rational."""
    for m in range(1, LARGEST + 1):
        for t in range(1, min(m, 3) + 1):
            theirs = moebius_converter._get_moebius_distribution_weight(m, t, 3, index)
            assert float(moebius_weight(index, 3, m, t)) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("index", ["k-SII", "STII", "FSII", "FBII"])
def test_degrees_up_to_the_order_are_moebius(index: SpectrumIndex) -> None:
    """What the order can express is expressed exactly: there all these indices agree."""
    for degree in range(6):
        for size in range(degree + 1):
            assert weight(index, 5, degree, size) == (-2) ** size


@pytest.mark.parametrize("index", ["SV", "k-SII", "STII", "FSII"])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_efficiency_of_the_weights(index: SpectrumIndex, order: int) -> None:
    """A character's interactions sum to its value on the full mask, at degree 151 too."""
    top = 1 if index == "SV" else order
    for degree in (0, 3, 6, 151):
        total = sum(
            comb(degree, size) * weight(index, top, degree, size)
            for size in range(min(top, degree) + 1)
        )
        assert total == (-1) ** degree


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ("SII", [1, 0, Fraction(1, 3), 0, Fraction(1, 5)]),
        ("BII", [1, 0, 0, 0, 0]),
        ("BV", [1, 0, 0, 0, 0]),
        ("FBII", [1, 1, 1, 0, 0]),
        ("SV", [1, 1, 1, 1, 1]),
        ("FSII", [1, 1, 1, 1, 1]),
    ],
)
def test_weights_of_the_empty_interaction(index: SpectrumIndex, expected: list[Fraction]) -> None:
    """It is the empty coalition's value, but for SII (a mean over sizes) and Banzhaf's (a mean)."""
    assert [weight(index, 2, degree, 0) for degree in range(5)] == expected


def test_table_shape_and_content() -> None:
    """Only the degrees that occur have rows; what is larger than a degree is zero."""
    table = weight_table("FSII", 3, (1, 7))
    assert table.shape == (2, 4)
    assert table[0].tolist() == [1.0, -2.0, 0.0, 0.0]
    assert table[1].tolist() == [float(weight("FSII", 3, 7, size)) for size in range(4)]
    assert not table.flags.writeable
    assert weight_table("Moebius", 900, (2,)).shape == (1, 3)
    assert weight_table("SII", 2, ()).shape == (0, 1)


@pytest.mark.parametrize("index", VALID_INDICES)
def test_high_degrees_are_cheap(index: SpectrumIndex) -> None:
    """Three hundred degrees cost a fraction of a second and stay finite."""
    weight_table.cache_clear()
    start = time.process_time()
    table = weight_table(index, 1 if index in ("SV", "BV") else 4, tuple(range(300)))
    assert time.process_time() - start < 1.0
    assert all(map(isfinite, np.ravel(table)))
