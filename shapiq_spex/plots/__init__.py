"""Figures of what acts together."""

from __future__ import annotations

from .partners import Partner, PartnersRow, plot_partners

__all__ = ["Partner", "PartnersRow", "plot_partners"]
