"""ProxySPEX on a recorded table that stays in a file: time, memory and what is found.

    uv run benchmarks/bench_recorded.py

Each row runs in a process of its own, of one thread, on a memory-mapped table of uniform masks. The
growth of its peak memory counts the pages of the table, which is eight times the packed masks.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from itertools import combinations
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"):
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402 after the number of threads is set
from _common import markdown, r_squared  # noqa: E402

import shapiq_spex  # noqa: E402

_MAINS, _PAIRS, _FRESH = 20, 10, 500
_NOISE = 0.3  # of the signal's standard deviation
_ROWS = 256  # masks drawn at a time


def truth(n: int) -> list[tuple[tuple[int, ...], float]]:
    """Draw main effects, pairs of their players, and three players that count only together."""
    rng = np.random.default_rng([n, 5])
    players = rng.permutation(n)[: _MAINS + 3]
    pairs = list(combinations(players[:_MAINS].tolist(), 2))
    signs = rng.choice([-1.0, 1.0], _MAINS + _PAIRS)
    terms: list[tuple[tuple[int, ...], float]] = [
        ((int(player),), float(sign) * size)
        for player, sign, size in zip(players, signs, rng.uniform(0.5, 2, _MAINS), strict=False)
    ]
    chosen = rng.choice(len(pairs), _PAIRS, replace=False)
    terms += [(pairs[k], 2 * float(s)) for k, s in zip(chosen, signs[_MAINS:], strict=True)]
    return [*terms, (tuple(players[_MAINS:].tolist()), 4.0)]


def evaluate(masks: np.ndarray, terms: list[tuple[tuple[int, ...], float]]) -> np.ndarray:
    """Add up the terms all of whose players are present."""
    return sum(
        (weight * masks[:, list(players)].all(axis=1) for players, weight in terms),
        np.zeros(len(masks)),
    )


def write(folder: Path, n: int, m: int) -> None:
    """Write masks, values of the planted truth with noise, and values of noise alone."""
    rng = np.random.default_rng([n, m])
    masks = np.lib.format.open_memmap(folder / "masks.npy", "w+", np.bool_, (m, n))
    signal = np.empty(m)
    for start in range(0, m, _ROWS):
        rows = slice(start, start + _ROWS)
        masks[rows] = rng.integers(2, size=masks[rows].shape, dtype=np.uint8)
        signal[rows] = evaluate(masks[rows], truth(n))
    noise = rng.normal(size=m)
    np.save(folder / "planted.npy", signal + _NOISE * signal.std() * noise)
    np.save(folder / "noise.npy", noise)


def measure(folder: Path, kind: str) -> dict[str, float]:
    """Explain one table, and score the result on fresh masks with values of the same kind."""
    masks = np.load(folder / "masks.npy", mmap_mode="r")
    values = np.load(folder / f"{kind}.npy")
    m, n = masks.shape
    approximator = shapiq_spex.ProxySPEX(n, 2, "FBII", random_state=0)
    before, start = _peak(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of noise: that it is not faithful
        explanation = approximator.from_ablations(masks, values)
    seconds, growth = time.process_time() - start, _peak() - before
    rng = np.random.default_rng([n, m, 1])
    fresh = rng.integers(2, size=(_FRESH, n), dtype=np.uint8).view(np.bool_)
    signal = evaluate(fresh, truth(n)) if kind == "planted" else np.zeros(_FRESH)
    size = _NOISE * signal.std() if kind == "planted" else 1.0
    observed = signal + size * rng.normal(size=_FRESH)
    planted = {tuple(sorted(players)) for players, _ in truth(n) if len(players) == 2}
    listed = [players for players in explanation.interaction_lookup if len(players) == 2]
    top = sorted(listed, key=lambda players: -abs(explanation[players]))[: 2 * _PAIRS]
    return {
        "growth": growth,
        "ratio": growth * 2**20 / (m * n / 8),
        "seconds": seconds,
        "cv": approximator.cv_faithfulness,
        "fresh": r_squared(observed, approximator.spectrum.evaluate(fresh)),
        "pairs": len(planted & set(top)),
    }


def _peak() -> float:
    """Return the largest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main() -> None:
    """Write the tables, measure each kind in a process of its own, and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--players", type=int, default=50_000)
    parser.add_argument("--masks", type=int, default=4000)
    parser.add_argument("--measure", nargs=2, metavar=("FOLDER", "KIND"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(Path(options.measure[0]), options.measure[1])))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), options.players, options.masks)
        for kind in ("planted", "noise"):
            command = [sys.executable, __file__, "--measure", folder, kind]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
            found = json.loads(output)
            pairs = f"{found['pairs']} of {_PAIRS}" if kind == "planted" else "-"
            rows.append(
                [
                    *(kind, f"{found['growth']:.0f}", f"{found['ratio']:.1f}"),
                    *(f"{found['seconds']:.1f}", f"{found['cv']:.3f}", f"{found['fresh']:.3f}"),
                    pairs,
                ]
            )
    header = ["values", "peak growth MiB", "of the packed masks", "CPU s", "cv_faithfulness"]
    print(markdown([*header, "R2 on fresh masks", "pairs among the 20 largest"], rows))


if __name__ == "__main__":
    main()
