"""An explanation as a prediction of the game."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapiq import InteractionValues

from shapiq_spex.spectrum import LEVEL_FREE, FourierSpectrum

if TYPE_CHECKING:
    Explanation = FourierSpectrum | InteractionValues


def to_prediction(explanation: Explanation) -> tuple[FourierSpectrum, bool]:
    """Return what an explanation predicts, and whether it says at which level.

    Args:
        explanation: A spectrum, or interaction values of an index that predicts the game.

    Raises:
        ValueError: If it is something else, the index predicts nothing, or lower orders are left
            out.
    """
    if isinstance(explanation, FourierSpectrum):
        return explanation, True
    if isinstance(explanation, InteractionValues):
        has_level = explanation.index not in LEVEL_FREE
        return FourierSpectrum.from_interaction_values(explanation), has_level
    msg = (
        "An explanation is a shapiq.InteractionValues or a FourierSpectrum, got "
        f"{type(explanation).__name__}."
    )
    raise ValueError(msg)
