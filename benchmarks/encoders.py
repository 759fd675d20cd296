"""Encoders of the dense leg: ranking quality and the time to encode a query.

    python -m benchmarks.encoders [--collections FOLDER]

Needs `make teacher`; 20 minutes on one core. For each collection a student is fitted on its
documents, without queries or judgements, by the same settings. The pairwise model is
cross-validated by query (5 folds); on the seed catalogue it is trained on the tune split.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from app.model.baselines import OneLeg
from app.model.distillation import Remembering, Sample, distill
from app.model.encoders import load_teacher, with_static
from app.model.judged import JudgedQuery, collection, seed_queries
from app.model.pairwise_fit import cross_validated, fit
from app.model.ranking_metrics import Quality, Retrieved, quality, scores_of
from app.recommend.embedding import Embedder, StaticEmbedder
from app.recommend.fusion import Fusion
from app.recommend.ranking import PairwiseModel
from app.recommend.stages import Unobserved
from app.recommend.student import StudentEmbedder
from app.recommend.types import Document
from benchmarks.generate import seed_documents
from benchmarks.quality import COLLECTIONS, DEFAULT, measured
from benchmarks.report import report

GOALS = (
    "mean of collections: fusion >= .465 with the student, >= .475 with the teacher; pairwise >= "
    ".485; a query encoded in 0.2 ms by the student"
)
SEED = "seed (test split)"


def encoders(documents: Sequence[Document]) -> dict[str, Embedder]:
    """The encoders for a collection; the student is fitted on it."""
    static, done = StaticEmbedder(), 0

    def on_progress(count: int) -> None:
        nonlocal done
        done += count
        if done % 1000 == 0:
            print(f"{done:,} texts embedded")

    teacher = Remembering(load_teacher(None), on_progress)
    model = distill(Sample.of(documents), teacher, Unobserved())
    student = StudentEmbedder(model, static, lambda: teacher)
    return {"static": static, "student": student, "teacher": with_static(teacher, static)}


def qualities(
    encoder: Embedder, found: Sequence[Retrieved], pairwise: np.ndarray
) -> dict[str, Quality]:
    """Quality of each ranking of the retrieved candidates."""
    return {
        "dense leg alone": quality(scores_of(found, OneLeg("dense"))),
        "fusion": quality(scores_of(found, Fusion(dense=encoder.weight))),
        "pairwise": quality(pairwise),
    }


def milliseconds(encoder: Embedder, queries: Sequence[JudgedQuery]) -> float:
    """Mean CPU time to encode one query."""
    texts = [each.text for each in queries[:100]]
    encoder.embed_queries(texts[:5])
    start = time.process_time()
    for text in texts:
        encoder.embed_queries([text])
    return (time.process_time() - start) / len(texts) * 1000


def seed_column() -> tuple[dict[tuple[str, str], Quality], dict[str, float]]:
    """By encoder and ranking, on the test split of the seed catalogue; and the time per query."""
    documents, column, times = seed_documents(), {}, {}
    for name, encoder in encoders(documents).items():
        tune, test = measured(
            documents, seed_queries("tune"), seed_queries("test"), encoder=encoder
        )
        trained = PairwiseModel(fit(tune), "tuned")
        for ranking, each in qualities(encoder, test, scores_of(test, trained)).items():
            column[name, ranking] = each
        times[name] = milliseconds(encoder, seed_queries("test"))
    return column, times


def collection_column(folder: Path) -> tuple[dict[tuple[str, str], Quality], dict[str, float]]:
    """The same on a public collection; and the time per query by encoder."""
    documents, queries = collection(folder)
    column, times = {}, {}
    for name, encoder in encoders(documents).items():
        (found,) = measured(documents, queries, encoder=encoder)
        for ranking, each in qualities(encoder, found, cross_validated(found)).items():
            column[name, ranking] = each
        times[name] = milliseconds(encoder, queries)
    return column, times


def rows_of(
    columns: Mapping[str, Mapping[tuple[str, str], Quality]],
    seed: Mapping[str, float],
    times: Mapping[str, list[float]],
) -> list[dict[str, object]]:
    """One row for each encoder and ranking."""
    public = [column for name, column in columns.items() if name in COLLECTIONS]
    rows: list[dict[str, object]] = []
    for key in next(iter(columns.values())):
        row: dict[str, object] = {"encoder": key[0], "ranking": key[1]}
        for name, column in columns.items():
            q = column[key]
            row[name] = f"{q.mean:.3f} ({q.low:.3f}-{q.high:.3f})"
        if public:
            row["mean of collections"] = round(float(np.mean([c[key].mean for c in public])), 4)
        row["ms per query"] = round(seed[key[0]], 3)
        if public:
            row["of collections"] = round(float(np.mean(times[key[0]])), 3)
        rows.append(row)
    return rows


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collections", type=Path, default=DEFAULT)
    folder: Path = parser.parse_args().collections
    column, seed = seed_column()
    columns = {SEED: column}
    times: dict[str, list[float]] = {}
    for name in COLLECTIONS:
        if (folder / name).is_dir():
            columns[name], each = collection_column(folder / name)
            for encoder, value in each.items():
                times.setdefault(encoder, []).append(value)
        else:
            print(f"skipped {name}: no folder {folder / name}")
    report(
        "encoders",
        f"nDCG@10 by encoder, with 95 % intervals. {GOALS}",
        rows_of(columns, seed, times),
    )


if __name__ == "__main__":
    main()
