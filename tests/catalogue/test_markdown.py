"""Markdown files as documents: every file is one, with what its author meant."""

import os
from collections import Counter
from pathlib import Path

import pytest

from app.catalogue.importers.markdown import markdown_files, markdown_rows
from app.catalogue.importers.row import Notes, Row
from app.recommend.types import Document


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def rows(source: Path) -> list[Row]:
    return list(markdown_rows(source, Counter()))


def document(folder: Path, name: str, text: str) -> Document:
    write(folder, {name: text})
    (row,) = rows(folder)
    assert row.document is not None, row.reason
    return row.document


def ids(folder: Path) -> dict[str, str]:
    """File to id."""
    found = zip(markdown_files(folder), rows(folder), strict=True)
    return {
        str(path.relative_to(folder)): row.document.id if row.document else row.reason
        for path, row in found
    }


def test_id_from_the_path_title_from_the_heading_category_from_the_folder(tmp_path: Path) -> None:
    found = document(tmp_path, "cooking/fresh-bread.md", "# Keeping bread #\n\nIn a box.\n")
    assert found == Document("cooking.fresh-bread", "Keeping bread", "In a box.", "cooking")


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("# A *b* `c` [d](e) ![f](g) {#h}\n\nText.", "A b c d", "Text."),
        ("Setext\n===\n\nText.", "Setext", "Text."),
        ("## Second level\n\nText.", "Second level", "Text."),
        ("Text.\n\n## Why\n\nMore.", "name", "Text.\n\n## Why\n\nMore."),
        ("Text.\n\n# Late\n\nMore.", "Late", "Text.\n\n\nMore."),
        ("Text.\n\n```\n# comment\n```", "name", "Text.\n\n```\n# comment\n```"),
        ("    # code\n\nText.", "name", "# code\n\nText."),
        ("> # quoted\n\nText.", "name", "> # quoted\n\nText."),
        ('<h1 align="center">Html</h1>\n\nText.', "Html", "Text."),
        ('<div>\n<h1>In</h1>\n<img src="a">more</div>\n\nText.', "In", None),
        ("---\n\nNote: a rule comes first.\n\n---\n\nText.", "name", None),
        ("---\nJust a line\n---\nText.", "name", None),
        ("---\ntitle: >-\n  Two\n  lines\n---\nText.", "Two lines", "Text."),
        ("---\ntitle: Bread: a guide\n---\nText.", "Bread: a guide", "Text."),
        ('---\ntitle: "A: b" # remark\n---\nText.', "A: b", "Text."),
        (
            "---\nauthors:\n  - title: Baker\n    url: https://a.b\n---\n# Own\n\nText.",
            "Own",
            "Text.",
        ),
        ("---\ntitle:\n---\n# Own\n\nText.", "Own", "Text."),
        ("---\ntitle: null\n---\nText.", "name", "Text."),
        ("---\ntitle: 2024-01-02\n...\nText.", "2024-01-02", "Text."),
        ("---\ntitle: Yes\ntext: not this\n---\nText.", "Yes", "Text."),
        ("---\ntitle: One\n---\n# One\n\nText.", "One", "Text."),
        ("---\ntitle: One\n---\n# Two\n\nText.", "One", "# Two\n\nText."),
        ("---\ntitle: Only\ndescription: This.\n---\n", "Only", "This."),
        ("---\n---\nText.", "name", "Text."),
        ("---\n# remark\n---\nText.", "name", "Text."),
        ("---\nTitle: Capital\n---\nText.", "Capital", "Text."),
        ('+++\ntitle = "Toml"\n+++\nText.', "Toml", "Text."),
        ("+++\ntitle = Broken\n+++\nText.", "Broken", "Text."),
        ('{\n"title": "Json"\n}\n\nText.', "Json", "Text."),
        ("{% include x %}\nText.", "name", "{% include x %}\nText."),
        ("\ufeff---\r\ntitle: Windows\r\n---\r\nText.\r\n", "Windows", "Text."),
        ("# Only a heading", "Only a heading", "Only a heading"),
        ("<!-- # no\n\n# title -->\n\n# One\n\nText.\n\n<!-- a --> <!-- b -->", "One", "Text."),
        ("Text.\n\n<!-- a --> b\n\n```\n<!-- c -->\n```", "name", None),
        ("---\nTEXT: no\ncategory: " + "x" * 99 + "\n---\nText.", "name", "Text."),
    ],
)
def test_title_and_text(tmp_path: Path, text: str, title: str, body: str | None) -> None:
    found = document(tmp_path, "name.md", text)
    assert found.title == title
    assert found.text == (text.strip() if body is None else body)


