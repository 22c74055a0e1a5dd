"""What SPEX and ProxySPEX find in prompts of a small language model: the tables of the README.

    uv run --group bench benchmarks/bench_prompts.py

SmolLM2-135M-Instruct answers, by llama.cpp on one thread.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from _common import print_parts

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from _faithful import SAMPLED, faithfulness  # noqa: E402
from _negations import negations  # noqa: E402
from _prompts import REVIEWS  # noqa: E402
from _retrieval import retrieval, ways  # noqa: E402
from _throughput import throughput  # noqa: E402
from _trolley import trolley  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

_PARTS: dict[str, Callable[[argparse.Namespace], str]] = {
    "negations": negations,
    "retrieval": retrieval,
    "ways": ways,
    "trolley": trolley,
    "faithfulness": faithfulness,
    "throughput": throughput,
}


def main() -> None:
    """Run the parts and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", choices=_PARTS, action="append", help="run this part alone")
    parser.add_argument("--store", type=Path, help="folder to keep the model's answers in")
    parser.add_argument("--sizes", type=int, nargs="+", choices=REVIEWS, default=list(REVIEWS))
    parser.add_argument("--budgets", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--methods", nargs="*", choices=SAMPLED, default=list(SAMPLED))
    parser.add_argument("--texts", type=int, default=2, help="how many of a size")
    parser.add_argument("--documents", type=int, nargs="+", default=[8, 16, 30])
    parser.add_argument("--questions", type=int, default=5, help="how many, over documents")
    parser.add_argument("--puzzles", type=Path, help="table of puzzles with the trolley problem")
    parser.add_argument("--hugging-face", type=Path, help="folder of a model to time on torch")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options.store = options.store or Path(folder)
        print_parts(_PARTS, options, {"trolley": options.puzzles})


if __name__ == "__main__":
    main()
