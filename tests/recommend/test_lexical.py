"""BM25 over postings in memory: bounds, repeated terms, dead documents, growing postings.

Agreement with SQLite's FTS5 is tested in tests/catalogue/test_lexical_agreement.py.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.recommend.lexical import IDF_FLOOR, MAX_CACHED_TERMS, Bm25, Postings, idf
from app.recommend.types import Floats

WORD = st.sampled_from("abcdefgh")
TEXTS = st.lists(st.lists(WORD, max_size=12), min_size=1, max_size=12)


def bm25(texts: list[list[str]], live: list[bool] | None = None) -> Bm25:
    lengths = np.array([len(text) for text in texts], np.int32)
    alive = np.array(live if live is not None else [True] * len(texts), np.bool_)
    return Bm25(Postings.packed(texts), lengths, alive)


def scores(texts: list[list[str]], terms: dict[str, int]) -> Floats:
    return bm25(texts).scores(terms)


@given(TEXTS, st.dictionaries(WORD, st.integers(1, 5), max_size=4))
def test_scores_are_in_the_unit_interval(texts: list[list[str]], terms: dict[str, int]) -> None:
    found = scores(texts, terms)
    assert ((found >= 0) & (found <= 1)).all()
    assert [score > 0 for score in found] == [bool(set(text) & set(terms)) for text in texts]


@given(TEXTS, st.lists(st.booleans(), min_size=12, max_size=12))
def test_the_dead_neither_score_nor_count(texts: list[list[str]], alive: list[bool]) -> None:
    live = alive[: len(texts)]
    among_dead = bm25(texts, live).scores({"a": 1, "b": 2})
    alone = scores(
        [text for text, lives in zip(texts, live, strict=True) if lives], {"a": 1, "b": 2}
    )
    np.testing.assert_allclose(among_dead[live], alone, atol=1e-6)
    assert not among_dead[~np.array(live)].any()


@given(TEXTS, st.integers(0, 12))
def test_postings_appended_equal_postings_packed(texts: list[list[str]], first: int) -> None:
    grown = Postings.packed(texts[:first])
    for slot, text in enumerate(texts[first:], min(first, len(texts))):
        grown.append(slot, text)
    lengths = np.array([len(text) for text in texts], np.int32)
    everybody = np.ones(len(texts), np.bool_)
    terms = {"a": 1, "c": 1, "h": 3}
    found = Bm25(grown, lengths, everybody).scores(terms)
    np.testing.assert_array_equal(found, scores(texts, terms))


def test_a_reader_ignores_documents_appended_later() -> None:
    postings = Postings.packed([["bread"]])
    before = Bm25(postings, np.array([1], np.int32), np.array([True]))
    postings.append(1, ["bread", "tide"])
    assert before.impact("tide") is None
    assert len(before.scores({"bread": 1})) == 1


def test_rarer_terms_and_shorter_documents_count_more() -> None:
    texts = [["common", "rare"], ["common"], ["common"], ["other"], ["other"], ["common", *"xyz"]]
    found = scores(texts, {"common": 1, "rare": 1})
    assert found[0] > found[1] > found[5] > found[3] == 0


def test_asking_twice_for_a_word_counts_twice() -> None:
    texts = [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]
    once, twice = scores(texts, {"a": 1, "b": 1}), scores(texts, {"a": 2, "b": 1})
    assert once[0] == once[1]
    assert twice[0] == np.float32(2) * twice[1]


def test_idf_has_a_floor() -> None:
    assert idf(10, 1) > idf(10, 4) > IDF_FLOOR
    assert idf(10, 5) == idf(10, 10) == idf(0, 0) == IDF_FLOOR


def test_more_terms_than_are_kept_change_nothing() -> None:
    index = bm25([["a", "b"], ["b"], ["c"]])
    before = index.scores({"a": 1, "b": 1})
    for number in range(MAX_CACHED_TERMS + 10):
        assert index.impact(f"term {number}") is None
    np.testing.assert_array_equal(index.scores({"a": 1, "b": 1}), before)
