"""Throughput, latency and memory at 10,000 documents, next to an empty FastAPI endpoint.

    python -m benchmarks.serving [--seconds 4] [--connections 8]

One worker; a local stand-in answers instead of Wikipedia. Each figure is the median over rounds in
which every system is loaded in turn, so that all run under the same conditions.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from statistics import median
from urllib.parse import quote

from app.composition import open_catalogue
from app.model.judged import seed_queries
from benchmarks.generate import documents
from benchmarks.load import Measured, load, post
from benchmarks.report import report
from benchmarks.servers import resident_megabytes, server

NO_ANSWER_CACHE = {"VITRINE_ANSWERS_BYTES": "0"}
DOCUMENTS, ROUNDS, NEW_QUERIES = 10_000, 3, 100_000
GOALS = "goals: 0.25 of the empty endpoint, p99 at most 8 x p50, under 400 MB"


def build(folder: Path) -> None:
    """Build the catalogue that all measured services read."""
    catalogue = open_catalogue(folder)
    with closing(catalogue.database):
        source = documents(DOCUMENTS)
        while batch := list(islice(source, 500)):
            catalogue.put(batch)
        catalogue.ensure_models()


def requests(texts: Sequence[str]) -> list[bytes]:
    """One POST /recommend for each text."""
    return [post("/recommend", json.dumps({"query": text}).encode()) for text in texts]


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", type=int, default=8)
    given = parser.parse_args()
    texts = [each.text for split in ("tune", "test") for each in seed_queries(split)]
    repeated = requests(texts)
    new = requests([f"{texts[n % len(texts)]} zz{n:x}" for n in range(NEW_QUERIES)])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        build(folder)
        wikipedia, _ = stack.enter_context(server("wikipedia", {}))
        common = {
            "VITRINE_DATA": str(folder),
            "VITRINE_WIKIPEDIA__BASE_URL": f"http://127.0.0.1:{wikipedia}/",
            "VITRINE_WIKIPEDIA__CACHE_ENTRIES": "1000",
            "VITRINE_LIMITS__REQUESTS_PER_SECOND": "1000000",
            "VITRINE_LIMITS__BURST": "1000000",
        }
        cached = stack.enter_context(server("app", common))
        uncached = stack.enter_context(server("app", common | NO_ANSWER_CACHE))
        unknown = stack.enter_context(server("app", common | NO_ANSWER_CACHE))
        example = f"http://127.0.0.1:{cached[0]}/recommend?q={quote('keep bread from going stale')}"
        empty = stack.enter_context(server("empty", {"EXAMPLE": example}))
        systems = {
            "empty endpoint": (*empty, repeated),
            "repeated queries, answer cache on": (*cached, repeated),
            "repeated queries, answer cache off": (*uncached, repeated),
            "new queries, a Wikipedia call each": (*unknown, new),
        }
        for port, _, bodies in systems.values():
            load(port, bodies[: len(texts)], given.connections, 2)
        rounds: dict[str, list[Measured]] = {name: [] for name in systems}
        for number in range(ROUNDS):
            for name, (port, _, bodies) in systems.items():
                start = (number * NEW_QUERIES // ROUNDS) % len(bodies)
                turned = bodies[start:] + bodies[:start]
                rounds[name].append(load(port, turned, given.connections, given.seconds))
        memory = {name: resident_megabytes(process) for name, (_, process, _) in systems.items()}
    report("serving", f"{DOCUMENTS:,} documents, one worker. {GOALS}", _rows(rounds, memory))


def _rows(rounds: dict[str, list[Measured]], memory: dict[str, float]) -> list[dict[str, object]]:
    base = median(each.rate for each in rounds["empty endpoint"])
    rows: list[dict[str, object]] = []
    for name, measured in rounds.items():
        rate, p50, p99 = (median(getattr(m, field) for m in measured) for field in FIELDS)
        rows.append(
            {
                "system": name,
                "requests/s": rate,
                "of empty": rate / base,
                "p50 ms": p50 * 1000,
                "p99 ms": p99 * 1000,
                "p99/p50": p99 / p50,
                "RSS MB": memory[name],
                "failed": sum(each.failed for each in measured),
            }
        )
    return rows


FIELDS = ("rate", "p50", "p99")

if __name__ == "__main__":
    main()
