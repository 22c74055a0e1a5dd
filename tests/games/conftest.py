"""A real language model for the tests of games."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shapiq_spex.games import LlamaCpp, small_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def model_file() -> Path:
    """Find the weights that the extra ``demo`` installs."""
    return small_model()


@pytest.fixture(scope="session")
def llm(model_file: Path) -> LlamaCpp:
    """Load the model once, on one thread so that test processes do not wait for each other."""
    return LlamaCpp(model_file, n_context=1024, n_threads=1)
