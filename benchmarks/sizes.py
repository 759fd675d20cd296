"""Retrieval by catalogue size: the index that is chosen, its loading time, latency and memory.

    python -m benchmarks.sizes [--documents 1000 10000 100000 1000000]

Each size runs in a separate process. Latency is that of one recommendation without HTTP, Wikipedia
and answer cache. A million documents take about ten minutes to import and 3 GB of memory.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from app.catalogue.index import CatalogueIndex, SnapshotIndex
from app.composition import open_catalogue
from app.model.judged import seed_queries
from app.recommend.answer_cache import AnswerCache
from app.recommend.fusion import Fusion
from app.recommend.pipeline import Recommender
from app.recommend.serving_model import ServingModel
from app.recommend.stages import Unobserved
from app.recommend.topic_signal import NoTopicSignal
from app.recommend.types import Request
from benchmarks.generate import documents
from benchmarks.report import report
from benchmarks.servers import resident_megabytes

SIZES = (1_000, 10_000, 100_000)
WARM, MEASURED = 100, 500


def fill(folder: Path, count: int) -> float:
    """Build a catalogue; returns documents per second."""
    catalogue = open_catalogue(folder)
    started = time.perf_counter()
    with closing(catalogue.database):
        source = documents(count)
        while batch := list(islice(source, 1000)):
            catalogue.put(batch)
        catalogue.ensure_models()
    return count / (time.perf_counter() - started)


async def answer(recommender: Recommender, texts: Sequence[str], times: int) -> list[float]:
    """Latency of `times` recommendations, in seconds."""
    took = []
    for turn in range(times):
        started = time.perf_counter()
        await recommender.recommend(Request(texts[turn % len(texts)]))
        took.append(time.perf_counter() - started)
    return took


def measure(folder: Path) -> dict[str, object]:
    """Load the catalogue in this process and measure recommendations."""
    catalogue = open_catalogue(folder)
    with closing(catalogue.database), threadpool_limits(limits=1, user_api="blas"):
        started = time.perf_counter()
        index = CatalogueIndex(catalogue.database, catalogue.models)
        loading = time.perf_counter() - started
        recommender = Recommender(
            index, ServingModel(Fusion()), NoTopicSignal(), AnswerCache(0), Unobserved()
        )
        texts = [each.text for each in seed_queries("tune")]
        asyncio.run(answer(recommender, texts, WARM))
        took = asyncio.run(answer(recommender, texts, MEASURED))
        p50, p99 = np.percentile(took, [50, 99]) * 1000
        indexes = chosen(index.now())
        return indexes | {
            "load s": loading,
            "p50 ms": float(p50),
            "p99 ms": float(p99),
            "RSS MB": resident_megabytes(os.getpid()),
            "file MB": (folder / "catalogue.db").stat().st_size / 1e6,
        }


def chosen(index: SnapshotIndex) -> dict[str, object]:
    """The indexes that are in use."""
    now = index.snapshot
    vectors = "memory" if now.dense is not None else "SQLite"
    dense = f"sign codes, vectors in {vectors}" if now.codes else "every vector"
    return {"lexical": "FTS5" if now.bm25 is None else "postings in memory", "dense": dense}


def catalogue_row(count: int) -> dict[str, object]:
    """Build one size, and measure it in a separate process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        speed = fill(folder, count)
        command = [sys.executable, "-m", "benchmarks.sizes", "--measure", name]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
        measured: dict[str, object] = json.loads(found.stdout)
        return {"documents": f"{count:,}", "import/s": speed} | measured


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, nargs="+", default=SIZES)
    parser.add_argument("--measure", type=Path)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return
    rows = [catalogue_row(count) for count in given.documents]
    report("sizes", "One recommendation, by catalogue size", rows)


if __name__ == "__main__":
    main()
