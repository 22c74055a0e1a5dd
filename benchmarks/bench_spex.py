"""SPEX beside shapiq's SPEX, in one run on one thread: the tables of the README.

    uv run --group bench benchmarks/bench_spex.py --games FOLDER

FOLDER holds recorded games, one ``.npz`` a family, each array the ``2**n`` values of a game. With
``--only NAME`` a single part runs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import bench_conversion  # noqa: E402 after the number of threads is set
import numpy as np  # noqa: E402
import shapiq  # noqa: E402
from _common import (  # noqa: E402
    and_game,
    is_constant,
    load_games,
    markdown,
    parity_game,
    predict,
    predict_table,
    print_parts,
    progress,
    r_squared,
    table_game,
    timed_run,
)

import shapiq_spex  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

_SEEDS = 5
_FRESH = 1000
_SYNTHETIC = [
    ("AND", 64, 500, 0.99),
    ("AND", 128, 1000, 0.99),
    ("AND", 512, 2500, 0.999),
    ("AND", 1024, 3000, 0.999),
    ("AND", 4096, 8000, 0.999),
    ("parity", 1024, 3000, 0.999),
]
_MAKE_GAME = {"AND": and_game, "parity": parity_game}
_BUDGETS = (300, 1000, 3000)


def synthetic(options: argparse.Namespace) -> str:
    """30 interactions: median R2 on fresh masks, ours over all seeds and shapiq's over fewer."""
    rows = []
    for kind, n, budget, asked in _SYNTHETIC:
        ours, cpu = _scores(shapiq_spex.SPEX, kind, n, budget, range(_SEEDS))
        theirs, their_cpu = _scores(shapiq.SPEX, kind, n, budget, range(options.peer_seeds))
        rows.append(
            [
                *(kind, f"{n:,}", f"{budget:,}", f">= {asked}"),
                *(f"{median(ours):.6f}", f"{min(ours):.6f}", f"{median(theirs):.3f}"),
                *(f"{median(cpu):.2f}", f"{median(their_cpu):.1f}"),
            ]
        )
        progress(rows[-1])
    header = ["30 terms", "n", "masks", "asked R2", "median R2", "least R2", "shapiq's median R2"]
    return markdown([*header, "CPU s", "shapiq's CPU s"], rows)


def _scores(
    approximator: type, kind: str, n: int, budget: int, seeds: range
) -> tuple[list[float], list[float]]:
    """Return R2 on fresh masks and CPU seconds, one a seed; a failure counts as R2 = 0."""
    scores, seconds = [], []
    for seed in seeds:
        game = _MAKE_GAME[kind](n, 30, seed)
        make = partial(approximator, n=n, max_order=5, index="FBII", random_state=seed)
        explanation, cost = timed_run(make, budget, game)
        seconds.append(cost["cpu_seconds"])
        masks = np.random.default_rng([seed, 1]).random((_FRESH, n)) < 0.5
        failed = isinstance(explanation, str)
        scores.append(0.0 if failed else r_squared(game(masks), predict(explanation, masks)))
    return scores, seconds


def curve(_: argparse.Namespace) -> str:
    """R2 against masks per k log2(n), with k the number of Fourier coefficients."""
    rows = []
    for kind, n in (("AND", 256), ("AND", 1024), ("parity", 256), ("parity", 1024)):
        sizes = []
        for seed in range(_SEEDS):
            masks = 1 << 14
            exact = shapiq_spex.SPEX(n, 5, "FBII", random_state=seed)
            exact.approximate(masks, _MAKE_GAME[kind](n, 30, seed))
            sizes.append(len(exact.spectrum))
        for ratio in (0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0):
            scores = []
            for seed, size in enumerate(sizes):
                budget = round(ratio * size * np.log2(n))
                if budget < exact.smallest_budget:
                    continue
                scores += _scores(shapiq_spex.SPEX, kind, n, budget, range(seed, seed + 1))[0]
            if not scores:
                continue
            exactly = sum(score > 1 - 1e-9 for score in scores)
            rows.append(
                [
                    *(kind, f"{n:,}", f"{mean(sizes):.0f}", f"{ratio:g}"),
                    *(f"{median(scores):.4f}", f"{exactly} of {len(scores)}"),
                ]
            )
            progress(rows[-1])
    header = ["30 terms", "n", "coefficients k", "masks / (k log2 n)", "median R2"]
    return markdown([*header, "exact"], rows)


