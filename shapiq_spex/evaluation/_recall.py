"""What of a reference an explanation finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from shapiq_spex.spectrum import FourierSpectrum


def recall_at(found: FourierSpectrum, reference: FourierSpectrum, k: int) -> float:
    """Return which share of a reference's ``k`` largest terms are among the ``k`` largest found.

    Args:
        found: What an explanation predicts.
        reference: A better spectrum of the same game.
        k: How many terms besides the constant to look at; all, where the reference has fewer.

    Returns:
        From 0 to 1; NaN where the reference has no term.
    """
    wanted = _largest(reference, k)
    if not wanted:
        return float("nan")
    return len(wanted & _largest(found, k)) / len(wanted)


def _largest(spectrum: FourierSpectrum, k: int) -> set[tuple[int, ...]]:
    """Return the sets of the largest terms but the constant."""
    kept = spectrum.truncate(max_terms=k)
    inner = np.flatnonzero((kept.orders > 0) & (kept.coefficients != 0))
    support = kept.support
    return {support[i] for i in inner}
