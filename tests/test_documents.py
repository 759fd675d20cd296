"""README and docs: links lead somewhere, and what they name exists."""

import re
from pathlib import Path

from app.model.judged import seed_queries
from benchmarks.generate import seed_documents
from tests.cases import cases

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/*/*.md")],
    key=lambda path: path.relative_to(ROOT).as_posix(),
)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@cases("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for address, anchor in LINK.findall(page.read_text("utf-8")):
        if "://" in address:
            continue
        target = (page.parent / address).resolve() if address else page
        assert target.exists(), address
        assert not anchor or anchor in anchors(target), f"{address}#{anchor}"


@cases("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_is_named_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    tables = (ROOT / "docs/settings.md", ROOT / "docs/observatory.md")
    settings = "".join(table.read_text("utf-8") for table in tables)
    named = set(re.findall(r"\b(?:VITRINE|OBSERVATORY)_[A-Z_]*[A-Z]\b(?!…)", text))
    assert {each for each in named if each not in settings} == set()


def test_the_seed_is_as_large_as_the_documents_say() -> None:
    page = (ROOT / "docs/importing.md").read_text("utf-8")
    queries = sum(len(seed_queries(split)) for split in ("tune", "test"))
    assert f"{len(seed_documents())} short documents" in page
    assert f"{queries} judged" in page