def recorded(options: argparse.Namespace) -> str:
    """Recorded games: R2 over the whole hypercube of the FBII of order 5."""
    rows: list[list[str]] = []
    clipped: dict[str, list[float]] = {"ours": [], "shapiq": []}
    every: dict[str, list[float]] = {"ours": [], "shapiq": []}
    for family, games in load_games(options.games).items():
        for budget in _BUDGETS:
            scores: dict[str, list[float]] = {"ours": [], "shapiq": []}
            seconds: dict[str, list[float]] = {"ours": [], "shapiq": []}
            for table in list(games.values())[: options.per_family]:
                if is_constant(table):
                    continue
                game, n = table_game(table)
                for name, approximator in (("ours", shapiq_spex.SPEX), ("shapiq", shapiq.SPEX)):
                    make = partial(
                        approximator, n=n, max_order=5, index="FBII", random_state=options.seed
                    )
                    explanation, cost = timed_run(make, budget, game)
                    if isinstance(explanation, str):
                        continue
                    scores[name].append(r_squared(table, predict_table(explanation, n)))
                    seconds[name].append(cost["cpu_seconds"])
            for name, found in scores.items():
                every[name] += found
                clipped[name] += [max(0.0, score) for score in found]
            rows.append(
                [
                    *(family, f"{budget:,}", str(len(scores["ours"]))),
                    *(f"{mean(scores[name]):.3f}" for name in ("ours", "shapiq")),
                    f"{mean(scores['ours']) - mean(scores['shapiq']):+.3f}",
                    *(f"{mean(seconds[name]):.2f}" for name in ("ours", "shapiq")),
                ]
            )
            progress(rows[-1])
    means = [mean(every[name]) for name in ("ours", "shapiq")]
    rows.append(
        [
            *("all", "", str(len(every["ours"])), *(f"{m:.3f}" for m in means)),
            *(f"{means[0] - means[1]:+.3f}", "", ""),
        ]
    )
    means = [mean(clipped[name]) for name in ("ours", "shapiq")]
    rows.append(
        [
            *("all, R2 below 0 counted as 0", "", str(len(every["ours"]))),
            *(*(f"{m:.3f}" for m in means), f"{means[0] - means[1]:+.3f}", "", ""),
        ]
    )
    header = ["family", "masks", "games", "mean R2", "shapiq's", "difference", "CPU s"]
    return markdown([*header, "shapiq's CPU s"], rows)


def speed(_: argparse.Namespace) -> str:
    """CPU seconds of the whole call without the game, warm."""
    rows = []
    for n, budget in ((128, 2048), (512, 8192)):
        game = and_game(n, 30, 0)
        seconds = {}
        for name, approximator, repeats in (
            ("ours", shapiq_spex.SPEX, 5),
            ("shapiq", shapiq.SPEX, 2),
        ):
            make = partial(approximator, n=n, max_order=3, index="FBII", random_state=0)
            runs = [timed_run(make, budget, game)[1]["cpu_seconds"] for _ in range(repeats + 1)]
            seconds[name] = median(runs[1:])
        ratio = seconds["shapiq"] / seconds["ours"]
        rows.append(
            [
                *(f"{n}", f"{budget:,}", f"{seconds['ours']:.3f}"),
                *(f"{seconds['shapiq']:.2f}", f"{ratio:.0f}x"),
            ]
        )
        progress(rows[-1])
    return markdown(["n", "masks", "CPU s", "shapiq's CPU s", "ratio (asked 30x)"], rows)


_LARGE = """
import resource, sys, time
import numpy as np
sys.path.insert(0, sys.argv[1])
from _common import and_game, r_squared
from shapiq_spex import SPEX
game = and_game(10_000, 100, int(sys.argv[2]))
approximator = SPEX(10_000, 3, "FBII", random_state=0)
start = time.perf_counter()
explanation = approximator.approximate(60_000, game)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
masks = np.random.default_rng(1).random((500, 10_000)) < 0.5
values = game(masks)
error = np.abs(values - approximator.spectrum.evaluate(masks)).max()
print(f"{seconds:.1f};{peak:.2f};{error:.1e};{len(approximator.spectrum)}")
"""


def large(_: argparse.Namespace) -> str:
    """Seconds, memory and error with 10,000 players, in a process of its own, the game included."""
    rows = []
    for seed in range(3):
        folder = str(Path(__file__).parent)
        command = [sys.executable, "-c", _LARGE, folder, str(seed)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
        rows.append([str(seed), *output.strip().split(";")])
        progress(rows[-1])
    header = ["seed", "seconds with the game", "peak GiB", "largest error on fresh masks"]
    return markdown([*header, "coefficients"], rows)


def conversion(_: argparse.Namespace) -> str:
    """Fourier to k-SII and FBII of order 2."""
    rows = bench_conversion.run()
    return markdown(list(rows[0]), [[_format(cell) for cell in row.values()] for row in rows])


_IMPORTS = """
import time
start = time.perf_counter()
import shapiq
middle = time.perf_counter()
import shapiq_spex
print(middle - start, time.perf_counter() - middle)
"""


def imports(_: argparse.Namespace) -> str:
    """Wall seconds of imports in fresh processes, the medians of several."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    runs = []
    for _ in range(6):
        command = [sys.executable, "-c", _IMPORTS]
        output = subprocess.run(  # noqa: S603
            command, check=True, env=environment, capture_output=True, text=True
        ).stdout
        runs.append([float(seconds) for seconds in output.split()])
    host, extra = (median(column) for column in zip(*runs, strict=True))
    rows = [[f"{host:.2f}", f"{host + extra:.2f}", f"{extra:.2f}"]]
    return markdown(["import shapiq", "and shapiq_spex", "difference (asked <= 0.2 s)"], rows)


def _format(cell: object) -> str:
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)


_PARTS: dict[str, Callable[[argparse.Namespace], str]] = {
    "synthetic": synthetic,
    "curve": curve,
    "recorded": recorded,
    "speed": speed,
    "large": large,
    "conversion": conversion,
    "imports": imports,
}


def main() -> None:
    """Run the parts and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--games", type=Path, help="folder of recorded games")
    parser.add_argument("--only", choices=_PARTS, action="append", help="run this part alone")
    parser.add_argument("--per-family", type=int, default=3, help="games of a family")
    parser.add_argument("--peer-seeds", type=int, default=1, help="seeds of the slow peer")
    parser.add_argument("--seed", type=int, default=0, help="seed for the recorded games")
    options = parser.parse_args()
    print_parts(_PARTS, options, {"recorded": options.games})


if __name__ == "__main__":
    main()
