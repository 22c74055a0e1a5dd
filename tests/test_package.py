"""What `import shapiq_spex` does, and what it leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources

import pytest
import shapiq

import shapiq_spex

HEAVY = ["torch", "transformers", "tensorflow", "dask", "ray", "galois", "sparse_transform"]
OF_THE_COMMAND = ["shapiq_spex.cli", "shapiq_spex.games"]

REPORT = """
import json, sys, warnings
warnings.simplefilter("error")
import numpy as np
import shapiq
backend = sys.modules["matplotlib"].get_backend() if "matplotlib" in sys.modules else None
state = np.random.get_state()[1].tolist()
before = set(sys.modules)
own = shapiq.SPEX
import shapiq_spex
from shapiq.explainer.configuration import APPROXIMATOR_CONFIGURATIONS
json.dump(
    {
        "new": sorted(set(sys.modules) - before),
        "registered": APPROXIMATOR_CONFIGURATIONS["spex"]["FBII"] is shapiq_spex.SPEX
        and APPROXIMATOR_CONFIGURATIONS["proxyspex"]["FBII"] is shapiq_spex.ProxySPEX,
        "same class": shapiq.SPEX is own,
        "same random state": np.random.get_state()[1].tolist() == state,
    },
    sys.stdout,
)
"""


@pytest.fixture(scope="module")
def fresh_import() -> subprocess.CompletedProcess[str]:
    """Import the package in an interpreter of its own, with every warning an error."""
    return subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", REPORT], capture_output=True, text=True, check=False
    )


def test_import_is_silent(fresh_import: subprocess.CompletedProcess[str]) -> None:
    """Nothing is warned of or logged; stdout holds the report alone."""
    assert fresh_import.stderr == ""
    assert fresh_import.returncode == 0
    json.loads(fresh_import.stdout)


def test_import_registers(fresh_import: subprocess.CompletedProcess[str]) -> None:
    """The import alone is enough, and touches neither shapiq's class nor numpy's generator."""
    report = json.loads(fresh_import.stdout)
    assert report["registered"]
    assert report["same class"]
    assert report["same random state"]


def test_import_is_light(fresh_import: subprocess.CompletedProcess[str]) -> None:
    """Heavy packages, and what only the command needs, stay out until they are used."""
    new = set(json.loads(fresh_import.stdout)["new"])
    assert new.isdisjoint([*HEAVY, *OF_THE_COMMAND])


def test_public_names() -> None:
    """All names are there, and shapiq's classes are others than ours."""
    assert set(shapiq_spex.__all__) == {
        "METHODS",
        "SPEX",
        "AblationError",
        "AblationStore",
        "Comparison",
        "EnergyShares",
        "Faithfulness",
        "FourierSpectrum",
        "Partners",
        "ProxySPEX",
        "RunRecord",
        "StoreError",
        "StoredGame",
        "Subset",
        "__version__",
        "best_subset",
        "compare",
        "energy_shares",
        "faithfulness",
        "interaction_matrix",
        "near_duplicates",
        "partners",
        "register",
        "unregister",
    }
    for name in shapiq_spex.__all__:
        assert getattr(shapiq_spex, name) is not None
    assert shapiq_spex.SPEX is not shapiq.SPEX
    assert shapiq_spex.ProxySPEX is not shapiq.ProxySPEX
    assert shapiq_spex.__version__[0].isdigit()


def test_types_are_shipped() -> None:
    """Type checkers look for this marker."""
    assert resources.files(shapiq_spex).joinpath("py.typed").is_file()
