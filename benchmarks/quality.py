"""Retrieval quality: nDCG@10 of every leg, of fusion and of the pairwise model.

    python -m benchmarks.quality [--collections FOLDER]

All collections use the same settings. On them, the pairwise model is cross-validated by query
(5 folds); on the seed catalogue it is trained on the tune split and measured on the test split.
"""

import argparse
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from app.composition import open_catalogue
from app.model.baselines import Chance, OneLeg
from app.model.judged import JudgedQuery, collection, seed_queries
from app.model.pairwise_fit import cross_validated, fit
from app.model.ranking_metrics import Quality, Retrieved, quality, scores_of
from app.model.seed_training import retrieved
from app.recommend.embedding import Embedder
from app.recommend.fusion import Fusion
from app.recommend.ranking import PairwiseModel, RankingModel
from app.recommend.types import Document
from benchmarks.generate import seed_documents
from benchmarks.report import report

COLLECTIONS = ("cranfield", "cisi", "cacm")
DEFAULT = Path(__file__).parents[2] / "shared" / "data" / "ir"
SYSTEMS: dict[str, RankingModel] = {
    "chance": Chance(),
    "BM25 (lexical)": OneLeg("lexical"),
    "dense": OneLeg("dense"),
    "latent": OneLeg("latent"),
    "fusion": Fusion(),
}
GOALS = "mean of collections: fusion >= .465, pairwise >= .485"


def measured(
    documents: Sequence[Document],
    *queries: Sequence[JudgedQuery],
    encoder: Embedder | None = None,
) -> list[list[Retrieved]]:
    """Index the documents and retrieve each set of queries; `encoder`: of the dense leg."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue = open_catalogue(Path(folder), encoder=encoder)
        with closing(catalogue.database):
            catalogue.ensure_models()
            for start in range(0, len(documents), 500):
                catalogue.put(documents[start : start + 500])
            catalogue.ensure_models()
            return [retrieved(catalogue, each) for each in queries]


def seed_rows() -> dict[str, Quality]:
    """Every system on the test split of the seed catalogue."""
    documents = seed_documents()
    tune, test = measured(documents, seed_queries("tune"), seed_queries("test"))
    rows = {name: quality(scores_of(test, system)) for name, system in SYSTEMS.items()}
    pairwise = PairwiseModel(fit(tune), "tuned")
    return rows | {"pairwise": quality(scores_of(test, pairwise))}


def collection_rows(folder: Path) -> dict[str, Quality]:
    """Every system on a public collection."""
    documents, queries = collection(folder)
    (found,) = measured(documents, queries)
    rows = {name: quality(scores_of(found, system)) for name, system in SYSTEMS.items()}
    return rows | {"pairwise": quality(cross_validated(found))}


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collections", type=Path, default=DEFAULT)
    folder: Path = parser.parse_args().collections
    columns = {"seed (test split)": seed_rows()}
    for name in COLLECTIONS:
        if (folder / name).is_dir():
            columns[name] = collection_rows(folder / name)
        else:
            print(f"skipped {name}: no folder {folder / name}")
    public = [column for name, column in columns.items() if name in COLLECTIONS]
    rows = []
    for system in (*SYSTEMS, "pairwise"):
        row: dict[str, object] = {"system": system}
        for name, column in columns.items():
            q = column[system]
            row[name] = f"{q.mean:.3f} ({q.low:.3f}-{q.high:.3f})"
        if public:
            row["mean of collections"] = round(float(np.mean([c[system].mean for c in public])), 4)
        rows.append(row)
    report("quality", f"nDCG@10 with 95 % intervals. {GOALS}", rows)


if __name__ == "__main__":
    main()
