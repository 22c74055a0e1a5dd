"""Whether values of one game ever answer for another, and whether equal games pay twice.

    uv run benchmarks/bench_changes.py

runs all cases of the tests of changed games, and a script whose constant changes half way under
every profiler and in every kind of worker, each in a new store and again in the same one.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from _common import load_tests


def main() -> None:
    """Print a table."""
    tests = load_tests("ablations/test_changed_games.py")
    print("| way | old values served | paid twice |")
    print("|---|---|---|")
    for way in tests.WAYS:
        with tempfile.TemporaryDirectory() as folder:
            first, second = (tests.run_script(way, Path(folder)) for _ in range(2))
            plain = tests.run_script("plain", Path(folder))
        served = "no" if first == tests.ALL_NEW else first
        paid = "no" if second == plain == tests.ALL_KNOWN else f"{second} {plain}"
        print(f"| {way} | {served} | {paid} |", flush=True)
    sys.exit(pytest.main(["-q", "-k", "not profilers", tests.__file__]))


if __name__ == "__main__":
    main()
