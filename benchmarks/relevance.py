"""How well the service knows when it does not know.

    python -m benchmarks.relevance [--collections FOLDER]

The shipped calibrator of fusion and a pairwise model with its calibrator, both made from the tune
split, are held against the test split of the seed catalogue. The shipped one is then moved, as it
is, to public collections it has never seen: their own queries against foreign ones (the test
split's out-of-domain queries, and queries of the other collections).
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.catalogue.store import Catalogue
from app.composition import open_catalogue
from app.model.calibration import Calibration, first_results, measure
from app.model.calibrators import load_calibrators
from app.model.judged import JudgedQuery, collection, seed_queries
from app.model.report import calibration_rows, figure
from app.model.seed_training import judge_on_seed, opened_index, retrieved, train_on_seed
from app.model.version_loader import CALIBRATOR, RANKER
from app.recommend.fusion import Fusion
from app.recommend.ranking import PairwiseModel
from app.recommend.relevance import Calibrator
from app.recommend.types import Document
from benchmarks.generate import seed_documents
from benchmarks.quality import COLLECTIONS, DEFAULT
from benchmarks.report import report

GOALS = "test split: AUC >= .95, good answers withheld <= .05, out-of-domain withheld >= .80"
FOREIGN = 80
"""Queries taken from each other collection."""


@contextmanager
def catalogue_of(documents: Sequence[Document]) -> Iterator[tuple[Catalogue, Path]]:
    """A temporary catalogue with its indexes and models, and its folder."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue = open_catalogue(Path(folder))
        with closing(catalogue.database):
            catalogue.ensure_models()
            for start in range(0, len(documents), 500):
                catalogue.put(documents[start : start + 500])
            catalogue.ensure_models()
            yield catalogue, Path(folder)


def seed_columns() -> tuple[dict[str, dict[str, str]], list[dict[str, object]]]:
    """The figures of fusion and of pairwise, and fusion's reliability, on the test split."""
    with catalogue_of(seed_documents()) as (catalogue, folder):
        embedder, files = catalogue.models.embedder.name, train_on_seed(catalogue)
        pairwise = PairwiseModel.load(files[RANKER])
        calibrator = Calibrator.load(files[CALIBRATOR], pairwise.card, embedder)
        shipped = load_calibrators(folder, [Fusion.card], embedder).by_model["fusion"]
        judged = {
            "fusion": judge_on_seed(catalogue, Fusion(), shipped, "test"),
            "pairwise": judge_on_seed(catalogue, pairwise, calibrator, "test"),
        }
    reliability: list[dict[str, object]] = [
        {
            "queries": each.queries,
            "mean relevance": round(each.predicted, 3),
            "share answered": round(each.observed, 3),
        }
        for each in judged["fusion"].calibration.bins
    ]
    columns = {f"{name}, seed": calibration_rows(each) for name, each in judged.items()}
    return columns, reliability


def moved(
    documents: Sequence[Document], queries: Sequence[JudgedQuery], foreign: Sequence[JudgedQuery]
) -> Calibration:
    """The shipped calibrator on a catalogue it was not trained for."""
    with catalogue_of(documents) as (catalogue, folder):
        embedder = catalogue.models.embedder.name
        calibrator = load_calibrators(folder, [Fusion.card], embedder).by_model["fusion"]
        found = retrieved(catalogue, [*queries, *foreign])
        results = first_results(opened_index(catalogue), found, Fusion())
    probabilities = [calibrator.relevance(seen).probability for seen in results.seen.tolist()]
    return measure(np.array(probabilities), results, calibrator.threshold)


def moved_columns(folder: Path) -> dict[str, dict[str, str]]:
    """The shipped calibrator on every collection there is."""
    there = {name: collection(folder / name) for name in COLLECTIONS if (folder / name).is_dir()}
    outside = [each for each in seed_queries("test") if not each.relevance]
    columns = {}
    for name, (documents, queries) in there.items():
        others = [each for other, (_, own) in there.items() if other != name for each in own]
        taken = [replace(each, relevance={}) for each in others[:: max(len(others) // FOREIGN, 1)]]
        found = moved(documents, queries, [*outside, *taken])
        columns[f"fusion, {name}"] = {
            "AUC, good answers against out-of-domain queries": figure(found.auc),
            "AUC, good answers against all others": figure(found.auc_all),
            "Brier score (lower is better)": f"{found.brier:.3f}",
            "good answers withheld": figure(found.withheld_good),
            "out-of-domain queries withheld": figure(found.withheld_outside),
        }
    return columns


def main() -> None:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collections", type=Path, default=DEFAULT)
    folder: Path = parser.parse_args().collections
    columns, reliability = seed_columns()
    columns |= moved_columns(folder)
    rows: list[dict[str, object]] = [
        {"figure": name, **{title: column.get(name, "") for title, column in columns.items()}}
        for name in columns["fusion, seed"]
    ]
    report("relevance", f"Relevance, with 95 % intervals. Goals on the {GOALS}", rows)
    report("relevance-reliability", "Reliability of fusion's relevance, test split", reliability)


if __name__ == "__main__":
    main()
