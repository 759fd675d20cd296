"""A folder of Markdown files as documents."""

import os
from pathlib import Path

import pytest

from app.catalogue.readers import Row, markdown
from app.recommend.types import Document


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def read(folder: Path, name: str, text: str) -> Row:
    write(folder, {name: text})
    (row,) = markdown(folder)
    return row


def document(folder: Path, name: str, text: str) -> Document:
    row = read(folder, name, text)
    assert row.document is not None, row.reason
    return row.document


def test_id_from_the_path_title_from_the_heading_category_from_the_folder(tmp_path: Path) -> None:
    found = document(tmp_path, "cooking/Fresh Bread.md", "# Keeping bread #\n\nIn a box.\n")
    assert found == Document("cooking-fresh-bread", "Keeping bread", "In a box.", "cooking")


def test_front_matter_comes_first(tmp_path: Path) -> None:
    matter = "---\nid: bread\ntitle: Bread: a guide\nurl: https://a.b/c\nauthor: me\n---\n"
    found = document(tmp_path, "x/y.md", f"{matter}# A heading\n\nBaked.\n")
    assert found == Document("bread", "Bread: a guide", "Baked.", "x", "https://a.b/c")


def test_without_a_heading_the_name_is_the_title(tmp_path: Path) -> None:
    found = document(tmp_path, "staling.md", "Bread goes stale.\n\n## Why\n\nStarch.")
    assert (found.id, found.title, found.category) == ("staling", "staling", "")
    assert found.text == "Bread goes stale.\n\n## Why\n\nStarch."


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wi-fi.md", "wi-fi"),
        ("Newton's laws.md", "newton-s-laws"),
        ("Café au lait.md", "cafe-au-lait"),
        ("deep/er/snake_case 2.md", "deep-er-snake-case-2"),
    ],
)
def test_ids_are_readable_slugs(tmp_path: Path, name: str, expected: str) -> None:
    assert document(tmp_path, name, "Text.").id == expected


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    found = document(tmp_path, "a.md", "\ufeff---\ntitle: Bread\n---\nBaked.")
    assert (found.title, found.text) == ("Bread", "Baked.")


def test_files_come_in_order_and_others_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, {"b.md": "B.", "a/z.md": "Z.", "c.txt": "C.", "a/d.md": "D."})
    (tmp_path / "folder.md").mkdir()
    rows = list(markdown(tmp_path))
    assert [row.document.id for row in rows if row.document] == ["a-d", "a-z", "b"]
    assert [row.position for row in rows] == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("empty.md", "", "text: String should have at least 1"),
        ("heading.md", "# Only a heading", "text: String should have at least 1"),
        ("日本.md", "Text.", "id: String should match pattern"),
        ("bell.md", "\x07", "text: Value error, contains the control character U+0007"),
        ("url.md", "---\nurl: ftp://a\n---\nText.", "url: Value error, is not an http"),
    ],
)
def test_a_bad_file_says_why(tmp_path: Path, name: str, text: str, reason: str) -> None:
    row = read(tmp_path, name, text)
    assert row.document is None
    assert reason in row.reason


def test_bytes_that_are_no_text_in_a_file_whose_name_is_none_either(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.md")).write_bytes(b"\xff\xfe\xfd")
    (row,) = markdown(tmp_path)
    assert row.document is None
    assert "can't decode byte 0xff" in row.reason
    row.raw.encode()
