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
from _common import load_tests, markdown, progress

import shapiq_spex

tests = load_tests("ablations/test_store.py")

_N, _MASKS, _BATCH, _READ = 1000, 20_000, 256, 100_000
_REPEATS = 5
_KILLS, _PAID, _KILLED_BATCH = 20, 640, 16  # of the script
_SCRIPT = Path(__file__).parents[1] / "tests" / "ablations" / "killed_run.py"
_STORES, _HARD_KILLS, _DISKS, _OPENINGS = 15, 20, 20, 500
_SMALL = "size=600k"


def measure(folder: Path) -> list[list[str]]:
    """Return the rows of the table."""
    rows: list[list[str]] = []
    for part in (_kills, _hard_kills, _full_disks, _beside_a_writer, _costs, _second_run):
        for row in part(folder):
            progress(row)
            rows.append(row)
    return rows


def _hard_kills(folder: Path) -> list[list[str]]:
    """Kill processes that write large outputs without pause; open the store after each."""
    refused = 0
    for number in range(_STORES):
        path = folder / f"hard{number}.sqlite"
        command = [sys.executable, "-c", tests.KILLED_WRITING, str(path), str(_HARD_KILLS)]
        done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 our own
        _, outputs = read(path)
        told = 8 * done.stdout.count(b"+")
        refused += done.returncode != 0 or not told <= len(outputs) <= told + 8 * _HARD_KILLS
        path.unlink()
    found = f"{refused} stores of {_STORES} refused or short, after {_STORES * _HARD_KILLS} kills"
    return [["stores refused after kills amid 1,000 outputs a mask", "0 of 300", found]]


def _full_disks(folder: Path) -> list[list[str]]:
    """Fill small file systems, half of the time with a kill at the end; read the stores."""
    refused = n_batches = 0
    place = folder / "small"
    place.mkdir()
    for number in range(_DISKS):
        mount = ["mount", "-t", "tmpfs", "-o", _SMALL, "tmpfs", str(place)]
        if subprocess.run(mount, check=False, capture_output=True).returncode:  # noqa: S603
            return [["stores refused on a full disk", "0 of 20", "not to be had on this machine"]]
        try:
            path = place / "a.sqlite"
            command = [sys.executable, "-c", _FILLING, str(path), str(number)]
            done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 our own
            _, outputs = read(path)
            n_batches += done.stdout.count(b"+")
            refused += len(outputs) != 20 * done.stdout.count(b"+")
        finally:
            subprocess.run(["umount", str(place)], check=True)  # noqa: S603, S607 made above
    found = f"{refused} of {_DISKS} refused or short, with {n_batches} batches in all"
    return [["stores refused on a full disk (tmpfs), half of them killed", "0 of 20", found]]


_FILLING = """
import os, sys
import numpy as np
from shapiq_spex.ablations import AblationStore, Batch, StoreError
kept = AblationStore(sys.argv[1])
game, number = kept.game_id("game", 64), int(sys.argv[2])
rng = np.random.default_rng(number)
try:
    while True:
        masks = rng.integers(256, size=(20, 8), dtype=np.uint8)
        kept.add(game, Batch(masks, 0, rng.normal(size=(20, 5 + 7 * number)), 1.0))
        os.write(1, b"+")
except StoreError:
    os.kill(os.getpid(), 9) if number % 2 else None
"""


def _beside_a_writer(folder: Path) -> list[list[str]]:
    """Open a store while another process writes to it without pause."""
    path, refused = folder / "busy.sqlite", 0
    # outputs of 10 numbers: a store of gigabytes takes long to open
    script = tests.KILLED_WRITING.replace("0.2", "9e5").replace("1000)", "10)")
    command = [sys.executable, "-c", script, str(path), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:  # noqa: S603 our own
        writer.stdout.read(1)
        for _ in range(_OPENINGS):
            try:
                read(path, repeat=1)
            except shapiq_spex.StoreError:
                refused += 1
        writer.kill()
    return [["openings refused beside a writer", "0 of 500", f"{refused} of {_OPENINGS}"]]


def read(path: Path, repeat: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Open a store of the scripts' game, and return what is in it."""
    kept = shapiq_spex.AblationStore(path)
    try:
        return kept.read(kept.game_id("game", 64), repeat)
    finally:
        kept.close()


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
