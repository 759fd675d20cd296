"""A text becomes terms; operators are words; only unknown words are corrected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommend.query import NoSearchableWords, analyze
from app.recommend.text_analysis import stems
from app.recommend.types import Query
from tests.cases import cases
from tests.recommend.vocabularies import Known

EVERYTHING = Known(frozenset(stems("and near title bread stale not or keep learn c++ wifi wi fi")))
MISSPELT = Known(
    frozenset({"kubernet", "bread"}), {"kubernt": ("kubernet", "kubernetes"), "bred": ("x", "x")}
)


def terms(query: Query) -> list[str]:
    return [term.stem for term in query.terms]


def test_stop_words_are_dropped() -> None:
    assert terms(analyze("how do I keep the bread", EVERYTHING)) == ["keep", "bread"]


def test_stop_words_stay_when_there_is_nothing_else() -> None:
    assert terms(analyze("not and or", EVERYTHING)) == ["not", "and", "or"]


@cases(
    ("typed", "plain"),
    [
        ("NEAR(bread stale)", "near bread stale"),
        ("title:bread", "title bread"),
        ('"bread', "bread"),
        ("bread*", "bread"),
        ("^bread -stale", "bread stale"),
        ("{title}: bread", "title bread"),
        ("AND", "and"),
        ("bread; DROP TABLE documents", "bread drop table documents"),
    ],
)
def test_operators_are_plain_words(typed: str, plain: str) -> None:
    assert analyze(typed, EVERYTHING).terms == analyze(plain, EVERYTHING).terms


def test_a_repeated_word_counts() -> None:
    (term,) = analyze("Bread, bread, BREAD", EVERYTHING).terms
    assert (term.stem, term.surface, term.count) == ("bread", "bread", 3)


@cases("text", ["", "   ", "!!!", "…—\u200b", "\u0301" * 10_000, "\ud800", "_"])
def test_a_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(NoSearchableWords):
        analyze(text, EVERYTHING)


def test_an_unknown_word_is_corrected() -> None:
    query = analyze("kubernts bread", MISSPELT)
    assert terms(query) == ["kubernet", "bread"]
    assert query.corrections == {"kubernts": "kubernetes"}
    assert query.terms[0].surface == "kubernetes"
    assert query.unknown == ()


def test_a_known_word_is_never_corrected() -> None:
    tempting = Known(frozenset({"form"}), {"form": ("from", "from")})
    query = analyze("form", tempting)
    assert terms(query) == ["form"]
    assert not query.corrections


def test_no_correction_to_a_word_that_no_document_contains_any_more() -> None:
    query = analyze("bred", MISSPELT)
    assert terms(query) == ["bred"]
    assert not query.corrections
    assert query.unknown == ("bred",)


def test_unknown_words_are_named_and_kept() -> None:
    query = analyze("bread xyzzy plugh", MISSPELT)
    assert terms(query) == ["bread", "xyzzi", "plugh"]
    assert query.unknown == ("xyzzy", "plugh")
    assert [term.rarity for term in query.terms] == [0.5, 1, 1]


@given(st.text(st.characters(), max_size=60))
def test_any_text_is_analysed_or_refused(text: str) -> None:
    try:
        query = analyze(text, EVERYTHING)
    except NoSearchableWords:
        assert not stems(text)
    else:
        assert query.terms
        assert all(term.count > 0 and term.stem.strip() for term in query.terms)
