"""How soon drift and silently wrong models are noticed, and what watching costs.

    python -m benchmarks.watch [--rounds 200] [--only drift|cost]

Drift and wrong models: fixed seeds, on the seed catalogue. Cost: paired, by the CPU time of one
service with a champion and a challenger, all threads included, whose watching is turned on and off
in turn. Answers are not cached; telemetry is recorded and sent nowhere.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files as files_of_package
from itertools import islice
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from numpy.typing import NDArray
from starlette.types import Message

from app.catalogue.index import CatalogueIndex, SnapshotIndex
from app.catalogue.store import Catalogue
from app.composition import version_loader
from app.main import create_app
from app.model.calibrators import load_calibrators
from app.model.judged import Split, seed_queries
from app.model.ranking_metrics import Retrieved, quality, retrieve, scores_of
from app.model.registry import PROFILE, Registry
from app.model.registry_records import Author
from app.model.seed_training import train_on_seed
from app.model.shadow import ShadowComparison, compare
from app.model.version_loader import CALIBRATOR, RANKER, about
from app.recommend.artefact import ArtefactRefused, dump, parse
from app.recommend.fusion import Fusion
from app.recommend.observation import Observation, Unwatched
from app.recommend.ranking import FallbackModel, PairwiseModel
from app.recommend.reference_profile import Profile
from app.recommend.relevance import Calibrator
from app.recommend.serving_model import ServingModel
from app.recommend.types import Candidates
from app.settings import (
    LimitSettings,
    Settings,
    TelemetrySettings,
    WatchSettings,
    WikipediaSettings,
)
from benchmarks.generate import seed_documents
from benchmarks.relevance import catalogue_of
from benchmarks.report import report
from benchmarks.shifts import (
    SHIFTS,
    TEXTS,
    Shift,
    as_it_is,
    false_alarms,
    filled,
    first_alarm,
    vectors_of_another_catalogue,
    without_category,
)
from benchmarks.telemetry import NOTHING_SENT

BLOCK, WARM_UP = 50, 10
"""Requests in a block (drift is evaluated once a block); rounds that are not counted."""
SETTLE_SECONDS = 0.05
"""Time in which the last comparison of a block ends."""
POOL, CLEAN_WINDOWS = 3_000, 40
LEAST_OVERLAP, COMPARISONS = 0.5, 20
"""The shadow's alert: mean overlap of the first ten, here over so many comparisons."""
LOSS = 0.01
"""The gate's tolerated loss of nDCG@10."""
ADA = Author("ada", "a benchmark")
Row = dict[str, object]
Files = dict[str, bytes]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Opened:
    """The seed catalogue, its index, and a version that is trained on it."""

    catalogue: Catalogue
    index: SnapshotIndex
    files: Files
    good: ServingModel
    built_in: ServingModel
    sample: Candidates


def drift_rows(opened: Opened, serving: ServingModel) -> list[Row]:
    """Every shift, every category, and clean windows."""
    pool = list(islice(Shift().observed(opened.index, serving, seed=1), POOL))
    rows: list[Row] = []
    for name, shift in SHIFTS.items():
        alarm = first_alarm(filled(serving, pool), shift.observed(opened.index, serving, seed=7))
        found = {"flagged after": "no", "features": ""}
        if alarm is not None:
            found = {
                "flagged after": f"{alarm.requests} requests",
                "features": ", ".join(alarm.features),
            }
        rows.append({"traffic": name, **found})
    assert serving.profile is not None
    names = serving.profile.categories[:-1]
    flagged = [
        name
        for name in names
        if first_alarm(
            filled(serving, pool),
            Shift(alter=without_category(name)).observed(opened.index, serving, seed=7),
        )
    ]
    missed = ", ".join(sorted(set(names) - set(flagged))) or "none"
    rows.append(
        {
            "traffic": "each category gone in turn",
            "flagged after": f"{len(flagged)} of {len(names)} within 500",
            "features": f"not: {missed}",
        }
    )
    alarms = false_alarms(serving, pool, CLEAN_WINDOWS)
    clean = f"{alarms} alarms in {CLEAN_WINDOWS} windows of 1,000"
    rows.append({"traffic": "judged queries, varied", "flagged after": clean, "features": ""})
    return rows


@dataclass(frozen=True, slots=True)
class Wrong:
    """A defect: of the version's ranker or calibrator, or of the index that it works with."""

    serving: ServingModel
    alter: Callable[[SnapshotIndex], SnapshotIndex] = as_it_is
    refused: str = ""
    """Why it can't be loaded, if it can't."""


