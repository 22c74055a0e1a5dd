"""Retrain on a real local cluster, one of whose workers is killed on the way; print what came out.

python cluster_run.py BACKEND FOLDER
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import joblib
import numpy as np

import shapiq_spex
from shapiq_spex.games import DataSubsetGame, Margin

_MASKS, _POINTS, _BEFORE = 80, 12, 15


class Deadly:
    """A learner that writes down each training, and kills its process after some of them, once."""

    def __init__(self, folder: Path) -> None:
        """Remember where to write."""
        self.folder = folder

    def __call__(self, X: np.ndarray, y: np.ndarray, seed: int) -> object:  # noqa: ARG002
        """Train: the mean of each class, as its logit's direction."""
        time.sleep(0.02)
        log = self.folder / "log"
        with log.open("a") as file:
            file.write("trained\n")
        if len(log.read_text().splitlines()) > _BEFORE:
            try:
                (self.folder / "killed").touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        means = np.stack([X[y == label].mean(axis=0) for label in (0, 1)], axis=1)
        return lambda test: test @ means


def enter_backend(name: str, stack: ExitStack) -> None:
    """Start a cluster, and have joblib use it."""
    if name == "dask":
        from distributed import Client, LocalCluster  # noqa: PLC0415 one of several

        cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        stack.enter_context(cluster)
        stack.enter_context(Client(cluster))
    if name == "ray":
        import ray  # noqa: PLC0415 one of several
        from ray.util.joblib import register_ray  # noqa: PLC0415 as above

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        stack.callback(ray.shutdown)
        register_ray()
    stack.enter_context(joblib.parallel_config(name, n_jobs=2))


def main(backend: str, folder: Path) -> None:
    """Retrain once on the cluster, and once here."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(_POINTS, 3)), np.arange(_POINTS) % 2
    value = Margin(rng.normal(size=(4, 3)), [0, 1, 0, 1])
    game = DataSubsetGame(Deadly(folder), X, y, value=value)
    masks = np.unique(rng.random((_MASKS, _POINTS)) < 0.5, axis=0)
    masks = masks[(masks @ y > 0) & (masks @ (1 - y) > 0)]
    with ExitStack() as stack:
        enter_backend(backend, stack)
        stored = stack.enter_context(shapiq_spex.StoredGame(game, folder / "store.sqlite"))
        values = stored(masks)
        kept = len(stored.ablations()[1])
        trained = len((folder / "log").read_text().splitlines())
        killed = (folder / "killed").exists()
    same = bool(np.array_equal(values, game(masks)))
    found = {"masks": len(masks), "kept": kept, "trained": trained, "killed": killed, "same": same}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
