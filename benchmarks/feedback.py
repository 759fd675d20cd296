"""Whether feedback measures versions rightly, and whether learning from it helps.

    python -m benchmarks.feedback [--seeds 100] [--requests 10000] [--only metric|learning]

Users of known taste: they look at results from the top, and stop after each with a fixed
probability; they like a result that they look at with a probability that depends on its judged
grade only (both as in benchmarks.traffic). Their queries are the judged ones, some far more often
than others; versions answer in equal shares, on the seed catalogue. So the true quality of each
version is known, and so is how much less often each rank is looked at than the first.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.catalogue.feedback_log import FeedbackLog, RowOutcome
from app.catalogue.store import Catalogue
from app.model.baselines import OneLeg
from app.model.calibration import Rate
from app.model.click_model import RANKS
from app.model.evaluation import compare
from app.model.feedback_judgements import feedback_judgements
from app.model.judged import JudgedQuery, Split, seed_queries
from app.model.judgements import validate
from app.model.online_metric import CUT, online_report
from app.model.pairwise_fit import fit
from app.model.ranking_metrics import Retrieved, quality, scores_of
from app.model.seed_training import retrieved
from app.recommend.fusion import Fusion
from app.recommend.ranking import PairwiseModel, RankingModel, order
from app.recommend.types import ModelCard
from benchmarks.generate import seed_documents
from benchmarks.relevance import catalogue_of
from benchmarks.report import report
from benchmarks.traffic import BEST, CLICKED, LOOKED_AT

NOTHING = -1
Values = NDArray[np.float64]
Row = dict[str, object]
LEARNING_REQUESTS = (2_000, 10_000, 50_000)


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """q queries with their popularity (q,), and what each of v versions shows for them.

    `shown` (v, q, RANKS): numbers of (query, document) pairs; NOTHING beyond the last result.
    `attractive` (v, q, RANKS): the probability of a like by a user who looks.
    """

    queries: tuple[JudgedQuery, ...]
    popularity: Values
    models: tuple[ModelCard, ...]
    pairs: tuple[tuple[int, str], ...]
    shown: NDArray[np.int64]
    attractive: Values

    @classmethod
    def of(
        cls, queries: Sequence[JudgedQuery], rankings: Mapping[str, Sequence[Sequence[str]]]
    ) -> "Population":
        """`rankings`: of each version, the documents for each query, best first."""
        popularity = 1 / (1 + np.random.default_rng(0).permutation(len(queries)))
        shape = (len(rankings), len(queries), RANKS)
        shown, attractive = np.full(shape, NOTHING), np.zeros(shape)
        pairs: dict[tuple[int, str], int] = {}
        for version, answers in enumerate(rankings.values()):
            for number, (query, documents) in enumerate(zip(queries, answers, strict=True)):
                for rank, document in enumerate(documents[:RANKS]):
                    grade = min(int(query.relevance.get(document, 0)), BEST)
                    pair = pairs.setdefault((number, document), len(pairs))
                    shown[version, number, rank] = pair
                    attractive[version, number, rank] = CLICKED[grade]
        cards = tuple(ModelCard(name, "1") for name in rankings)
        popularity /= popularity.sum()
        return cls(tuple(queries), popularity, cards, tuple(pairs), shown, attractive)

    def truth(self) -> Values:
        """The quality (v,) of each version."""
        weight = (self.shown != NOTHING) / np.log2(np.arange(RANKS) + 2)
        weight[:, :, CUT:] = 0
        gained: Values = (weight * self.attractive).sum(axis=2)
        expected: Values = gained / np.maximum(weight.sum(axis=2), 1e-9) @ self.popularity
        return expected

    def log(self, seed: int, requests: int) -> FeedbackLog:
        """What the journal has after that many requests."""
        random = np.random.default_rng(seed)
        query = random.choice(len(self.queries), requests, p=self.popularity)
        version = random.integers(len(self.models), size=requests)
        shown, attractive = self.shown[version, query], self.attractive[version, query]
        looked = np.arange(RANKS) < random.geometric(1 - LOOKED_AT, requests)[:, None]
        liked = looked & (random.random(shown.shape) < attractive)
        number, rank = np.nonzero(shown != NOTHING)
        likes = liked[number, rank]
        return FeedbackLog(
            models=self.models,
            model=version,
            recommendation=number,
            pair=shown[number, rank],
            rank=rank,
            liked=likes,
            judged=likes,
            contradicted=np.zeros_like(likes),
            queries=tuple(str(query) for query, _ in self.pairs),
            documents=tuple(document for _, document in self.pairs),
            texts={str(place): each.text for place, each in enumerate(self.queries)},
            rows={RowOutcome.USED: int(likes.sum())},
        )


def covers(rate: Rate | None, truth: float) -> bool:
    """Whether the truth is within the interval."""
    return rate is not None and rate.low <= truth <= rate.high


def metric_rows(population: Population, seeds: int, requests: int) -> list[Row]:
    """For each version: the truth, both estimates, and how often their intervals have the truth."""
    truth = population.truth()
    reports = [online_report(population.log(seed, requests)) for seed in range(seeds)]
    rows: list[Row] = []
    for number, model in enumerate(population.models):
        found = [
            next(each for each in report.versions if each.model == model) for report in reports
        ]
        true = float(truth[number])
        row: Row = {"version": model.name, f"true quality@{CUT}": true}
        for name in ("quality", "uncorrected"):
            rates = [getattr(each, name) for each in found]
            row[f"{name}, mean"] = float(np.mean([rate.value for rate in rates]))
            row[f"{name}: truth in interval"] = (
                f"{sum(covers(rate, true) for rate in rates)} of {seeds}"
            )
        row["click-through, mean"] = float(np.mean([each.click_through.value for each in found]))
        rows.append(row)
    return rows


def examination_rows(population: Population, seeds: int, requests: int) -> list[Row]:
    """The estimated attention of each rank beside the true one."""
    reports = [online_report(population.log(seed, requests)) for seed in range(seeds)]
    rows: list[Row] = []
    for rank in range(RANKS):
        found = [report.examination[rank] for report in reports]
        true = LOOKED_AT**rank
        within = sum(each.low <= true <= each.high for each in found)
        rows.append(
            {
                "rank": rank + 1,
                "looked at": true,
                "estimate, mean": float(np.mean([each.value for each in found])),
                "truth in interval": f"{within} of {seeds}" if rank else "",
            }
        )
    return rows


def learnt(
    catalogue: Catalogue, log: FeedbackLog, tune: Sequence[Retrieved]
) -> tuple[PairwiseModel, int]:
    """A model that is trained on feedback, and the number of its queries with an answer."""
    valid = validate(feedback_judgements(log), catalogue)
    judged = {each.text: each for each in (*valid.tune, *valid.test)}
    queries = [
        Retrieved(judged[each.query.text], each.analyzed, each.candidates, each.ids)
        for each in tune
        if each.query.text in judged
    ]
    count = sum(bool(each.query.relevance) for each in queries)
    return PairwiseModel(fit(queries), "feedback"), count


def learning_rows(catalogue: Catalogue, seeds: int) -> list[Row]:
    """nDCG@10 on held-out judged queries, after training on feedback that other versions got."""
    tune = [each for each in retrieved(catalogue, seed_queries(Split.TUNE)) if each.ids]
    test = retrieved(catalogue, seed_queries(Split.TEST))
    simple: dict[str, RankingModel] = {"BM25": OneLeg("lexical"), "dense": OneLeg("dense")}
    served = Population.of([each.query for each in tune], rankings(tune, simple))
    before = {name: scores_of(test, model) for name, model in simple.items()}
    best = max(before, key=lambda name: float(before[name].mean()))
    fusion = quality(scores_of(test, Fusion())).mean
    human = quality(scores_of(test, PairwiseModel(fit(tune), "judged"))).mean
    rows: list[Row] = [
        {"model": f"{name}: served", "nDCG@10": float(values.mean())}
        for name, values in before.items()
    ]
    for requests in LEARNING_REQUESTS:
        models = [learnt(catalogue, served.log(seed, requests), tune) for seed in range(seeds)]
        after = [scores_of(test, model) for model, _ in models]
        gains = [compare(values, before[best]) for values in after]
        rows.append(
            {
                "model": f"learnt from {requests:,} recommendations",
                "nDCG@10": float(np.mean([values.mean() for values in after])),
                "queries with an answer": float(np.mean([count for _, count in models])),
                f"better than {best} by, least and most": (
                    f"{min(each.difference.mean for each in gains):+.3f} to "
                    f"{max(each.difference.mean for each in gains):+.3f}"
                ),
                "significantly (p < 0.05)": f"{sum(each.p < 0.05 for each in gains)} of {seeds}",
            }
        )
    rows += [{"model": "learnt from human judgements of the same queries", "nDCG@10": human}]
    rows += [{"model": "fusion, without training", "nDCG@10": fusion}]
    names = list(rows[len(simple)])
    return [{name: row.get(name, "") for name in names} for row in rows]


def rankings(
    queries: Sequence[Retrieved], models: Mapping[str, RankingModel]
) -> dict[str, list[list[str]]]:
    """What each model shows for each query."""
    return {
        name: [
            [each.ids[place] for place in order(model.score(each.candidates))[:RANKS].tolist()]
            for each in queries
        ]
        for name, model in models.items()
    }


def main() -> None:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--only", choices=("metric", "learning"))
    given = parser.parse_args()
    with catalogue_of(seed_documents()) as (catalogue, _):
        if given.only != "learning":
            tune = [each for each in retrieved(catalogue, seed_queries(Split.TUNE)) if each.ids]
            models: dict[str, RankingModel] = {
                "BM25": OneLeg("lexical"),
                "dense": OneLeg("dense"),
                "fusion": Fusion(),
            }
            people = Population.of([each.query for each in tune], rankings(tune, models))
            goal = f"goal: truth in the interval of quality in 90 of {given.seeds}"
            metric = metric_rows(people, given.seeds, given.requests)
            report(
                "feedback-metric", f"Online metric of {given.requests:,} requests; {goal}", metric
            )
            bias = examination_rows(people, given.seeds, given.requests)
            report("feedback-examination", "Position bias", bias)
        if given.only != "metric":
            rows = learning_rows(catalogue, max(given.seeds // 5, 1))
            report("feedback-learning", "Learning from feedback; goal: better than served", rows)


if __name__ == "__main__":
    main()
