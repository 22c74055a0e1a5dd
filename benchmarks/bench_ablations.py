"""What the store of ablations costs, and that it loses nothing: the table of the README.

    uv run benchmarks/bench_ablations.py

Runs are killed in earnest, by the script that the tests use.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _common import markdown, progress

import shapiq_spex

_N, _MASKS, _BATCH, _READ = 1000, 20_000, 256, 100_000
_REPEATS = 5
_KILLS, _PAID, _KILLED_BATCH = 20, 640, 16  # of the script
_SCRIPT = Path(__file__).parents[1] / "tests" / "ablations" / "killed_run.py"


def measure(folder: Path) -> list[list[str]]:
    """Return the rows of the table."""
    rows = [*_kills(folder), *_costs(folder), *_second_run(folder)]
    for row in rows:
        progress(row)
    return rows


def _kills(folder: Path) -> list[list[str]]:
    """Kill each approximator's run twenty times, and compare with a run that was not killed."""
    rows = []
    for method in ("ProxySPEX", "SPEX"):
        results = []
        for kills in (0, _KILLS):
            files = [folder / f"{method}{kills}.{kind}" for kind in ("sqlite", "log", "result")]
            command = [sys.executable, _SCRIPT, *files, method, str(kills)]
            subprocess.run(list(map(str, command)), check=True, capture_output=True)  # noqa: S603
            paid = sum(map(int, files[1].read_text(encoding="utf-8").split()))
            results.append((files[2].read_text(encoding="utf-8"), paid))
        (whole, _), (killed, paid) = results
        same = "equal bit for bit" if whole == killed else "DIFFERENT"
        rows.append(
            [
                f"{method}: masks paid for more than once over {_KILLS} kills",
                f"at most the {_KILLED_BATCH} in flight a kill",
                f"{paid - _PAID} in all; result {same}",
            ]
        )
    return rows


def _costs(folder: Path) -> list[list[str]]:
    """Return the microseconds a stored ablation costs, and the seconds it takes to read many."""
    rng = np.random.default_rng(0)
    masks = rng.random((_READ, _N)) < 0.5
    values = masks[:, 0] + rng.normal(size=_READ)

    def read_off(count: int, name: str) -> shapiq_spex.StoredGame:
        position = iter(range(0, count, _BATCH))

        def play(asked: np.ndarray) -> np.ndarray:
            start = next(position)
            return values[start : start + len(asked)]

        path = folder / f"{name}.sqlite"
        return shapiq_spex.StoredGame(play, path, _BATCH, n_players=_N, fingerprint="table")

    written, seconds = [], []
    for repeat in range(_REPEATS):
        with read_off(_MASKS, f"written{repeat}") as game:
            cpu, wall = time.process_time(), time.perf_counter()
            game(masks[:_MASKS])
            written.append([time.process_time() - cpu, time.perf_counter() - wall])
    with read_off(_READ, "read") as game:
        game(masks)
    with read_off(0, "read") as game:
        wall = time.perf_counter()
        found = game(masks)
        seconds.append(time.perf_counter() - wall)
        wall = time.perf_counter()
        taken, _ = game.ablations()
        seconds.append(time.perf_counter() - wall)
    if not (np.array_equal(found, values) and len(taken) == _READ):
        msg = "What was read is not what was written."
        raise RuntimeError(msg)
    each = 1e6 * np.median(written, axis=0) / _MASKS
    return [
        [
            f"a stored ablation, n={_N:,}, {_MASKS:,} masks, batches of {_BATCH}",
            "under 25 µs",
            f"{each[1]:.1f} µs ({each[0]:.1f} of CPU), the median of {_REPEATS} runs",
        ],
        [f"asking for {_READ:,} stored masks, n={_N:,}", "under 2 s", f"{seconds[0]:.2f} s"],
        [f"taking out all {_READ:,}", "under 2 s", f"{seconds[1]:.2f} s"],
    ]


def _second_run(folder: Path) -> list[list[str]]:
    """Make the same call twice."""
    results, records = [], []
    for _ in range(2):
        approximator = shapiq_spex.ProxySPEX(100, max_order=3, index="FBII", random_state=0)
        with shapiq_spex.StoredGame(_game, folder / "twice.sqlite", n_players=100) as game:
            results.append(approximator.approximate(1000, game).dict_values)
        records.append(approximator.record)
    same = "equal" if results[0] == results[1] else "DIFFERENT"
    answer = f"{records[1].evaluated} new, {records[1].from_store:,} from the store, {same}"
    return [["a second run of the same call", "0 new ablations, equal result", answer]]


def _game(masks: np.ndarray) -> np.ndarray:
    return masks[:, 0] + np.sin(masks @ np.sqrt(np.arange(2.0, 102.0)))


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--folder", type=Path, help="where to write; by default a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        print(markdown(["", "asked", "measured"], measure(Path(folder))))


if __name__ == "__main__":
    main()
