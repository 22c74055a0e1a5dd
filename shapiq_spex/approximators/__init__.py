"""Approximators of shapiq that find a sparse Fourier spectrum first and any index from it."""

from __future__ import annotations

from .proxyspex import ProxySPEX
from .spex import SPEX

__all__ = ["SPEX", "ProxySPEX"]
