"""Judged queries: texts with graded relevant documents, in a fixed tune and test split."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from app.recommend.types import Document


class Split(StrEnum):
    """Judged queries to learn and choose by, and those to measure with."""

    TUNE = "tune"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """`relevance` maps document ids to grades above 0; empty for queries out of the domain."""

    id: str
    text: str
    kind: str
    relevance: Mapping[str, float]


def seed_queries(split: str) -> list[JudgedQuery]:
    """The judged queries of the seed catalogue; `split` is `tune` or `test`."""
    lines = (
        files("app.catalogue").joinpath("seed", "queries", "judged.jsonl").open(encoding="utf-8")
    )
    with lines:
        entries = [json.loads(line) for line in lines]
    return [
        JudgedQuery(entry["id"], entry["text"], entry["kind"], entry["relevance"])
        for entry in entries
        if entry["split"] == split
    ]


def collection(folder: Path) -> tuple[list[Document], list[JudgedQuery]]:
    """Read a public collection from corpus.jsonl, queries.jsonl and qrels.tsv.

    Queries without a positive judgement are omitted.
    """
    documents = [
        Document(entry["id"], entry["title"], entry["text"])
        for entry in _json_lines(folder / "corpus.jsonl")
    ]
    relevance: dict[str, dict[str, float]] = {}
    with (folder / "qrels.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if (grade := float(row["score"])) > 0:
                relevance.setdefault(row["query-id"], {})[row["corpus-id"]] = grade
    texts = {entry["id"]: entry["text"] for entry in _json_lines(folder / "queries.jsonl")}
    return documents, list(_judged(texts, relevance))


def _judged(
    texts: Mapping[str, str], relevance: Mapping[str, Mapping[str, float]]
) -> Iterator[JudgedQuery]:
    for name in sorted(relevance):
        if name in texts:
            yield JudgedQuery(name, texts[name], "", relevance[name])


def _json_lines(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)
