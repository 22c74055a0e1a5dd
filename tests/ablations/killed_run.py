"""A run to be killed: explains a slow game through a store, and writes down each evaluation.

    python killed_run.py STORE LOG RESULT METHOD KILLS

The process starts the run KILLS times in a copy of itself and kills that at a random moment, then
lets it go to its end. So the packages are imported once.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import shapiq

import shapiq_spex

N, BUDGET, BATCH = 40, 640, 16
LONGEST = 0.02  # seconds to live after some batches, of which each takes half of that
BATCHES = 2  # up to so many less one, before that: a busy machine may take long to begin


class SlowGame(shapiq.Game):
    """A game with a few interactions that takes its time."""

    def __init__(self, log: Path) -> None:
        """Remember where to write down each evaluation."""
        super().__init__(n_players=N, normalize=False)
        self._log = log

    def value_function(self, coalitions: np.ndarray) -> np.ndarray:
        """Evaluate a batch, after writing down how large it is."""
        with self._log.open("a") as file:
            file.write(f"{len(coalitions)}\n")
        time.sleep(0.01)
        signs = 1.0 - 2.0 * coalitions
        weights = np.random.default_rng(0).normal(size=(N, N)) / N
        return np.sin((signs @ weights * signs).sum(axis=1)) + 2.0 * coalitions[:, 0]


def run(store: str, log: str, result: str, method: str) -> None:
    """Explain, and save what was found bit for bit."""
    with shapiq_spex.StoredGame(
        SlowGame(Path(log)), store, batch_size=BATCH, fingerprint="slow"
    ) as game:
        approximator = getattr(shapiq_spex, method)(n=N, max_order=2, random_state=0)
        explanation = approximator.approximate(budget=BUDGET, game=game)
    values = sorted(explanation.dict_values.items())
    lines = [f"{players} {value.hex()}" for players, value in values]
    Path(result).write_text("\n".join(lines), encoding="utf-8")


def count(log: str) -> int:
    """Return how many batches were begun."""
    return Path(log).read_text(encoding="utf-8").count("\n") if Path(log).exists() else 0


def runs(child: int) -> bool:
    """Say whether a process has not ended, and leave its end to be waited for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def main(store: str, log: str, result: str, method: str, kills: str) -> None:
    """Kill the run at random moments, then let it finish; print how many batches each left."""
    moments = random.Random(0)  # noqa: S311 no secret
    for _ in range(int(kills)):
        child = os.fork()
        if child == 0:
            run(store, log, result, method)
            os._exit(0)
        wanted = count(log) + moments.randrange(BATCHES)
        while count(log) < wanted and runs(child):
            time.sleep(0.001)
        time.sleep(LONGEST * moments.random())
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print(count(log), flush=True)  # noqa: T201 for the test
    run(store, log, result, method)


if __name__ == "__main__":
    main(*sys.argv[1:])
