"""The seed catalogue and its judged queries are as documented."""

from collections import Counter
from urllib.parse import urlsplit

from app.model.judged import seed_queries
from app.recommend.types import Document

KINDS = {"keyword", "question", "long", "synonym", "typo", "ambiguous", "out-of-domain"}


def test_the_catalogue_is_large_and_broad(seed_documents: list[Document]) -> None:
    assert len(seed_documents) >= 400
    assert len({each.category for each in seed_documents}) >= 12
    for field in ("id", "title", "text"):
        values = Counter(getattr(each, field) for each in seed_documents)
        assert max(values.values()) == 1, f"every {field} is used once"


def test_every_text_is_fifty_to_a_hundred_and_twenty_words(seed_documents: list[Document]) -> None:
    for each in seed_documents:
        assert 50 <= len(each.text.split()) <= 120, each.id


def test_titles_are_those_of_the_wikipedia_articles(seed_documents: list[Document]) -> None:
    for each in seed_documents:
        assert urlsplit(each.url).netloc == "en.wikipedia.org"
        assert each.url.rpartition("/wiki/")[2] == each.title.replace(" ", "_")


def test_judged_queries_are_many_of_every_kind_and_split_once() -> None:
    tune, test = seed_queries("tune"), seed_queries("test")
    assert len(tune) + len(test) >= 150
    assert {each.kind for each in tune} == {each.kind for each in test} == KINDS
    texts = [each.text.casefold() for each in tune + test]
    assert len(set(texts)) == len(texts)


def test_judgements_are_graded_and_of_known_documents(seed_documents: list[Document]) -> None:
    known = {each.id for each in seed_documents}
    grades: Counter[float] = Counter()
    for query in seed_queries("tune") + seed_queries("test"):
        assert set(query.relevance) <= known, query.text
        grades.update(query.relevance.values())
        assert bool(query.relevance) == (query.kind != "out-of-domain"), query.text
    assert set(grades) == {1, 2, 3}
