"""Words and tables of the report."""

from __future__ import annotations

import math
import os
import platform
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PACKAGES = ("shapiq-spex", "shapiq", "lightgbm", "numpy", "scipy", "scikit-learn")


def describe_machine(*, quick: bool) -> str:
    """Say where, and with what, things were measured."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    return (
        f"Measured on {platform.machine()} with {os.cpu_count()} cores, one thread, "
        f"{platform.system()}, Python {platform.python_version()}; {versions}"
        f"{', in its quick form' if quick else ''}. R² is that on masks that a method has not "
        "asked for: all others of up to 16 players, 2,000 uniform ones else. Seconds are without "
        "the game."
    )


def show(value: float | None, digits: int = 3) -> str:
    """Show a number, or a dash where there is none."""
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "not reached"
    return f"{value:,.{digits}f}"


def mark_best(cells: list[str], values: Iterable[float]) -> list[str]:
    """Set the largest value in bold, and those that look the same."""
    numbers = list(values)
    known = [value for value in numbers if not math.isnan(value)]
    if not known:
        return cells
    best = round(max(known), 3)
    return [
        f"**{cell}**" if not math.isnan(value) and round(value, 3) == best else cell
        for cell, value in zip(cells, numbers, strict=True)
    ]
