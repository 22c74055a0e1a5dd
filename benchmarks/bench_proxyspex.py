"""ProxySPEX beside shapiq's approximators: the tables and the chart of the README.

    uv run --group bench benchmarks/bench_proxyspex.py --games FOLDER --chart PICTURE

FOLDER holds recorded games, one ``.npz`` a family, each array the ``2**n`` values of a game. With
``--only NAME`` a single part runs. What is not timed runs in several processes of one thread each.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

# LightGBM by way of scikit-learn asks joblib's loky, and not OpenMP, for its number of threads
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
for _variable in _THREADS:
    os.environ.setdefault(_variable, "1")

import matplotlib as mpl  # noqa: E402 after the number of threads is set
import numpy as np  # noqa: E402
from _cells import (  # noqa: E402
    FRESH,
    METHODS,
    OURS,
    PEER,
    Cell,
    Score,
    load,
    mean_r2,
    score_all,
)
from _common import (  # noqa: E402
    is_constant,
    markdown,
    parity_game,
    predict,
    print_parts,
    progress,
    r_squared,
    silence_lightgbm,
    timed_run,
)
from _live_games import LIVE_GAMES  # noqa: E402

mpl.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_COMPARED = list(METHODS)[:6]
_TEN_TIMES = [
    OURS,
    "shapiq SPEX",
    "SPEX, decoded sets alone",
    "SPEX(hierarchical_search=False)",
]
_FAMILIES = [
    "sentiment_imdb_distilbert_14",
    "image_resnet_14",
    "image_vit_16",
    "data_valuation_bike_tree_15",
    "local_adult_14",
]
_ASKED = {100: 0.10, 300: 0.08, 1000: 0.04}  # how much better than the peer, in R2
_LARGE_BUDGETS = (1000, 3000, 10_000)  # masks of those that have ten times ours
_WORSE = 0.01
_WORSE_TEN_TIMES = 0.02
_HERE = Path(__file__).parent


def recorded(options: argparse.Namespace) -> str:
    """Recorded games: R2 over the whole hypercube, mean of the games of a family and the seeds."""
    others = [name for name in load(options.games) if name not in _FAMILIES]
    families = _FAMILIES + (others if options.all_families else [])
    cells = [
        Cell(family, game, method, budget, seed)
        for family in families
        for game in _names(options, family)
        for budget in _ASKED
        for method in _COMPARED
        for seed in range(options.seeds if method in (OURS, PEER) else 1)
    ]
    scores = score_all(cells, options.games, options.jobs)
    if options.chart:
        _draw({cell: s for cell, s in scores.items() if cell.family in _FAMILIES}, options.chart)
    texts = []
    if importlib.util.find_spec("xgboost") is None:
        texts.append("XGBoost is not installed: ProxySHAP takes LightGBM in its place.")
    for group in (_FAMILIES, others) if options.all_families else (_FAMILIES,):
        texts += _compare({cell: s for cell, s in scores.items() if cell.family in group})
    return "\n\n".join(texts)


def _names(options: argparse.Namespace, family: str) -> list[str]:
    """Return the first games of a family, constant ones left out."""
    tables = list(load(options.games)[family].items())[: options.per_family]
    return [name for name, table in tables if not is_constant(table)]


def _compare(scores: dict[Cell, Score | None]) -> Iterator[str]:
    """Return the table of one group of families, and what is asked beside it."""
    rows = []
    for family in [*dict.fromkeys(cell.family for cell in scores), "all"]:
        for budget, asked in _ASKED.items():
            chosen = {c: s for c, s in scores.items() if family in (c.family, "all")}
            means = [mean_r2(chosen, method, budget) for method in _COMPARED]
            wanted = f" (asked {asked:+.2f})" if family == "all" else ""
            difference = "-" if None in means[:2] else f"{means[0] - means[1]:+.3f}{wanted}"
            rows.append([family, f"{budget:,}", *map(_format, means), difference])
    for budget in _ASKED:
        means = [mean_r2(scores, method, budget, generous=True) for method in _COMPARED]
        difference = "-" if None in means[:2] else f"{means[0] - means[1]:+.3f}"
        rows.append(
            ["all, best constant, below 0 as 0", f"{budget:,}", *map(_format, means), difference]
        )
    yield markdown(["family", "masks", *_COMPARED, "difference to " + PEER], rows)
    yield from _describe(scores)


def _describe(scores: dict[Cell, Score | None]) -> Iterator[str]:
    """Say where ours is worse than shapiq's ProxySPEX, and how well it knows its own R2."""
    pairs = {
        cell: (found.r2, peer.r2)
        for cell, found in scores.items()
        if cell.method == OURS and found and (peer := scores[replace(cell, method=PEER)])
    }
    worse = {cell: pair for cell, pair in pairs.items() if pair[0] < pair[1] - _WORSE}
    for cell, (r2, peer) in worse.items():
        place = [cell.family, cell.game, f"{cell.budget:,}", str(cell.seed)]
        progress(["worse:", *place, f"{r2:.3f} < {peer:.3f}"])
    by_game: dict[Cell, list[tuple[float, float]]] = {}
    for cell, pair in pairs.items():
        by_game.setdefault(replace(cell, seed=0), []).append(pair)
    means = [np.mean(found, axis=0) for found in by_game.values()]
    n_worse = sum(bool(ours < theirs - _WORSE) for ours, theirs in means)
    yield (
        f"Worse than {PEER} by more than {_WORSE}: {n_worse} of {len(means)} cells of game and "
        f"masks, the mean of the seeds, {n_worse / max(1, len(means)):.1%} (asked < 5%); seed by "
        f"seed {len(worse)} of {len(pairs)}, {len(worse) / max(1, len(pairs)):.1%}."
    )
    for budget in _ASKED:
        gaps = [
            found.cv_faithfulness - found.r2
            for cell, found in scores.items()
            if cell.method == OURS and cell.budget == budget and found
        ]
        if gaps:
            yield (
                f"cv_faithfulness - R2 at {budget:,} masks: mean {mean(gaps):+.3f}, "
                f"mean of sizes {mean(map(abs, gaps)):.3f}."
            )


