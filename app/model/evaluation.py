"""Evaluates a version of the model beside others: quality, slices, calibration, significance."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.model.baselines import OneLeg
from app.model.calibration import Calibration, first_results, measure
from app.model.ranking_metrics import CUT, Quality, Retrieved, ndcg, quality
from app.recommend.index import Index
from app.recommend.ranking import RankingModel, order
from app.recommend.serving_model import ServingModel
from app.recommend.types import LEXICAL

CANDIDATE, BM25 = "candidate", "BM25"
PERMUTATIONS, BATCH = 9_999, 200
"""Permutations of a test, and how many are made at once, which bounds the memory."""
MAX_SLICES = 20
"""Slices of one dimension at most; the largest are retained."""
LENGTHS = ((1, "1 word"), (3, "2-3 words"), (7, "4-7 words"))
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Quality of one model's rankings.

    `ndcg`, `reciprocal_rank` and `recall` are at 10, over the answerable queries. `coverage`: the
    fraction of all documents that some query gets among its first ten. `cpu_p50`, `cpu_p95`:
    seconds of CPU to score one query's candidates.
    """

    ndcg: Quality
    reciprocal_rank: float
    recall: float
    coverage: float
    cpu_p50: float
    cpu_p95: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference in nDCG@10 to another model on the same queries, with its 95 % interval.

    `p`: two-sided, of a paired randomisation test (Smucker et al., 2007).
    """

    difference: Quality
    p: float


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the queries. `withheld`: the fraction that the calibrator calls not answered."""

    dimension: str
    name: str
    queries: int
    ndcg: float | None
    """None without answerable queries."""
    difference: Quality | None
    """To the second model."""
    withheld: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model beside others, all by name; the first is the one that is evaluated.

    `candidate_recall`: the fraction of relevant documents that were retrieved for ranking.
    `score_spread`: the 5th, 50th and 95th percentile of the first results' scores.
    """

    answerable: int
    out_of_domain: int
    candidate_recall: float
    ranked: Mapping[str, Ranked]
    comparisons: Mapping[str, Comparison]
    calibration: Mapping[str, Calibration]
    score_spread: tuple[float, float, float]
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """A model's rankings: ids of the first ten of each query, and what was measured of them."""

    first: list[list[str]]
    ndcg: Values
    seconds: Values
    scores: Values


def evaluate(
    queries: Sequence[Retrieved],
    index: Index,
    documents: Mapping[str, str],
    models: Mapping[str, ServingModel],
) -> Evaluation:
    """Evaluate on queries, of which some must be answerable.

    `documents`: the category of each document of the catalogue. `models`: first the one to
    evaluate, then what to compare it with besides BM25.
    """
    rankers: dict[str, RankingModel] = {name: each.model for name, each in models.items()}
    runs = {
        name: _run(queries, model) for name, model in {**rankers, BM25: OneLeg(LEXICAL)}.items()
    }
    name, reference = list(runs)[:2]
    mine = runs[name]
    judged = np.array([bool(each.query.relevance) for each in queries])
    withheld, calibration = _calibration(queries, index, models)
    reachable = [_recall(each.ids, each) for each in queries if each.query.relevance]
    low, middle, high = np.percentile(mine.scores, [5, 50, 95]).round(4).tolist()
    return Evaluation(
        answerable=int(judged.sum()),
        out_of_domain=int((~judged).sum()),
        candidate_recall=float(np.mean(reachable)),
        ranked={name: _ranked(queries, run, judged, len(documents)) for name, run in runs.items()},
        comparisons={
            other: compare(mine.ndcg[judged], run.ndcg[judged])
            for other, run in runs.items()
            if run is not mine
        },
        calibration=calibration,
        score_spread=(low, middle, high),
        slices=tuple(_slices(queries, documents, mine.ndcg, runs[reference].ndcg, withheld)),
    )


def _run(queries: Sequence[Retrieved], model: RankingModel) -> _Run:
    first, gained, seconds, scores = [], [], [], []
    for each in queries:
        started = time.thread_time()
        scored = model.score(each.candidates)
        seconds.append(time.thread_time() - started)
        places = order(scored)[:CUT].tolist()
        first.append([each.ids[place] for place in places])
        gained.append(ndcg(first[-1], each.query.relevance))
        scores.append(float(scored.scores[places[0]]) if places else 0.0)
    return _Run(first, np.array(gained), np.array(seconds), np.array(scores))


