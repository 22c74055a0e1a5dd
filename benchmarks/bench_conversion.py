"""Fourier to k-SII and FBII of order 2, beside Fourier to Moebius to shapiq's MoebiusConverter.

The detour is what shapiq 1.8's SPEX takes: every coefficient is expanded over all subsets of its
set by sparse-transform's ``fourier_to_mobius``, then shapiq distributes the result. Run it in an
environment with ``shapiq[sparse]`` to time that very function; without it, the same loop stands in.

    python benchmarks/bench_conversion.py
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from shapiq.game_theory.moebius_converter import MoebiusConverter
from shapiq.interaction_values import InteractionValues
from shapiq.utils.sets import powerset

from shapiq_spex.spectrum import FourierSpectrum
from shapiq_spex.spectrum._weights import weight_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapiq_spex.spectrum import SpectrumIndex

try:
    from sparse_transform.qsft.utils.general import fourier_to_mobius
except ImportError:

    def fourier_to_mobius(fourier: dict[tuple[int, ...], float]) -> dict[tuple[int, ...], float]:
        """Expand every coefficient over all subsets of its set, as sparse-transform 0.2.1 does."""
        moebius: dict[tuple[int, ...], float] = {}
        for players, coefficient in fourier.items():
            for subset in powerset(players):
                share = coefficient * np.power(-2.0, len(subset))
                moebius[subset] = moebius.get(subset, 0.0) + share
        return moebius


ASKED = 100
INDICES: tuple[SpectrumIndex, ...] = ("k-SII", "FBII")
ORDER = 2


def random_spectrum(
    n_players: int = 1_000, terms: int = 5_000, max_degree: int = 8, seed: int = 0
) -> FourierSpectrum:
    """Draw a spectrum of distinct random sets, of degrees that are uniform in 1 .. max_degree."""
    rng = np.random.default_rng(seed)
    support: set[tuple[int, ...]] = {()}
    while len(support) < terms:
        players = rng.choice(n_players, size=rng.integers(1, max_degree + 1), replace=False)
        support.add(tuple(sorted(players.tolist())))
    return FourierSpectrum(n_players, support, rng.normal(size=terms))


def detour(spectrum: FourierSpectrum, index: SpectrumIndex) -> InteractionValues:
    """Convert through the full Moebius transform."""
    fourier = dict(zip(spectrum.support, spectrum.coefficients.tolist(), strict=True))
    moebius = fourier_to_mobius(fourier)
    coefficients = InteractionValues(
        {players: float(value) for players, value in moebius.items()},
        index="Moebius",
        max_order=spectrum.n_players,
        min_order=0,
        n_players=spectrum.n_players,
        baseline_value=float(moebius[()]),
    )
    return MoebiusConverter(coefficients)(index, order=ORDER)


def cpu_seconds(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Give the median CPU time of some work, and its last result."""
    times = []
    result = None
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
    return float(np.median(times)), result


def max_difference(ours: InteractionValues, theirs: InteractionValues) -> float:
    """Give the largest difference over all interactions of either result."""
    keys = ours.interactions.keys() | theirs.interactions.keys()
    return max(
        abs(ours.interactions.get(key, 0.0) - theirs.interactions.get(key, 0.0)) for key in keys
    )


def run() -> list[dict[str, Any]]:
    """Time both ways, one thread each.

    Returns:
        One row per index: CPU seconds of both, their ratio, what is asked, the largest difference
        and the largest value it compares to.

    """
    spectrum = random_spectrum()
    rows = []
    for index in INDICES:
        weight_table.cache_clear()  # the exact weights are part of the work
        first, _ = cpu_seconds(lambda i=index: spectrum.to_interaction_values(i, ORDER), 1)
        warm, ours = cpu_seconds(lambda i=index: spectrum.to_interaction_values(i, ORDER), 7)
        slow, theirs = cpu_seconds(lambda i=index: detour(spectrum, i), 3)
        rows.append(
            {
                "index": index,
                "ours_first_s": first,
                "ours_s": warm,
                "detour_s": slow,
                "ratio": slow / warm,
                "asked": ASKED,
                "max_difference": max_difference(ours, theirs),
                "max_value": float(np.abs(ours.values).max()),
            }
        )
    return rows


def main() -> None:
    """Print the table."""
    print("Fourier -> index of order 2: 5,000 coefficients of degree <= 8, n = 1,000; CPU seconds")
    for row in run():
        print(
            f"{row['index']:>6}: ours {row['ours_s']:.4f} (first call {row['ours_first_s']:.4f}), "
            f"via MoebiusConverter {row['detour_s']:.2f}, ratio {row['ratio']:.0f}x "
            f"(asked {row['asked']}x), max difference {row['max_difference']:.1e} "
            f"of {row['max_value']:.3g}"
        )


if __name__ == "__main__":
    main()
