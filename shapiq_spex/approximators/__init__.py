"""Approximators of shapiq that find a sparse Fourier spectrum first and any index from it."""

from __future__ import annotations

from ._uniform import draw_uniform
from .proxyspex import ProxySPEX
from .spex import SPEX

__all__ = ["SPEX", "ProxySPEX", "draw_uniform"]
