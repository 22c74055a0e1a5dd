"""Write the project's report on faithfulness: methods side by side, in Markdown with figures.

uv run --group bench benchmarks/report.py --out FOLDER [--games FOLDER] [--quick] [--only PART ...]

What was measured is kept in FOLDER/results, a file a game: a second run goes on where the first one
ended, and only writes the report anew where nothing is missing.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# one thread each: the threads of shapiq's LightGBM and of BLAS spin where another process is busy
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from _report_parts import PARTS  # noqa: E402 the threads are set before numpy is loaded
from _report_text import describe_machine  # noqa: E402


def main() -> None:
    """Measure, and write the report."""
    options = _parse()
    (options.out / "results").mkdir(parents=True, exist_ok=True)
    texts = [f"# Faithfulness, side by side\n\n{describe_machine(quick=options.quick)}"]
    for name in options.only or PARTS:
        print(f"== {name}", file=sys.stderr, flush=True)
        texts.append(PARTS[name](options))
    (options.out / "report.md").write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    print(options.out / "report.md")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for report and results")
    parser.add_argument("--games", type=Path, help="folder of recorded games, .npz files")
    parser.add_argument("--quick", action="store_true", help="fewer games and sizes")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="some parts of the report")
    return parser.parse_args()


if __name__ == "__main__":
    main()
