"""The guide and what was measured: links lead somewhere, and code is code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

_DOCS = Path(__file__).parents[1] / "docs"
_PAGES = [
    path
    for path in sorted(_DOCS.rglob("*.md"))
    if not {"_build", "notebooks", "jupyter_execute"} & set(path.relative_to(_DOCS).parts)
]
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")


def _anchors(page: Path) -> set[str]:
    """Return those that GitHub makes of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    """Files are there, and headings in them."""
    for file, heading in _LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / file if file else page
        assert target.exists(), file
        if heading:
            assert heading in _anchors(target)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_DOCS)))
def test_code_is_python(page: Path) -> None:
    """It can be copied."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        ast.parse(block)


def test_every_page_is_in_the_contents() -> None:
    """Sphinx warns of others, too; here it costs nothing."""
    contents = (_DOCS / "index.md").read_text(encoding="utf-8")
    listed = {line.strip() for line in contents.splitlines()}
    for page in _PAGES:
        name = page.relative_to(_DOCS).with_suffix("").as_posix()
        assert name == "index" or name in listed