def _draw(scores: dict[Cell, Score | None], path: Path) -> None:
    """Draw R2 against masks, a line a method with its name at its end."""
    # Okabe and Ito's colours, which the colour-blind can tell apart
    colours = ["#D55E00", "#0072B2", "#CC79A7", "#009E73", "#E69F00", "#56B4E9"]
    markers = "osD^vP"
    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    ends = []
    for method, colour, marker in zip(_COMPARED, colours, markers, strict=True):
        points = [(budget, mean_r2(scores, method, budget, generous=True)) for budget in _ASKED]
        points = [point for point in points if point[1] is not None]
        if not points:
            continue
        width = 3 if method == OURS else 1.5
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, lw=width, clip_on=False)
        ends.append((points[-1][1], method, colour))
    height = -np.inf
    for value, method, colour in sorted(ends):
        height = max(value, height + 0.045)  # names do not overlap
        axes.annotate(
            method,
            (max(_ASKED), height),
            xytext=(10, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            weight="bold" if method == OURS else None,
            annotation_clip=False,
        )
    axes.set_xscale("log")
    axes.set_xticks(list(_ASKED), [f"{budget:,}" for budget in _ASKED])
    axes.minorticks_off()
    axes.set(xlabel="masks", ylabel="mean R² (best constant, below 0 as 0)", ylim=(0, None))
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _measure(arguments: Iterable[object], *, threads: bool = True) -> dict[str, float]:
    """Measure in a process of its own, with as many threads as it likes or with one."""
    environment = {k: v for k, v in os.environ.items() if not (threads and k in _THREADS)}
    command = [sys.executable, str(_HERE / "_measure.py"), *map(str, arguments)]
    output = subprocess.run(  # noqa: S603
        command, check=True, env=environment, capture_output=True, text=True
    ).stdout
    return json.loads(output.splitlines()[-1])


def speed(options: argparse.Namespace) -> str:
    """CPU seconds of the whole call without the game, alone and with a busy process beside."""
    folder = [options.games] if options.games else []
    small = "recorded" if folder else "dense"
    cases = [(small, 14, 300), (small, 14, 1000)]
    cases += [
        (kind, n, masks) for n, masks in ((64, 1000), (128, 2048)) for kind in ("and", "dense")
    ]
    rows = []
    for case in cases:
        game = ("speed", case[0], f"{case[1]}/{case[2]}")
        peer = _measure((*game, "shapiq", 2, *folder))
        single = _measure((*game, "shapiq", 2, *folder), threads=False)
        ours = _measure((*game, "ours", 5, *folder))
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
            try:
                beside = _measure((*game, "ours", 5, *folder))
            finally:
                busy.terminate()
        cpu, wall = ours["cpu_seconds"], ours["wall_seconds"]
        rows.append(
            [
                *(case[0], f"{case[1]}", f"{case[2]:,}", f"{cpu:.3f}", f"{wall:.3f}"),
                *(f"{peer['cpu_seconds']:.2f}", f"{peer['cpu_seconds'] / cpu:.1f}x"),
                *(f"{single['cpu_seconds']:.2f}", f"{single['cpu_seconds'] / cpu:.1f}x"),
                f"{beside['cpu_seconds']:.3f} ({beside['cpu_seconds'] / cpu:.2f}x)",
                f"{beside['wall_seconds']:.3f} ({beside['wall_seconds'] / wall:.2f}x)",
            ]
        )
        progress(rows[-1])
    header = ["game", "n", "masks", "CPU s", "wall s", "shapiq's CPU s", "ratio (asked 10x)"]
    header += ["shapiq's on one thread", "ratio", "CPU s beside a busy process (asked 2x)"]
    return markdown([*header, "wall s beside it"], rows)


def ablations(options: argparse.Namespace) -> str:
    """R2 with a tenth of the masks that the others have; live games: on fresh masks."""
    games = [(name, str(number)) for name in LIVE_GAMES for number in range(options.live)]
    if options.games:
        games = [(f, name) for f in _FAMILIES for name in _names(options, f)] + games
    cells = [
        Cell(family, game, method, budget // 10 if method == OURS else budget)
        for family, game in games
        for budget in _LARGE_BUDGETS
        for method in _TEN_TIMES
    ]
    scores = score_all(cells, options.games, options.jobs)
    rows, remarks = [], []
    for family in dict.fromkeys(family for family, _ in games):
        names = [name for other, name in games if other == family]
        for budget in _LARGE_BUDGETS:
            chosen = {cell: found for cell, found in scores.items() if cell.family == family}
            means = [mean_r2(chosen, OURS, budget // 10)]
            means += [mean_r2(chosen, method, budget) for method in _TEN_TIMES[1:]]
            found = [e for name in names for e in _exceptions(scores, family, name, budget)]
            row = [family, str(len(names)), f"{budget // 10:,}", f"{budget:,}"]
            rows.append([*row, *map(_format, means), str(len(found) or "")])
            remarks += found
    header = ["game", "games", "our masks", "their masks", *_TEN_TIMES, "exceptions"]
    title = f"Exceptions (ours is worse by more than {_WORSE_TEN_TIMES}): "
    return f"{markdown(header, rows)}\n\n{title}{'; '.join(remarks) or 'none'}."


def _exceptions(
    scores: dict[Cell, Score | None], family: str, name: str, budget: int
) -> Iterator[str]:
    """Name the methods that are better on a game with ten times the masks."""
    ours = scores[Cell(family, name, OURS, budget // 10)]
    least = ours.r2 if ours else -np.inf
    for method in _TEN_TIMES[1:]:
        other = scores[Cell(family, name, method, budget)]
        if other and least < other.r2 - _WORSE_TEN_TIMES:
            yield f"{family} {name}, {budget:,}: {least:.3f} < {other.r2:.3f} ({method})"


def parities(_: argparse.Namespace) -> str:
    """Ten pure parities of order 5, n = 64, 1,000 masks: no hierarchy, so SPEX's alone."""
    silence_lightgbm()
    rows = []
    masks = np.random.default_rng(1).random((FRESH, 64)) < 0.5
    for seed in range(5):
        game = parity_game(64, 10, seed, orders=(5, 5))
        row = [str(seed)]
        for method in ("SPEX", OURS):
            approximator = METHODS[method](n=64, random_state=seed)
            explanation, _ = timed_run(lambda a=approximator: a, 1000, game)
            r2 = r_squared(game(masks), predict(explanation, masks))
            row += [f"{r2:.4f}", f"{approximator.cv_faithfulness:.4f}"]
        rows.append(row)
        progress(row)
    names = ["SPEX", "SPEX's cv_faithfulness", "ProxySPEX", "ProxySPEX's cv_faithfulness"]
    return markdown(["seed", *names], rows)


def large(_: argparse.Namespace) -> str:
    """1,024 players, 10,000 masks: 60 triples with their pairs and singles, normal coefficients.

    R2 is that of the signal on fresh masks; asked is 0.99 within 60 seconds and 3 GiB.
    """
    rows = []
    for noise in (0.0, 0.1):
        for seed in range(3):
            found = _measure(("large", seed, noise))
            rows.append(
                [
                    *(f"{noise:.0%}", str(seed), f"{found['n_terms']:.0f}"),
                    *(f"{found['n_found']:,.0f}", f"{found['r2']:.6f}"),
                    *(f"{found['cv_faithfulness']:.6f}", f"{found['seconds']:.1f}"),
                    *(f"{found['without_game']:.1f}", f"{found['peak_gib']:.2f}"),
                ]
            )
            progress(rows[-1])
    header = ["noise", "seed", "terms", "found", "R2", "cv_faithfulness", "seconds with the game"]
    return markdown([*header, "without", "peak GiB"], rows)


def _format(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


_PARTS: dict[str, Callable[[argparse.Namespace], str]] = {
    "recorded": recorded,
    "speed": speed,
    "ablations": ablations,
    "parities": parities,
    "large": large,
}


def main() -> None:
    """Run the parts and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--games", type=Path, help="folder of recorded games")
    parser.add_argument("--only", choices=_PARTS, action="append", help="run this part alone")
    parser.add_argument("--per-family", type=int, default=3, help="games of a family")
    parser.add_argument("--all-families", action="store_true", help="take the other families, too")
    parser.add_argument("--seeds", type=int, default=2, help="seeds of both ProxySPEX")
    parser.add_argument("--live", type=int, default=2, help="live games of each kind")
    parser.add_argument("--chart", type=Path, help="where to write the chart of the recorded games")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes, where untimed")
    options = parser.parse_args()
    print_parts(_PARTS, options, {"recorded": options.games})


if __name__ == "__main__":
    main()
