"""Run notebooks as a whole, and keep their outputs in them.

    uv run --group notebooks notebooks/keep.py                         # all of them
    uv run --group notebooks notebooks/keep.py 01_quickstart.ipynb     # one

That of attention heads takes ``--group heads --extra huggingface``, too. Progress bars and what
libraries write beside them, times and places are left out, so that only changed results differ.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import nbformat
import papermill

_HERE = Path(__file__).parent


def run(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in an empty folder and return it with its outputs."""
    executed = folder / path.name
    papermill.execute_notebook(path, executed, cwd=folder, progress_bar=False)
    return nbformat.read(executed, as_version=4)


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Leave out what says nothing about the results: progress, times and places of the run."""
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags")
        cell.metadata = {"tags": tags} if tags else {}
        cell.id = f"cell-{number}"
        if cell.cell_type == "code":
            cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
    return notebook


def main() -> None:
    """Run the notebooks that are named, all of them by default."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", help="files in this folder, all by default")
    names = parser.parse_args().names or [path.name for path in sorted(_HERE.glob("*.ipynb"))]
    for name in names:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            notebook = clean(run(_HERE / name, Path(folder)))
        nbformat.write(notebook, _HERE / name)
        print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
