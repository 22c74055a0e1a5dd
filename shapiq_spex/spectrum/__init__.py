"""The sparse Fourier spectrum of a game: one object, and what it turns into."""

from __future__ import annotations

from shapiq_spex.spectrum._reading import LEVEL_FREE, PREDICTING_INDICES
from shapiq_spex.spectrum.conversion import VALID_INDICES, SpectrumIndex
from shapiq_spex.spectrum.fourier import FourierSpectrum

__all__ = [
    "LEVEL_FREE",
    "PREDICTING_INDICES",
    "VALID_INDICES",
    "FourierSpectrum",
    "SpectrumIndex",
]
