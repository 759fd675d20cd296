"""The same catalogue gives the same ranking in every process, however the index came about."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from app.catalogue import index_refresh
from app.catalogue.index import CatalogueIndex
from app.composition import open_catalogue as open_folder
from app.recommend.answer_cache import AnswerCache
from app.recommend.fusion import Fusion
from app.recommend.pipeline import Recommender
from app.recommend.serving_model import ServingModel
from app.recommend.stages import Unobserved
from app.recommend.topic_signal import NoTopicSignal
from app.recommend.types import Document, Request
from tests.opening import OpenCatalogue
from tests.processes import read_output, running

RANKINGS = """
import sys
from pathlib import Path
from tests.catalogue.test_determinism import rankings_of_folder

for lexical in ("fts5", "memory"):
    print(rankings_of_folder(Path(sys.argv[1]), lexical, sys.argv[2:]))
"""
QUESTIONS = [
    "keep bread from going stale",
    "how do computers learn from examples",
    "who can read my password on public wifi",
    "kubernets autoscalling",
    "light and gravity",
    "why do empires fall",
    "c++ 学习 🍞",
]


def rankings(index: CatalogueIndex, questions: list[str]) -> str:
    """The complete rankings, scores and reasons included, as text."""
    recommender = Recommender(
        index, ServingModel(Fusion()), NoTopicSignal(), AnswerCache(0), Unobserved()
    )

    async def all_of_them() -> list[object]:
        answers = [await recommender.recommend(Request(each, 50)) for each in questions]
        return [
            (item.document.id, item.score, dict(item.reason.contributions), item.reason.summary)
            for answer in answers
            for item in answer.ranking.items
        ]

    return json.dumps(asyncio.run(all_of_them()))


def rankings_of_folder(folder: Path, lexical: str, questions: list[str]) -> str:
    """The rankings by a catalogue opened for the purpose."""
    catalogue = open_folder(folder)
    try:
        index = CatalogueIndex(catalogue.database, catalogue.models, lexical)
        return rankings(index, questions)
    finally:
        catalogue.database.close()


@pytest.mark.lasting
def test_two_processes_rank_alike(seed_data: Path) -> None:
    asked = (seed_data, *QUESTIONS)
    with (
        running(RANKINGS, *asked, PYTHONHASHSEED="1", OPENBLAS_NUM_THREADS="1") as one,
        running(RANKINGS, *asked, PYTHONHASHSEED="2", OPENBLAS_NUM_THREADS="2") as other,
    ):
        output = read_output(one)
        assert output == read_output(other)
    for each in output.splitlines():
        assert len(json.loads(each)) > 50 * len(QUESTIONS) / 2


@pytest.mark.lasting
@pytest.mark.parametrize("lexical", ["fts5", "memory"])
def test_an_index_that_grew_ranks_as_one_opened_afresh(
    open_catalogue: OpenCatalogue, seed_documents: list[Document], lexical: str
) -> None:
    catalogue, random = open_catalogue(seed_documents[:250]), Random(7)
    index = CatalogueIndex(catalogue.database, catalogue.models, lexical)
    for start in range(250, 450, 20):
        catalogue.put(seed_documents[start : start + 20])
        again = random.choice(seed_documents[:250])
        catalogue.put([replace(again, text=f"{again.text} Written again.")])
        catalogue.delete(random.choice(seed_documents[:start]).id)
        index.now()
    fresh = CatalogueIndex(catalogue.database, catalogue.models, lexical)
    assert rankings(index, QUESTIONS) == rankings(fresh, QUESTIONS)


@pytest.mark.lasting
@pytest.mark.parametrize("exact", [True, False])
def test_the_order_of_import_does_not_matter(
    open_catalogue: OpenCatalogue,
    seed_documents: list[Document],
    monkeypatch: pytest.MonkeyPatch,
    exact: bool,
) -> None:
    if not exact:
        monkeypatch.setattr(index_refresh, "FTS_DOCUMENTS", 50)
        monkeypatch.setattr(index_refresh, "EXACT", 50)
    copies = [replace(each, id=f"copy-{each.id}") for each in seed_documents[:60]]
    documents = seed_documents[:240] + copies
    found = []
    for seed in range(2):
        order = documents[:]
        Random(seed).shuffle(order)
        catalogue = open_catalogue(order, f"{seed}.db")
        found.append(rankings(CatalogueIndex(catalogue.database, catalogue.models), QUESTIONS))
    assert found[0] == found[1]
