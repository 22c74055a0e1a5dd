"""Figures of what acts together, and of how well methods find it."""

from __future__ import annotations

from .comparison import plot_comparison, plot_removal, plot_sparsity
from .heads import plot_head_network, plot_heads, plot_layers, plot_pruning
from .partners import Partner, PartnersRow, plot_partners
from .text import plot_text

__all__ = [
    "Partner",
    "PartnersRow",
    "plot_comparison",
    "plot_head_network",
    "plot_heads",
    "plot_layers",
    "plot_partners",
    "plot_pruning",
    "plot_removal",
    "plot_sparsity",
    "plot_text",
]
