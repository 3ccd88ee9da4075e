"""Documents: every relative link leads somewhere, and every document can be reached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.repository import ROOT, committed_files

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:")

DOCUMENTS = committed_files("*.md")


def prose(path: Path) -> str:
    """Give the document without its code blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchor(heading: str) -> str:
    """Give the fragment by which forges link to a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def relative_links(path: Path) -> list[str]:
    """Give the links of a document that stay in the repository."""
    targets = (plain or image for plain, image in LINK.findall(prose(path)))
    return [target for target in targets if not ABSOLUTE.match(target)]


def broken(path: Path, target: str) -> bool:
    """Whether the link leads to no file, or to no heading of it."""
    name, _, fragment = target.partition("#")
    goal = (path.parent / name).resolve() if name else path
    if not goal.exists():
        return True
    if not fragment or goal.suffix != ".md":
        return False
    return fragment not in {anchor(heading) for heading in HEADING.findall(prose(goal))}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_links_only_to_what_stands(path: Path) -> None:
    """Every relative link, with its fragment, leads to a file and a heading."""
    assert [target for target in relative_links(path) if broken(path, target)] == []


def test_every_page_under_docs_is_reached_from_its_index() -> None:
    """Following links from docs/README.md finds every page under docs."""
    reached: set[Path] = set()
    waiting = [ROOT / "docs" / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in relative_links(page):
            goal = (page.parent / target.partition("#")[0]).resolve()
            if goal.is_dir():
                goal /= "README.md"
            if goal.suffix == ".md" and goal.is_file() and goal.is_relative_to(ROOT / "docs"):
                waiting.append(goal)
    assert [
        str(page.relative_to(ROOT)) for page in committed_files("docs/*.md") if page not in reached
    ] == []


def test_every_rule_of_the_table_in_contributing_stands_where_it_says() -> None:
    """The table "Where is the rule?" names files that exist."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.partition("Where is the rule?")[2].partition("\n\nImports")[0]
    files = re.findall(r"`([a-z_/]+\.py)`", table)
    assert len(files) > 5
    assert [name for name in files if not (ROOT / "reconciler" / name).is_file()] == []
