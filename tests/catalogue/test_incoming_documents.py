"""Incoming documents are validated, and errors name the field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.catalogue.incoming_documents import MAX_TEXT, MAX_TITLE, IncomingDocument
from tests.cases import cases

GOOD = {"id": "bread", "title": "Bread", "text": "Bread is baked."}


def test_a_good_one_is_trimmed_and_composed() -> None:
    content = GOOD | {"title": "  Cafe\u0301 \n", "category": "cooking", "url": "https://a.b/c"}
    document = IncomingDocument.model_validate(content).as_document()
    assert (document.id, document.title, document.category) == ("bread", "Café", "cooking")
    assert (document.url, document.updated_at) == ("https://a.b/c", "")


@cases("document_id", ["a", "0", "a.b_c-d", "DOC_1:x", "x" * 128])
def test_slugs(document_id: str) -> None:
    assert IncomingDocument.model_validate(GOOD | {"id": document_id}).id == document_id


@cases(
    ("wrong", "reason"),
    [
        ({"id": ""}, "pattern"),
        ({"id": "-a"}, "pattern"),
        ({"id": "a/b"}, "pattern"),
        ({"id": "a b"}, "pattern"),
        ({"id": "a\n"}, "pattern"),
        ({"id": "é"}, "pattern"),
        ({"id": "x" * 129}, "at most 128"),
        ({"id": 5}, "valid string"),
        ({"title": "  "}, "at least 1"),
        ({"title": "x" * (MAX_TITLE + 1)}, f"at most {MAX_TITLE}"),
        ({"text": "x" * (MAX_TEXT + 1)}, f"at most {MAX_TEXT}"),
        ({"text": None}, "valid string"),
        ({"text": "bell\x07"}, r"control character U\+0007; remove it"),
        ({"text": "a\x00b"}, r"control character U\+0000"),
        ({"text": "\x85"}, "at least 1"),
        ({"url": "javascript:alert(1)"}, "http or https"),
        ({"url": "https://"}, "http or https"),
        ({"url": "https://a b"}, "http or https"),
        ({"colour": "red"}, "not permitted"),
    ],
)
def test_a_bad_one_is_refused_and_says_why(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        IncomingDocument.model_validate(GOOD | wrong)


@given(st.text(st.characters(), min_size=1, max_size=50))
def test_any_text_is_kept_or_refused(text: str) -> None:
    try:
        found = IncomingDocument.model_validate(GOOD | {"text": text})
    except ValidationError:
        return
    assert found.text == found.text.strip() != ""
    assert IncomingDocument.model_validate(GOOD | {"text": found.text}) == found
    found.text.encode()
