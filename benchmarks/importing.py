"""Import speed: a JSON Lines file into an empty catalogue, and the same file again.

python -m benchmarks.importing [--documents 100000]
"""

import argparse
import json
import tempfile
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from app.catalogue.importer import import_path
from app.composition import open_catalogue
from benchmarks.generate import documents
from benchmarks.report import report

GOAL = "goal: at least 2,000 documents/s at 100,000"


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    count: int = parser.parse_args().documents
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "documents.jsonl"
        with source.open("w", encoding="utf-8") as file:
            for each in documents(count):
                file.write(json.dumps(asdict(each)) + "\n")
        catalogue = open_catalogue(folder)
        with closing(catalogue.database):
            for what in ("import, fit and embed", "the same file again"):
                started = time.perf_counter()
                import_path(catalogue, source, folder / "rejects.jsonl")
                took = time.perf_counter() - started
                rows.append(
                    {"step": what, "documents": count, "seconds": took, "documents/s": count / took}
                )
            size = (folder / "catalogue.db").stat().st_size
        rows.append({"step": "file size, KB a document", "documents": count,
                     "seconds": "", "documents/s": size / count / 1000})  # fmt: skip
    report("importing", f"Import. {GOAL}", rows)


if __name__ == "__main__":
    main()
