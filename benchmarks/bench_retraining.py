"""What ProxySPEX finds in training data: the tables of the README.

    uv run --group bench benchmarks/bench_retraining.py --games FOLDER --fashion FOLDER

The first folder holds recorded games, the second Fashion-MNIST's files; without them, what needs
them is left out. Everything is trained on one thread.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from _common import print_parts

# LightGBM by way of scikit-learn asks joblib's loky, and not OpenMP, for its number of threads
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"):
    os.environ.setdefault(_variable, "1")

from _planted import planted  # noqa: E402
from _recorded_values import recorded  # noqa: E402
from _retrained_faithful import LEARNERS, faithfulness  # noqa: E402
from _selection import SELECTION_LEARNERS, selection  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

_PARTS: dict[str, Callable[[argparse.Namespace], str]] = {
    "planted": planted,
    "faithfulness": faithfulness,
    "selection": selection,
    "recorded": recorded,
}


def main() -> None:
    """Run the parts and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", choices=_PARTS, action="append", help="run this part alone")
    parser.add_argument("--seeds", type=int, default=2, help="draws of the data and the masks")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--store", type=Path, help="folder to keep the retrainings in")
    parser.add_argument("--base", type=int, default=64, help="points to plant others among")
    parser.add_argument("--planted", type=int, default=3, help="planted points of each kind")
    parser.add_argument("--contexts", type=int, default=50, help="subsets to try pairs in")
    parser.add_argument("--points", type=int, nargs="+", default=[100, 500, 1000, 2000])
    parser.add_argument("--masks", type=int, nargs="+", default=[300, 1000])
    parser.add_argument("--learners", nargs="+", choices=LEARNERS, default=list(LEARNERS))
    parser.add_argument("--single", type=int, default=3, help="single test points to explain")
    parser.add_argument("--size", type=int, default=150, help="training points to choose from")
    parser.add_argument("--validation", type=int, default=150, help="points to choose by")
    parser.add_argument("--retrainings", type=int, default=1500, help="to choose by")
    parser.add_argument(
        "--selected", nargs="+", choices=SELECTION_LEARNERS, default=list(SELECTION_LEARNERS)
    )
    parser.add_argument("--chart", type=Path, help="where to draw the selection")
    parser.add_argument("--games", type=Path, help="folder of recorded games")
    parser.add_argument("--per-family", type=int, default=3, help="recorded games of a family")
    parser.add_argument("--fashion", type=Path, help="folder of Fashion-MNIST")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options.store = options.store or Path(folder)
        print_parts(_PARTS, options, {"recorded": options.games})


if __name__ == "__main__":
    main()
