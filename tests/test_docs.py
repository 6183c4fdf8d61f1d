"""Pages lead somewhere: links between files hold, and every page can be reached from the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "drivers").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")


def links(page: Path) -> set[Path]:
    """The files a page points to, by relative links."""
    return {(page.parent / target).resolve() for target in LINK.findall(page.read_text())}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_hold(page: Path) -> None:
    """A page that was moved or renamed takes its links with it."""
    assert [str(target) for target in sorted(links(page)) if not target.exists()] == []


def test_every_page_of_the_docs_is_in_the_index() -> None:
    """What the index does not name is not found."""
    index = ROOT / "docs" / "index.md"
    missing = set((ROOT / "docs").rglob("*.md")) - links(index) - {index}
    assert sorted(str(page.relative_to(ROOT)) for page in missing) == []
