"""Methods side by side on one game: what to pick, and what it costs."""

from __future__ import annotations

from ._methods import METHODS
from .compare import compare
from .table import Comparison

__all__ = ["METHODS", "Comparison", "compare"]
