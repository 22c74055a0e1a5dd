"""What of a retrained model's outputs is explained."""

from __future__ import annotations

from ._value import Value
from .points import LogLoss, Margin, Prediction
from .score import Score

__all__ = ["LogLoss", "Margin", "Prediction", "Score", "Value"]
