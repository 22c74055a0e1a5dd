"""Retrainings a second on one and two workers, beside the learner's own speed.

    uv run benchmarks/bench_workers.py

The learner's own speed is that of a loop that fits and predicts, in as many processes at the same
time. Both take turns on the same masks, after a warm-up; the median of the turns counts. Each row
is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

# before anything is imported that reads them: one thread for each process
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
# Ray would set up an environment for each worker where `uv run` started this
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")

import joblib  # noqa: E402 after the environment is set
import numpy as np  # noqa: E402
from _common import markdown, progress  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

import shapiq_spex  # noqa: E402
from shapiq_spex.games import DataSubsetGame, Margin  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TRAIN, _TEST = 100, 50
_LEARNERS = {
    "logistic regression": (LogisticRegression(max_iter=200), 600),
    "boosting": (HistGradientBoostingClassifier(max_iter=10), 240),
}
_BACKENDS = ("in process", "loky", "dask", "ray")


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return digits to train and to test on."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[:_TRAIN], order[_TRAIN : _TRAIN + _TEST]
    return X[train] / 16, y[train], X[test] / 16, y[test]


def plain(learner: Any, masks: np.ndarray, start: float) -> float:  # noqa: ANN401 any estimator
    """Fit and predict in a loop that begins at a time; return when it ended."""
    X, y, X_test, _ = data()
    clone(learner).fit(X, y).predict_proba(X_test)
    time.sleep(max(0.0, start - time.time()))
    for mask in masks:
        clone(learner).fit(X[mask], y[mask]).predict_proba(X_test)
    return time.time()


def own_speed(learner: Any, masks: np.ndarray, pool: Any, workers: int) -> float:  # noqa: ANN401 as above
    """Return the learner's own retrainings a second, in some processes at the same time."""
    start = time.time() + 1.0
    parts = [(learner, masks[part::workers], start) for part in range(workers)]
    ends = pool.starmap(plain, parts, chunksize=1)
    return len(masks) / (max(ends) - start)


@contextmanager
def running(backend: str, workers: int) -> Iterator[None]:
    """Have joblib use a backend, on a real local cluster where it takes one."""
    with ExitStack() as stack:
        if backend == "dask":
            from distributed import Client, LocalCluster  # noqa: PLC0415 one of several

            cluster = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
            stack.enter_context(cluster)
            stack.enter_context(Client(cluster))
        elif backend == "ray":
            import ray  # noqa: PLC0415 one of several
            from ray.util.joblib import register_ray  # noqa: PLC0415 as above

            ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
            stack.callback(ray.shutdown)
            register_ray()
        name = "sequential" if backend == "in process" else backend
        stack.enter_context(joblib.parallel_config(name, n_jobs=workers))
        yield


def measure(name: str, backend: str, workers: int, turns: int) -> list[str]:
    """Return a row: the learner's own speed, and that of the game with its store."""
    learner, count = _LEARNERS[name]
    X, y, X_test, y_test = data()
    masks = np.random.default_rng(1).random((count * workers, _TRAIN)) < 0.5
    game = DataSubsetGame(learner, X, y, value=Margin(X_test, y_test))
    own, ours = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        get_context("spawn").Pool(workers) as pool,
        running(backend, workers),
    ):
        timed(game, masks[: 40 * workers], Path(folder) / "warm-up")
        own_speed(learner, masks, pool, workers)
        for turn in range(turns):
            own.append(own_speed(learner, masks, pool, workers))
            ours.append(len(masks) / timed(game, masks, Path(folder) / str(turn)))
    ratio = median(ours) / median(own)
    row = [name, backend, str(workers), f"{median(own):.0f}", f"{median(ours):.0f}"]
    return [*row, f"{ratio:.0%}"]


def timed(game: Callable[[np.ndarray], np.ndarray], masks: np.ndarray, path: Path) -> float:
    """Return the seconds that a game in a store takes for masks."""
    with shapiq_spex.StoredGame(game, path) as stored:
        start = time.perf_counter()
        stored(masks)
        return time.perf_counter() - start


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--backends", nargs="+", choices=_BACKENDS, default=_BACKENDS)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--row", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        name, backend, workers = options.row
        print(json.dumps(measure(name, backend, int(workers), options.turns)))
        return
    rows = []
    for name in _LEARNERS:
        for backend in options.backends:
            for workers in ("1",) if backend == "in process" else ("1", "2"):
                row = ["--turns", str(options.turns), "--row", name, backend, workers]
                command = [sys.executable, __file__, *row]
                run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 this file
                rows.append(json.loads(run.stdout.splitlines()[-1]))
                progress(rows[-1])
    header = ["learner", "runs on", "workers", "its own speed, 1/s", "game in a store, 1/s", ""]
    print(markdown(header, rows))


if __name__ == "__main__":
    main()
