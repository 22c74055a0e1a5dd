"""Properties of the best subset, against all subsets of small games."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shapiq_spex import FourierSpectrum, best_subset

VALUES = st.floats(-1e3, 1e3, allow_subnormal=False)


@st.composite
def spectra(draw: st.DrawFn) -> FourierSpectrum:
    """Draw spectra of sets of up to four players, with ties and mixed scales."""
    n = draw(st.integers(1, 9))
    sets = st.frozensets(st.integers(0, n - 1), max_size=4)
    terms = draw(st.dictionaries(sets, st.one_of(VALUES, st.integers(-2, 2)), max_size=40))
    return FourierSpectrum(n, list(terms), list(terms.values()))


def means(spectrum: FourierSpectrum, size: int, blur: float) -> np.ndarray:
    """List the means over subsets in which each player is otherwise, of all of a size."""
    n = spectrum.n_players
    every = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1
    chosen = np.array([np.isin(range(n), players) for players in combinations(range(n), size)])
    flips = (chosen[:, None] != every).sum(axis=2)
    means: np.ndarray = (blur**flips * (1 - blur) ** (n - flips)) @ spectrum.evaluate(every)
    return means


@settings(max_examples=60, deadline=None)
@given(spectra(), st.data(), st.sampled_from([0.0, 0.15]), st.sampled_from([1, -1]))
def test_no_subset_is_better(
    spectrum: FourierSpectrum, data: st.DataObject, blur: float, sign: int
) -> None:
    """Neither of the largest nor of the least mean; and bounds hold, also those of greedy ones."""
    size = data.draw(st.integers(0, spectrum.n_players))
    best = sign * (sign * means(spectrum, size, blur)).max()
    tolerance = 1e-9 * (1 + np.abs(spectrum.coefficients).sum())
    options = {"blur": blur, "minimize": sign < 0}
    found = best_subset(spectrum, size, method="exact", **options)
    assert found.mask.sum() == size
    assert 0 <= found.gap <= tolerance
    assert abs(found.bound - best) <= tolerance
    mean = FourierSpectrum(
        spectrum.n_players, spectrum.sets, spectrum.coefficients * (1 - 2 * blur) ** spectrum.orders
    )
    assert abs(mean.evaluate(found.mask)[0] - best) <= tolerance
    assert abs(found.value - spectrum.evaluate(found.mask)[0]) <= tolerance
    for method in ("auto", "greedy"):
        rough = best_subset(spectrum, size, method=method, **options)
        assert sign * (rough.bound - best) >= -tolerance
        assert abs(sign * (rough.bound - mean.evaluate(rough.mask)[0]) - rough.gap) <= tolerance
