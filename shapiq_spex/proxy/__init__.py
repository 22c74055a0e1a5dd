"""Gradient-boosted trees as a stand-in for a game, and their exact Fourier spectrum."""

from __future__ import annotations

from ._booster import BoosterFit, fit_booster, read_parameters
from ._candidates import close_downwards, fit_candidates

__all__ = ["BoosterFit", "close_downwards", "fit_booster", "fit_candidates", "read_parameters"]
