"""Every notebook runs from a clean kernel, with small budgets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parents[2] / "notebooks"
_NEEDS_TORCH = {"06_attention_heads"}
_NO_WIDGETS = re.compile(r".*TqdmWarning.*\n.*\n")  # of tqdm, which shapiq imports
_BAR = re.compile(r".*(?:%\||it/s|s/it).*")  # not the path of a cell, which a warning begins with


def _params() -> list[object]:
    """Return the notebooks with what they need."""
    return [
        pytest.param(
            path,
            id=path.stem,
            marks=[pytest.mark.notebooks, *([pytest.mark.torch] * (path.stem in _NEEDS_TORCH))],
        )
        for path in sorted(_FOLDER.glob("*.ipynb"))
    ]


@pytest.mark.parametrize("path", _params())
def test_quick_form_runs(path: Path, tmp_path: Path) -> None:
    """It runs to its end, in any folder, and neither it nor the package warns."""
    papermill = pytest.importorskip("papermill", reason="needs the group notebooks")
    if path.stem in _NEEDS_TORCH:
        pytest.importorskip("torch")
    done = papermill.execute_notebook(
        path, tmp_path / path.name, {"quick": True}, cwd=tmp_path, progress_bar=False
    )
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    written = "".join(o.text for o in outputs if o.get("name") == "stderr").replace("\r", "\n")
    said = _BAR.sub("", _NO_WIDGETS.sub("", written)).strip()
    assert not said