def altered(files: Files, catalogue: Catalogue, change: Callable[[Values], Values]) -> Wrong:
    """The version with other coefficients in its ranker."""
    content = parse(files[RANKER])
    content["coefficients"] = change(np.array(content["coefficients"])).tolist()
    good = parse(files[RANKER])["coefficients"]
    try:
        model = PairwiseModel.load(dump(content))
        refused = ""
    except ArtefactRefused as error:
        model = PairwiseModel([float("nan")] * len(good), "nan")
        refused = str(error)
    card = PairwiseModel.load(files[RANKER]).card
    calibrator = Calibrator.load(files[CALIBRATOR], card, catalogue.models.embedder.name)
    judging = {card.name: calibrator}
    return Wrong(ServingModel(FallbackModel(model, Fusion()), judging), refused=refused)


def wrong_models(opened: Opened) -> dict[str, Wrong]:
    """The defects, by name."""
    files, catalogue, good = opened.files, opened.catalogue, opened.good
    embedder = catalogue.models.embedder.name
    foreign = load_calibrators(Path(), [Fusion.card], embedder).by_model["fusion"]

    try:
        shipped = files_of_package("app.model").joinpath("relevance-fusion.json").read_bytes()
        Calibrator.load(shipped, good.card, embedder)
        refused = ""
    except ArtefactRefused:
        refused = "trained for another ranking model"
    return {
        "weights negated": altered(files, catalogue, lambda each: -each),
        "features shifted by one": altered(files, catalogue, lambda each: np.roll(each, 1)),
        "scores that are not numbers": altered(files, catalogue, lambda each: each * np.nan),
        "constant scores": altered(files, catalogue, lambda each: each * 0),
        "another catalogue's vectors": Wrong(good, vectors_of_another_catalogue),
        "calibrator of another model": Wrong(
            replace(good, calibrators={good.card.name: foreign}), refused=refused
        ),
    }


