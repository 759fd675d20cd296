"""The online metric of simulated users, whose taste and position bias are known."""

from dataclasses import replace

import numpy as np
import pytest

from app.catalogue.feedback_log import FeedbackLog
from app.model.click_model import examination
from app.model.feedback_judgements import FEWEST_REQUESTS, feedback_judgements
from app.model.judged import JudgedQuery
from app.model.judgement_files import JudgementsUnreadable, Reason, Source
from app.model.online_metric import online_report
from benchmarks.feedback import Population, covers

SEEDS, REQUESTS = 20, 4_000


@pytest.fixture(scope="module")
def people() -> Population:
    """40 queries, three versions: one ranks well, one at random, one badly."""
    random = np.random.default_rng(5)
    queries, answers = [], {"good": [], "random": [], "bad": []}  # type: ignore[var-annotated]
    for number in range(40):
        grades = {f"d{place}": float(max(3 - place // 2, 0)) for place in range(12)}
        best = list(grades)
        relevance = {name: grade for name, grade in grades.items() if grade}
        queries.append(JudgedQuery(str(number), f"query {number}", "", relevance))
        answers["good"].append(best[:10])
        answers["random"].append(random.permutation(best)[:10].tolist())
        answers["bad"].append(best[::-1][:10])
    return Population.of(queries, answers)


def test_the_truth_is_in_the_interval_of_quality_and_not_of_the_naive_estimate(
    people: Population,
) -> None:
    hits = np.zeros((SEEDS, 3, 2), bool)
    for seed in range(SEEDS):
        report = online_report(people.log(seed, REQUESTS))
        for place, truth in enumerate(people.truth()):
            version = next(each for each in report.versions if each.model == people.models[place])
            hits[seed, place] = covers(version.quality, truth), covers(version.uncorrected, truth)
    assert hits[:, :, 0].sum(axis=0).min() >= 0.9 * SEEDS
    assert hits[:, :, 1].sum() == 0
    good, random, bad = people.truth()
    assert good > random > bad


def test_one_version_alone_shows_nothing_of_the_position_bias(people: Population) -> None:
    log = people.log(0, REQUESTS)
    only = log.model == 0
    mine = only[log.recommendation]
    numbers = np.cumsum(only) - 1
    alone = replace(
        log, model=log.model[only], recommendation=numbers[log.recommendation[mine]],
        pair=log.pair[mine], rank=log.rank[mine], liked=log.liked[mine], judged=log.judged[mine],
        contradicted=log.contradicted[mine],
    )  # fmt: skip
    report = online_report(alone)
    good = next(each for each in report.versions if each.recommendations)
    assert good.quality is None
    assert good.uncorrected is not None
    assert not any(each.known for each in report.examination)
    judged = feedback_judgements(alone)
    assert judged.rows, "it can be learnt from"
    assert "not corrected" in judged.name


@pytest.mark.parametrize(
    ("moved", "known"), [([1, 0, 3, 4, 2], 2), ([1, 0, 4, 2, 3], 2), ([1, 2, 0, 4, 3], 3),
                         ([1, 2, 3, 4, 0], 5)],
)  # fmt: skip
def test_ranks_between_which_no_document_moved_are_not_known(moved: list[int], known: int) -> None:
    names = [f"d{place}" for place in range(5)]
    queries = [JudgedQuery(str(n), f"query {n}", "", dict.fromkeys(names, 3.0)) for n in range(40)]
    orders = {"one": [names] * 40, "other": [[names[place] for place in moved]] * 40}
    log = Population.of(queries, orders).log(0, REQUESTS)
    assert examination(log).known == known
    qualities = [each.quality for each in online_report(log).versions]
    assert all((each is not None) == (known == 5) for each in qualities)


def test_nothing_at_all_is_a_report_too(people: Population) -> None:
    log = people.log(0, 0)
    report = online_report(replace(log, models=()))
    assert report.versions == ()
    assert examination(log).known == 0


def test_judgements_are_grades_of_attractiveness(people: Population) -> None:
    log = people.log(0, 20_000)
    found = feedback_judgements(log)
    assert found.source is Source.FEEDBACK
    assert "position bias corrected" in found.name
    grades = {(row.text, row.document): row.grade for row in found.rows}
    for query in people.queries[:5]:
        shown = [grades.get((query.text, f"d{place}"), 0.0) for place in range(12)]
        assert min(shown[:2]) > max(shown[4:]), "the best ones have the highest grades"
    assert {each.reason for each in found.rejects} == {Reason.WEAK}
    assert len(found.rows) + len(found.rejects) == found.read
    assert feedback_judgements(people.log(0, 20_000)).hash == found.hash


@pytest.mark.parametrize(
    ("likes", "rejections", "unanswered"),
    [(0, 1, True), (0, 0, False), (1, 5, False), (0, -1, False)],
    ids=["rejected", "without feedback", "liked by few", "contradicted"],
)
def test_queries_whose_results_are_rejected_and_never_liked_have_no_answer(
    people: Population, likes: int, rejections: int, *, unanswered: bool
) -> None:
    """`rejections`: -1 is one that contradicts a like."""
    log = people.log(0, 4_000)
    query = log.queries[log.pair[0]]
    of_query = np.array([each == query for each in log.queries])[log.pair]
    assert len(np.unique(log.recommendation[of_query])) >= FEWEST_REQUESTS
    place = np.cumsum(of_query) * of_query  # of the query's results, from 1
    liked = (place > 0) & (place <= likes)
    judged = (place > 0) & (place <= likes + abs(rejections))
    log = replace(
        log, liked=log.liked & ~of_query | liked, judged=log.judged & ~of_query | judged,
        contradicted=judged & ~liked & (rejections < 0),
    )  # fmt: skip
    rows = [row for row in feedback_judgements(log).rows if not row.document]
    assert [row.text for row in rows] == [log.texts[query]] * unanswered


@pytest.mark.parametrize(
    ("texts", "message"), [(False, "VITRINE_JOURNAL_QUERIES"), (True, "not enough")]
)
def test_feedback_that_is_not_enough_is_refused(
    people: Population, texts: bool, message: str
) -> None:
    log = people.log(0, 50)
    log = replace(log, texts=log.texts if texts else {})
    with pytest.raises(JudgementsUnreadable, match=message):
        feedback_judgements(replace(log, liked=log.liked & False) if texts else log)


def test_contradicted_pairs_are_quarantined(people: Population) -> None:
    log: FeedbackLog = people.log(0, 4_000)
    pair = int(np.bincount(log.pair, log.liked).argmax())
    against = (log.pair == pair) & log.judged
    found = feedback_judgements(replace(log, liked=log.liked & ~against, contradicted=against))
    (reject,) = [each for each in found.rejects if each.reason is Reason.CONTRADICTION]
    assert reject.line == pair + 1
