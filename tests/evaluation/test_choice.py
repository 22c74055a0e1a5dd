"""Tests of greedy choices and exchanges."""

from __future__ import annotations

import numpy as np

from shapiq_spex import FourierSpectrum
from shapiq_spex.evaluation._choice import improve, search


def test_an_exchange_undoes_a_bad_start() -> None:
    """The start itself is left as it is."""
    spectrum = FourierSpectrum(4, [(0,), (1,), (2,), (3,)], [-1.0, -2.0, -3.0, -4.0])
    start = np.array([True, True, False, False])
    assert improve(spectrum, start, 2).tolist() == [False, False, True, True]
    assert start.tolist() == [True, True, False, False]


def test_a_start_of_another_size_is_brought_to_size() -> None:
    """By dropping the least, or taking in the most."""
    spectrum = FourierSpectrum(4, [(0,), (1,), (2,), (3,)], [-1.0, -2.0, -3.0, -4.0])
    start = np.array([True, False, False, True])
    assert improve(spectrum, start, 1).tolist() == [False, False, False, True]
    assert improve(spectrum, start, 3).tolist() == [False, True, True, True]


def test_pairs_that_only_act_together_are_found_from_above() -> None:
    """Taken in one by one, neither of them looks worth it; dropped last, both stay."""
    every = (np.arange(16)[:, None] >> np.arange(4)) & 1 == 1
    values = 5.0 * (every[:, 0] & every[:, 1]) + every[:, 2] + every[:, 3]
    assert search(FourierSpectrum.from_values(values), 2).tolist() == [True, True, False, False]
