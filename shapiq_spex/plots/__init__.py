"""Figures of what acts together."""

from __future__ import annotations

from .heads import plot_head_network, plot_heads, plot_layers, plot_pruning
from .partners import Partner, PartnersRow, plot_partners

__all__ = [
    "Partner",
    "PartnersRow",
    "plot_head_network",
    "plot_heads",
    "plot_layers",
    "plot_partners",
    "plot_pruning",
]