def test_what_of_a_front_matter_is_used(tmp_path: Path) -> None:
    matter = "---\nid: Bread\ncategory: [a, b]\nurl: https://a.b/c\nmenu: {url: /x}\n---\n"
    found = document(tmp_path, "x/y.md", f"{matter}Baked.\n")
    assert found == Document("Bread", "y", "Baked.", "a", "https://a.b/c")
    assert document(tmp_path, "x/y.md", "---\nurl: /hugo/\n---\nBaked.").url == ""


def test_code_of_mdx_is_no_text(tmp_path: Path) -> None:
    text = (
        "import A from 'b'\nimport {\n  C\n} from 'd'\n\n{/* # No */}\n\n# Title\n\nText.\n\n"
        "export function F() {\n\n  return <p>\n\n# No\n\n</p>\n}\n\nEnd.\n\nexport const x = {"
    )
    found = document(tmp_path, "a.mdx", text)
    assert (found.title, found.text) == ("Title", "Text.\n\n\nEnd.")


def test_every_file_is_a_document_of_its_own(tmp_path: Path) -> None:
    names = [
        "a-b.md", "a_b.md", "a b.md", "a.b.md", "A/B.md", "a/b.md", "a/b.markdown", "a/b.mdx",
        "UPPER.MD", "c++.md", "c.md", "!!!.md", "文档/安装.md", "文档/运行.md", "d/index.md",
        "e/index.md", "日本.md", "日本語.md", f"{'long' * 40}.md", f"{'long' * 41}.md",
        "caf\u00e9.md", "cafe\u0301.md",
    ]  # fmt: skip
    write(tmp_path, dict.fromkeys(names, "Text."))
    found = ids(tmp_path)
    assert len(set(found.values())) == len(found) == len(names)
    assert found["a-b.md"] == "a-b"
    assert found["a/b.md"] == "a.b"
    assert ids(tmp_path) == found
    write(tmp_path, {"0.md": "New.", "a/0.md": "New."})
    assert ids(tmp_path) | found == ids(tmp_path)


def test_an_id_that_two_files_claim_is_used_by_none(tmp_path: Path) -> None:
    claim = "---\nid: {}\n---\nText."
    write(tmp_path, {"a/i.md": claim.format("intro"), "b/i.md": claim.format("intro")})
    write(tmp_path, {"c.md": claim.format("d"), "d.md": "Text.", "e.md": claim.format("e")})
    write(tmp_path, {"f.md": claim.format("Not an id!"), "g.md": claim.format("own")})
    assert ids(tmp_path) == {
        "a/i.md": "a.i", "b/i.md": "b.i", "c.md": "c", "d.md": "d", "e.md": "e", "f.md": "f",
        "g.md": "own",
    }  # fmt: skip


def test_each_file_of_the_folder_and_no_other(tmp_path: Path) -> None:
    folder, outside = tmp_path / "docs", tmp_path / "outside.md"
    write(tmp_path, {"outside.md": "Out."})
    write(folder, {"b.md": "B.", "a/z.md": "Z.", "c.txt": "C.", ".h/s.md": "S.", ".t.md": "T."})
    write(folder, {"node_modules/p/README.md": "P.", ".data/real.md": "Linked."})
    (folder / "folder.md").mkdir()
    links = (
        "self.md>self.md to.md>fro.md fro.md>to.md twice.md>b.md nowhere.md>gone.md loop>. up>.. "
        "linked.md>.data/real.md again.md>linked.md"
    )
    for name, _, target in (each.partition(">") for each in [*links.split(), f"out.md>{outside}"]):
        (folder / name).symlink_to(target)
    notes: Notes = Counter()
    found = list(markdown_rows(folder, notes))
    assert [row.document.id for row in found if row.document] == ["a.z", "again", "b"]
    assert [row.position for row in found] == [1, 2, 3]
    assert sum(notes.values()) == 3 + 2 + 7 + 1 + 1, notes
    assert any("node_modules" in each for each in notes)


def test_one_file(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "A.", "b.md": "B."})
    (row,) = rows(tmp_path / "a.md")
    assert row.document == Document("a", "a", "A.")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "text: the file is empty"),
        (b"\x07", r"text: contains the control character U+0007"),
        ("Хранение хлеба".encode("cp1251"), "neither UTF-8, UTF-16 nor Western"),
        (b"x" * 1_000_001, "text has 1,000,001 characters"),
    ],
)
def test_a_bad_file_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.md")  # which is no text either
    Path(name).write_bytes(content)
    (row,) = rows(tmp_path)
    assert row.document is None
    assert reason in row.reason
    row.raw.encode()
