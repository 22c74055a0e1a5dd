"""Coded masks, and the decoder that reads a sparse spectrum from them (used by SPEX alone)."""

from __future__ import annotations

from ._bch import BCHCode
from ._design import CodedDesign, smallest_budget
from ._peeling import HARD, SOFT, peel

__all__ = ["HARD", "SOFT", "BCHCode", "CodedDesign", "peel", "smallest_budget"]