def wrong_rows(opened: Opened) -> list[Row]:
    """By which of the three each wrong model is caught, and how fast."""
    pool = list(islice(Shift().observed(opened.index, opened.good, seed=1), POOL // 2))
    return [
        {
            "wrong model": name,
            "loading, gate (before registration)": gate(opened, wrong),
            "shadow (challenger)": shadow(opened, wrong),
            "drift (after promotion)": drift(opened, wrong, pool),
        }
        for name, wrong in wrong_models(opened).items()
    ]


def gate(opened: Opened, wrong: Wrong) -> str:
    """Whether the version could be loaded and registered."""
    if wrong.refused:
        return f"not loaded: {wrong.refused}"
    test = retrieved_from(wrong.alter(opened.index), opened.catalogue, Split.TEST)
    loss = quality(scores_of(test, opened.good.model)).mean
    loss -= quality(scores_of(test, wrong.serving.model)).mean
    return f"refused: nDCG@10 {loss:.2f} lower" if loss > LOSS else "passed"


def shadow(opened: Opened, wrong: Wrong) -> str:
    """After how many comparisons the challenger is seen to differ."""
    compared: list[ShadowComparison] = []
    for each in retrieved_from(opened.index, opened.catalogue, Split.TEST)[:COMPARISONS]:
        scored = opened.good.model.score(each.candidates)
        compared.append(compare(scored, wrong.serving))
        if compared[-1].failure is not None:
            return f"fails at comparison {len(compared)}"
    overlap = float(np.mean([each.overlap for each in compared]))
    measured = f"overlap@10 {overlap:.2f}"
    return (
        f"{measured}: {COMPARISONS} comparisons" if overlap < LEAST_OVERLAP else f"no, {measured}"
    )


def drift(opened: Opened, wrong: Wrong, pool: Sequence[Observation]) -> str:
    """After how many requests drift is flagged."""
    failing = wrong.serving.model.score(opened.sample).failure
    if failing is not None:
        return "degraded at request 1: fusion ranks"
    observations = Shift(alter=wrong.alter).observed(opened.index, wrong.serving, seed=7)
    alarm = first_alarm(filled(opened.good, pool), observations)
    if alarm is None:
        return "no"
    return f"{alarm.requests} requests: {', '.join(alarm.features[:3])}"


def retrieved_from(index: SnapshotIndex, catalogue: Catalogue, split: Split) -> list[Retrieved]:
    """The candidates of a split's queries from this index."""
    query = "SELECT p.key, id FROM passages p JOIN documents d ON d.key = p.document"
    names = dict(catalogue.database.reader.execute(query).fetchall())
    return retrieve(index, lambda keys: [names[key] for key in keys], seed_queries(split))


@contextmanager
def opened_seed() -> Iterator[Opened]:
    """The seed catalogue with a trained version."""
    with catalogue_of(seed_documents()) as (catalogue, folder):
        files = train_on_seed(catalogue)
        embedder = catalogue.models.embedder.name
        model = PairwiseModel.load(files[RANKER])
        good = ServingModel(
            model,
            {model.card.name: Calibrator.load(files[CALIBRATOR], model.card, embedder)},
            profile=Profile.load(files[PROFILE], model.card, embedder),
        )
        index = CatalogueIndex(catalogue.database, catalogue.models).now()
        sample = retrieved_from(index, catalogue, Split.TEST)[0].candidates
        loader, _ = version_loader(Settings(data=folder), catalogue)
        yield Opened(catalogue, index, files, good, loader.built_in, sample)


async def cost_rows(rounds: int) -> list[Row]:
    """CPU time of the same service, which watches for every other BLOCK of requests."""
    spent: dict[str, list[float]] = {"off": [], "drift and shadow": []}
    bodies = [json.dumps({"query": text}).encode() for text in TEXTS]
    with champion_and_challenger() as folder:
        settings = Settings(
            data=folder,
            answers_bytes=0,
            wikipedia=WikipediaSettings(enabled=False),
            limits=LimitSettings(requests_per_second=1e6, burst=10**6),
            telemetry=TelemetrySettings(logs="off"),
            watch=WatchSettings(feedback=False),
        )
        app = create_app(settings)
        async with app.router.lifespan_context(app) as state:
            assert state is not None
            parts = state["parts"]
            for round_ in range(-WARM_UP, rounds):
                for name in sorted(spent, reverse=bool(round_ % 2)):
                    watcher = Unwatched() if name == "off" else parts.watch
                    parts.recommender._watcher = watcher  # noqa: SLF001
                    before = time.process_time()
                    for number in range(BLOCK * round_, BLOCK * (round_ + 1)):
                        await ask(app, state, bodies[number % len(bodies)])
                    parts.watch.drift.evaluate()
                    while parts.watch.shadow.waiting:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                    await asyncio.sleep(SETTLE_SECONDS)
                    if round_ >= 0:  # the first ones warm up
                        spent[name].append((time.process_time() - before) / BLOCK)
            dropped = parts.watch.shadow.dropped + parts.watch.drift.dropped
    off, on = (np.array(each) for each in spent.values())
    added, error = (on - off).mean() / off.mean(), (on - off).std() / off.mean() / rounds**0.5
    return [
        {
            "CPU us a request, unwatched": round(1e6 * float(off.mean())),
            "watched": round(1e6 * float(on.mean())),
            "added": f"{added:+.1%}",
            "95 % interval": f"{added - 2 * error:+.1%} to {added + 2 * error:+.1%}",
            "dropped": dropped,
        }
    ]


async def ask(app: FastAPI, state: Mapping[str, object], body: bytes) -> None:
    """One request over ASGI."""
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/recommend", "raw_path": b"/recommend", "query_string": b"",
        "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8000), "state": dict(state),
    }  # fmt: skip
    statuses = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    if statuses != [200]:
        raise RuntimeError(f"answered with {statuses}")


@contextmanager
def champion_and_challenger() -> Iterator[Path]:
    """A data folder in which a trained version serves, and another one is its challenger."""
    with catalogue_of(seed_documents()) as (catalogue, folder):
        registry = Registry(folder / "models")
        files = train_on_seed(catalogue)
        first = registry.register(files, about(catalogue), ADA, forced=False).version
        registry.promote(first, ADA)
        content = parse(files[RANKER])
        content["coefficients"] = [1.01 * each for each in content["coefficients"]]
        ranker = dump(content)
        card = PairwiseModel.load(ranker).card
        judge = parse(files[CALIBRATOR]) | {"model_version": card.version}
        registry.register(
            {RANKER: ranker, CALIBRATOR: dump(judge)}, about(catalogue), ADA, forced=False
        )
        yield folder


def main() -> None:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--only", choices=("drift", "cost"))
    given = parser.parse_args()
    if given.only != "cost":
        with opened_seed() as opened:
            goal = "every shift within 500 requests, no alarm in clean windows"
            report("watch-wrong", "Silently wrong models: caught by what", wrong_rows(opened))
            report("watch-drift", f"Drift; goals: {goal}", drift_rows(opened, opened.built_in))
    if given.only != "drift":
        os.environ.update(NOTHING_SENT)
        title = "Cost of watching; goal: added CPU below 5 %"
        report("watch-cost", title, asyncio.run(cost_rows(given.rounds)))


if __name__ == "__main__":
    main()
