"""Tests of where tasks run: in this process, in others, and on real clusters whose workers die."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import pytest

from shapiq_spex.games.training._engines import count_workers, run_tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTER_RUN = Path(__file__).with_name("cluster_run.py")
MOST_LOST = 2 * 12  # trainings in the tasks under way: a quarter of a second on two workers


def power(base: int, *, exponent: int) -> tuple[int, int]:
    """Compute something."""
    return exponent, base**exponent


def exponents(asked: list[int]) -> Iterator[dict[str, int]]:
    """Yield tasks, and write down that they were asked for."""
    for exponent in range(20):
        asked.append(exponent)
        yield {"exponent": exponent}


@pytest.mark.parametrize("backend", ["sequential", "threading", "multiprocessing", "loky"])
def test_all_backends_return_the_same(backend: str) -> None:
    """Every task is run once, with backends that hand on results one by one and with others."""
    with joblib.parallel_config(backend, n_jobs=2):
        found = dict(run_tasks(power, [3], exponents([])))
    assert found == {exponent: 3**exponent for exponent in range(20)}


def test_without_configuration_it_runs_in_this_process() -> None:
    """One worker, and no task is asked for before the last one has ended."""
    asked: list[int] = []
    results = run_tasks(power, [2], exponents(asked))
    assert count_workers() == 1
    assert next(results) == (0, 1)
    assert asked == [0]


@pytest.mark.parametrize("backend", ["loky", "dask", "ray"])
def test_a_killed_worker_loses_nothing_that_was_finished(backend: str, tmp_path: Path) -> None:
    """On a real local cluster all values are right, and only what was under way is run again."""
    quiet = {"RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, str(CLUSTER_RUN), backend, str(tmp_path)]
    run = subprocess.run(  # noqa: S603 a script of ours
        command, check=False, capture_output=True, text=True, env={**os.environ, **quiet}
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["killed"]
    assert found["same"]
    assert found["kept"] == found["masks"]
    assert found["masks"] < found["trained"] <= found["masks"] + MOST_LOST