def _ranked(queries: Sequence[Retrieved], run: _Run, judged: Values, documents: int) -> Ranked:
    pairs = [(ids, each) for ids, each in zip(run.first, queries, strict=True)]
    answerable = [(ids, each) for ids, each in pairs if each.query.relevance]
    seen = {name for ids, _ in pairs for name in ids}
    p50, p95 = np.percentile(run.seconds, [50, 95]).tolist()
    return Ranked(
        ndcg=quality(run.ndcg[judged]),
        reciprocal_rank=float(np.mean([_reciprocal(ids, each) for ids, each in answerable])),
        recall=float(np.mean([_recall(ids, each) for ids, each in answerable])),
        coverage=len(seen) / max(documents, 1),
        cpu_p50=p50,
        cpu_p95=p95,
    )


def _reciprocal(ids: Sequence[str], each: Retrieved) -> float:
    ranks = (rank for rank, name in enumerate(ids, 1) if name in each.query.relevance)
    return 1 / next(ranks, float("inf"))


def _recall(ids: Sequence[str], each: Retrieved) -> float:
    relevant = each.query.relevance
    return sum(name in relevant for name in ids) / len(relevant)


def compare(mine: Values, theirs: Values, seed: int = 0) -> Comparison:
    """Compare the nDCG@10 (q,) of two models on the same queries."""
    from scipy.stats import permutation_test  # noqa: PLC0415 - 0.5 s, needed here only

    difference = quality(mine - theirs)
    if not (mine - theirs).any():
        return Comparison(difference, 1.0)
    found = permutation_test(
        (mine, theirs),
        lambda one, other, axis: np.mean(one - other, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        batch=BATCH,
        rng=np.random.default_rng(seed),
    )
    return Comparison(difference, float(found.pvalue))


def _calibration(
    queries: Sequence[Retrieved], index: Index, models: Mapping[str, ServingModel]
) -> tuple[Values, dict[str, Calibration]]:
    """Whether the first model withholds each query (q,), and the calibration of each model."""
    withheld, found = np.ones(len(queries)), dict[str, Calibration]()
    some = [each for each in queries if len(each.candidates)]
    places = [place for place, each in enumerate(queries) if len(each.candidates)]
    for name, model in models.items():
        if (calibrator := model.calibrators.get(model.card.name)) is None:
            continue
        results = first_results(index, some, model.model)
        relevance = [calibrator.relevance(seen) for seen in results.seen.tolist()]
        predicted = np.array([each.probability for each in relevance])
        found[name] = measure(predicted, results, calibrator.threshold)
        if name == next(iter(models)):
            withheld[places] = [not each.answered for each in relevance]
    return withheld, found


def _slices(
    queries: Sequence[Retrieved],
    documents: Mapping[str, str],
    mine: Values,
    champions: Values,
    withheld: Values,
) -> Iterable[Slice]:
    for dimension, name_of in DIMENSIONS.items():
        names = [name_of(each, documents) for each in queries]
        for name, count in Counter(filter(None, names)).most_common(MAX_SLICES):
            here = np.array([each == name for each in names])
            judged = here & np.array([bool(each.query.relevance) for each in queries])
            some = bool(judged.any())
            yield Slice(
                dimension,
                name,
                count,
                float(mine[judged].mean()) if some else None,
                quality(mine[judged] - champions[judged]) if some else None,
                float(withheld[here].mean()),
            )


def _length(each: Retrieved, _: Mapping[str, str]) -> str:
    count = len(each.query.text.split())
    return next((name for most, name in LENGTHS if count <= most), "8 words or more")


def _category(each: Retrieved, documents: Mapping[str, str]) -> str:
    relevant = each.query.relevance
    return documents.get(max(relevant, key=lambda name: relevant[name]), "") if relevant else ""


DIMENSIONS: Mapping[str, Callable[[Retrieved, Mapping[str, str]], str]] = {
    "domain": lambda each, _: "answerable" if each.query.relevance else "out of domain",
    "length": _length,
    "spelling": lambda each, _: "corrected" if each.analyzed.corrections else "as typed",
    "vocabulary": lambda each, _: "unknown words" if each.analyzed.unknown else "known words",
    "kind": lambda each, _: each.query.kind,
    "category": _category,
}
"""Dimensions that queries are sliced by; a query without a name is in no slice of a dimension."""
