"""The notebooks as they are kept: run as a whole, readable anywhere, and saying how to run them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).parents[2] / "notebooks"
_NOTEBOOKS = sorted(_FOLDER.glob("*.ipynb"))
_SHOWN_ANYWHERE = {"text/plain", "text/html", "image/png"}
_REMOTE = re.compile(r"""(?:src|href)\s*=\s*["']?https?:|@import|<script""", re.IGNORECASE)
_PLACES = re.compile(r"/(?:tmp|home|root|work|Users)/|site-packages")


@pytest.fixture(params=_NOTEBOOKS, ids=[path.stem for path in _NOTEBOOKS])
def cells(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Return the cells of each notebook."""
    return json.loads(request.param.read_text())["cells"]


def _outputs(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [output for cell in cells for output in cell.get("outputs", [])]


def test_there_are_eight_notebooks() -> None:
    """One for each subject, numbered in the order in which to read them."""
    assert [path.name[:2] for path in _NOTEBOOKS] == [f"{number:02}" for number in range(1, 9)]


def test_first_cell_says_what_it_takes(cells: list[dict[str, Any]]) -> None:
    """It says what is shown, what is needed and how long it takes, and has the command."""
    first = "".join(cells[0]["source"])
    assert cells[0]["cell_type"] == "markdown"
    assert first.startswith("# ")
    for heading in ("**Shows.**", "**Needs.**", "**Takes.**"):
        assert heading in first
    assert re.search(r"uv run .*--group notebooks .*papermill notebooks/\d\d_\w+\.ipynb", first)


def test_one_parameter_makes_it_quick(cells: list[dict[str, Any]]) -> None:
    """The cell of parameters has the full run as its default."""
    (cell,) = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    assert "quick = False" in "".join(cell["source"])


def test_kept_outputs_are_of_one_run(cells: list[dict[str, Any]]) -> None:
    """All code cells ran once from top to bottom, without an error, and show something."""
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not [output for output in _outputs(cells) if output["output_type"] == "error"]
    assert any("image/png" in output.get("data", {}) for output in _outputs(cells))


def test_outputs_need_no_network(cells: list[dict[str, Any]]) -> None:
    """There are texts, tables and pictures, no widgets, and nothing is fetched to show them."""
    for output in _outputs(cells):
        data = output.get("data", {})
        assert set(data) <= _SHOWN_ANYWHERE
        assert not _REMOTE.search("".join(data.get("text/html", "")))


def test_outputs_name_no_place(cells: list[dict[str, Any]]) -> None:
    """The machine that they were made on does not show."""
    for output in _outputs(cells):
        text = [output.get("text", ""), *map(output.get("data", {}).get, ("text/plain",))]
        assert not _PLACES.search("".join("".join(part or "") for part in text))
