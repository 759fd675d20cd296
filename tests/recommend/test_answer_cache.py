"""Cached recommendations: only under the same conditions, and never incomplete ones."""

import gc
import weakref
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from app.recommend.answer_cache import AnswerCache, PastAnswers
from app.recommend.fusion import Fusion
from app.recommend.serving_model import ServingModel
from app.recommend.topic_signal import Evidence, Outcome, Page
from app.recommend.types import (
    Candidates,
    Document,
    Keys,
    ModelCard,
    Probe,
    Query,
    Ranked,
    Ranking,
    Reason,
    Recommendation,
    Request,
    Stored,
    Term,
)
from tests.cases import cases
from tests.recommend.candidates import candidates

REQUEST = Request("keep bread fresh")
ANSWER = Recommendation(Query("bread", ()), Ranking((), 0), ModelCard("fusion", "1"), ())
MODEL = ServingModel(Fusion())
KEPT = replace(ANSWER, cached=True)
PAGES = Evidence(Outcome.HIT, (Page("Bread"),))


class EmptyIndex:
    """A moment of a catalogue without documents."""

    quick = True

    def rarity(self, stem: str) -> float:
        return 0.0 if stem == "" else 1.0

    def nearest(self, stem: str) -> tuple[str, str] | None:
        return (stem, stem) if self.rarity(stem) < 1 else None

    def probe(self, query: Query) -> Probe:
        nothing = np.zeros(64, np.float32)
        return Probe({term.stem: term.count for term in query.terms}, nothing, nothing)

    def probes(self, queries: Sequence[Query]) -> list[Probe]:
        return [self.probe(each) for each in queries]

    def probe_like(self, document_id: str) -> tuple[Query, Probe] | None:
        return None if document_id else (Query("", ()), self.probe(Query("", ())))

    def retrieve(self, probe: Probe, depth: int, categories: frozenset[str]) -> Candidates:
        assert depth or probe or categories
        return candidates([])

    def documents(self, keys: Keys) -> list[Stored]:
        assert not len(keys)
        return []


def test_the_same_question_at_the_same_moment_is_known() -> None:
    answers, index = AnswerCache(100_000), EmptyIndex()
    answers.put(REQUEST, index, MODEL, PAGES, ANSWER)
    assert answers.get(REQUEST, index, MODEL, PAGES) == KEPT
    cached = replace(PAGES, outcome=Outcome.CACHED)
    assert answers.get(REQUEST, index, MODEL, cached) == KEPT


@cases(
    "other",
    [
        replace(REQUEST, text="keep bread"),
        replace(REQUEST, limit=6),
        replace(REQUEST, categories=frozenset({"cooking"})),
    ],
)
def test_another_question_is_not(other: Request) -> None:
    answers, index = AnswerCache(100_000), EmptyIndex()
    answers.put(REQUEST, index, MODEL, PAGES, ANSWER)
    assert answers.get(other, index, MODEL, PAGES) is None


def test_nothing_is_known_at_another_moment_or_with_other_pages() -> None:
    answers, index = AnswerCache(100_000), EmptyIndex()
    answers.put(REQUEST, index, MODEL, PAGES, ANSWER)
    assert answers.get(REQUEST, EmptyIndex(), MODEL, PAGES) is None
    assert answers.get(REQUEST, index, MODEL, Evidence(Outcome.HIT, (Page("Bread"),) * 2)) is None
    assert answers.get(REQUEST, index, MODEL, Evidence(Outcome.MISS)) is None
    assert answers.get(REQUEST, index, ServingModel(Fusion()), PAGES) is None, "another version"


def test_two_versions_answer_at_the_same_time_and_a_third_clears_the_cache() -> None:
    answers, index = AnswerCache(100_000), EmptyIndex()
    first, second, third = (ServingModel(Fusion()) for _ in range(3))
    for number, each in enumerate((first, second)):
        answers.put(REQUEST, index, each, PAGES, replace(ANSWER, model=ModelCard("m", f"{number}")))
    found = [answers.get(REQUEST, index, each, PAGES) for each in (first, second)]
    assert [each.model.version for each in found if each] == ["0", "1"]
    answers.put(REQUEST, index, third, PAGES, ANSWER)
    assert answers.get(REQUEST, index, third, PAGES) is not None
    assert answers.get(REQUEST, index, first, PAGES) is None


def test_a_degraded_answer_is_not_kept() -> None:
    answers, index = AnswerCache(100_000), EmptyIndex()
    answers.put(REQUEST, index, MODEL, PAGES, replace(ANSWER, degraded=("topic_signal",)))
    assert answers.get(REQUEST, index, MODEL, PAGES) is None


def test_a_complete_answer_does_not_hide_that_something_is_missing_now() -> None:
    answers, index = AnswerCache(100_000), EmptyIndex()
    answers.put(REQUEST, index, MODEL, Evidence(Outcome.MISS), ANSWER)
    assert answers.get(REQUEST, index, MODEL, Evidence(Outcome.TIMEOUT)) is None


def test_only_so_many_are_kept() -> None:
    answers, index = AnswerCache(8_000), EmptyIndex()  # an answer without documents counts 4,000
    requests = [Request(text) for text in ("one", "two", "three")]
    for request in requests:
        answers.put(request, index, MODEL, PAGES, ANSWER)
    known = [answers.get(request, index, MODEL, PAGES) for request in requests]
    assert known == [None, KEPT, KEPT]


def test_size_zero_keeps_none() -> None:
    answers, index = AnswerCache(0), EmptyIndex()
    answers.put(REQUEST, index, MODEL, PAGES, ANSWER)
    assert answers.get(REQUEST, index, MODEL, PAGES) is None


def test_a_past_moment_is_not_held_in_memory() -> None:
    answers, index = AnswerCache(100_000), EmptyIndex()
    answers.put(REQUEST, index, MODEL, PAGES, ANSWER)
    past = weakref.ref(index)
    index = EmptyIndex()
    answers.put(Request("another"), index, MODEL, PAGES, ANSWER)
    gc.collect()
    assert past() is None
    assert answers.get(REQUEST, index, MODEL, PAGES) is None


RANKED = Ranked(1, Document("a", "A", "Bread."), 0.5, Reason(0, {}, {}, {}, (), None, ""))
KNOWN = Query("bread", (Term("bread", "bread"),))
UNKNOWN = Query("zzz", (Term("zzz", "zzz"),), unknown=("zzz",))
IN_A_CATEGORY = replace(REQUEST, categories=frozenset({"cooking"}))


@pytest.mark.parametrize(
    ("request_", "query", "answered_before", "suspect"),
    [
        (REQUEST, KNOWN, False, True),
        (REQUEST, UNKNOWN, False, False),
        (REQUEST, UNKNOWN, True, True),
        (IN_A_CATEGORY, KNOWN, False, False),
        (IN_A_CATEGORY, KNOWN, True, True),
    ],
)
def test_an_empty_answer_that_should_have_results(
    request_: Request, query: Query, answered_before: bool, suspect: bool
) -> None:
    past, empty = PastAnswers(), replace(ANSWER, query=query)
    if answered_before:
        found = replace(empty, ranking=Ranking((RANKED,), 1))
        assert not past.is_suspect(request_, found)
    assert past.is_suspect(request_, empty) is suspect
