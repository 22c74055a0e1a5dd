"""Attention heads of transformers: where they are, passes without some of them, and pruning."""

from __future__ import annotations

from ._selection import Heads, layers

__all__ = ["Heads", "layers"]
