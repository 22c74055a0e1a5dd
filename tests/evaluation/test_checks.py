"""Tests of what is taken for a spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from shapiq_spex import (
    FourierSpectrum,
    best_subset,
    energy_shares,
    interaction_matrix,
    near_duplicates,
    partners,
)
from shapiq_spex.plots import plot_heads, plot_layers

if TYPE_CHECKING:
    from collections.abc import Callable

SPECTRUM = FourierSpectrum.from_values(np.array([0.0, 1.0, 1.0, 3.0]))
EXPLANATION = SPECTRUM.to_interaction_values("FBII", max_order=2)


@pytest.mark.parametrize(
    "use",
    [
        lambda given: best_subset(given, 1),
        partners,
        near_duplicates,
        lambda given: near_duplicates([given]),
        lambda given: energy_shares(given, [0, 0]),
        lambda given: interaction_matrix(given, [0, 0]),
        lambda given: plot_layers(given, [0, 0]),
    ],
)
def test_an_explanation_is_no_spectrum(use: Callable[[Any], object]) -> None:
    """Where a spectrum is needed and the explanation is given, the error says where to find it."""
    use(SPECTRUM)
    with pytest.raises(ValueError, match=r"as approximator.spectrum, got InteractionValues"):
        use(EXPLANATION)


def test_a_spectrum_is_no_explanation() -> None:
    """Nor the other way round."""
    with pytest.raises(ValueError, match="Pass the explanation"):
        plot_heads(SPECTRUM, [(0, 0), (0, 1)])  # type: ignore[arg-type]
