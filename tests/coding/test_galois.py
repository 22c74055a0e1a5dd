"""Tests of the arithmetic in GF(2^m)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex.coding import _galois
from shapiq_spex.coding._galois import MAX_DEGREE, GaloisField, galois_field


def carryless_product(a: int, b: int, m: int) -> int:
    """Multiply two elements as polynomials over GF(2), then reduce: the definition."""
    product = 0
    for bit in range(b.bit_length()):
        if b >> bit & 1:
            product ^= a << bit
    for bit in reversed(range(m, product.bit_length())):
        if product >> bit & 1:
            product ^= _galois._PRIMITIVE[m] << (bit - m)
    return product


@st.composite
def fields_and_elements(draw: st.DrawFn, count: int) -> tuple[GaloisField, list[np.ndarray]]:
    """Draw a field, and elements of it as arrays of length 1; zero and one are likely."""
    m = draw(st.integers(1, 12))
    elements = st.one_of(st.integers(0, 1), st.integers(0, (1 << m) - 1))
    return galois_field(m), [np.array([draw(elements)]) for _ in range(count)]


def test_every_degree_up_to_the_largest_is_tabulated() -> None:
    """There is a polynomial for each m, and its leading term is x^m."""
    assert list(_galois._PRIMITIVE) == list(range(1, MAX_DEGREE + 1))
    for m, polynomial in _galois._PRIMITIVE.items():
        assert polynomial.bit_length() == m + 1


@pytest.mark.parametrize("m", range(1, MAX_DEGREE + 1))
def test_polynomials_are_primitive(m: int) -> None:
    """Alpha has order 2^m - 1: its powers are all the elements but zero, each once."""
    field = GaloisField(m)
    assert field.order == (1 << m) - 1
    assert len(field.exp) == 2 * field.order
    assert np.array_equal(np.sort(field.exp[: field.order]), np.arange(1, 1 << m))
    assert np.array_equal(field.exp[: field.order], field.exp[field.order :])
    # and alpha^order closes the circle, which the table alone does not show
    assert carryless_product(int(field.exp[field.order - 1]), 2 % (1 << m) or 1, m) == 1


@pytest.mark.parametrize("m", [1, 2, 7, 20])
def test_logarithms_invert_powers(m: int) -> None:
    """The two tables are inverse to each other."""
    field = GaloisField(m)
    exponents = np.arange(field.order)
    assert np.array_equal(field.log[field.exp[exponents]], exponents)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5])
def test_products_of_all_pairs(m: int) -> None:
    """Products are those of polynomials modulo the primitive one, zero included."""
    field = galois_field(m)
    elements = np.arange(1 << m)
    expected = [[carryless_product(a, b, m) for b in elements.tolist()] for a in elements.tolist()]
    assert field.multiply(elements[:, None], elements[None, :]).tolist() == expected


@given(drawn=fields_and_elements(3))
def test_field_axioms(drawn: tuple[GaloisField, list[np.ndarray]]) -> None:
    """Products commute, associate, distribute over XOR, and have 1 as their unit."""
    field, (a, b, c) = drawn
    assert field.multiply(a, b) == field.multiply(b, a)
    assert field.multiply(a, field.multiply(b, c)) == field.multiply(field.multiply(a, b), c)
    assert field.multiply(a, b ^ c) == field.multiply(a, b) ^ field.multiply(a, c)
    assert field.multiply(a, np.array([1])) == a


@given(drawn=fields_and_elements(2))
def test_division_undoes_multiplication(drawn: tuple[GaloisField, list[np.ndarray]]) -> None:
    """Quotients times divisors are the dividends, zero among them; no other has product zero."""
    field, (a, b) = drawn
    assert (field.multiply(a, b) == 0) == ((a == 0) | (b == 0))
    if b.any():
        assert field.multiply(field.divide(a, b), b) == a
        assert field.divide(field.multiply(a, b), b) == a


@pytest.mark.parametrize("m", range(1, 11))
def test_squares(m: int) -> None:
    """Squares are products with oneself, and the 2^m-th power is the identity."""
    field = galois_field(m)
    elements = np.arange(1 << m)
    assert np.array_equal(field.square(elements), field.multiply(elements, elements))
    power = elements
    for _ in range(m):
        power = field.square(power)
    assert np.array_equal(power, elements)


def test_arrays_broadcast() -> None:
    """A column and a row give a table, as the decoder uses it."""
    field = galois_field(4)
    column, row = np.arange(3)[:, None], np.arange(1, 5)[None, :]
    assert field.multiply(column, row).shape == (3, 4)
    assert field.divide(column, row).shape == (3, 4)


@pytest.mark.parametrize("m", [-1, 0, MAX_DEGREE + 1])
def test_unknown_degrees_are_refused(m: int) -> None:
    """The error names the range of degrees."""
    with pytest.raises(ValueError, match=f"between 1 and {MAX_DEGREE}, got {m}"):
        GaloisField(m)


def test_tables_are_built_once() -> None:
    """The cached field is shared."""
    assert galois_field(6) is galois_field(6)
