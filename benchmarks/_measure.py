"""One measurement in a process of its own, printed as a line of JSON.

python _measure.py speed GAME N/BUDGET METHOD RUNS [FOLDER]
python _measure.py large SEED NOISE
"""

from __future__ import annotations

import json
import resource
import sys
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import shapiq
from _common import (
    TimedGame,
    and_game,
    dense_game,
    hash_noise,
    load_games,
    parity_terms,
    r_squared,
    silence_lightgbm,
    table_game,
    timed_run,
)

import shapiq_spex

_METHODS = {"ours": shapiq_spex.ProxySPEX, "shapiq": shapiq.ProxySPEX}
_FRESH = 2000
_N_LARGE = 1024
_BUDGET_LARGE = 10_000
_TRIPLES = 60


def speed(kind: str, size: str, method: str, runs: str, folder: str = "") -> dict[str, float]:
    """Return the median CPU and wall seconds of ``runs`` calls, the game's own left out.

    Of ours one run more is taken, to warm up, and left out. The size is ``PLAYERS/MASKS``.
    """
    n, budget = map(int, size.split("/"))
    if kind == "recorded":
        game, _ = table_game(load_games(Path(folder))["sentiment_imdb_distilbert_14"]["game_01"])
    else:
        game = {"and": partial(and_game, n_terms=30), "dense": dense_game}[kind](n, seed=0)
    make = partial(_METHODS[method], n=n, max_order=3, index="FBII", random_state=0)
    costs = [timed_run(make, budget, game)[1] for _ in range(int(runs) + int(method == "ours"))][
        -int(runs) :
    ]
    return {name: median(cost[name] for cost in costs) for name in ("cpu_seconds", "wall_seconds")}


def large(seed: str, noise: str) -> dict[str, float]:
    """Return R2, seconds and memory with many players and a hierarchy of Fourier terms."""
    rng = np.random.default_rng([int(seed), 4])
    triples = [sorted(rng.choice(_N_LARGE, 3, replace=False)) for _ in range(_TRIPLES)]
    sets = sorted(
        {(i,) for t in triples for i in t}
        | {pair for a, b, c in triples for pair in ((a, b), (a, c), (b, c))}
        | {tuple(t) for t in triples}
    )
    coefficients = rng.normal(size=len(sets))
    signal = parity_terms(sets, coefficients)
    disturb = hash_noise(_N_LARGE, int(seed))
    size = float(noise) * np.sqrt((coefficients**2).sum())
    game = TimedGame(lambda masks: signal(masks) + size * disturb(masks))
    approximator = shapiq_spex.ProxySPEX(_N_LARGE, 3, "FBII", random_state=int(seed))
    _, cost = timed_run(lambda: approximator, _BUDGET_LARGE, game)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    masks = np.random.default_rng([int(seed), 1]).random((_FRESH, _N_LARGE)) < 0.5
    predictions = approximator.spectrum.evaluate(masks)
    return {
        "r2": r_squared(signal(masks), predictions),
        "seconds": cost["wall_seconds"] + game.wall_seconds,
        "without_game": cost["wall_seconds"],
        "peak_gib": peak,
        "n_terms": len(sets),
        "n_found": len(approximator.spectrum),
        "cv_faithfulness": approximator.cv_faithfulness,
    }


if __name__ == "__main__":
    silence_lightgbm()
    print(json.dumps({"speed": speed, "large": large}[sys.argv[1]](*sys.argv[2:])))
