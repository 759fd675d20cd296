"""Imports the seed catalogue at the first start."""

from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

from app.catalogue.importer import Summary, import_path
from app.catalogue.store import Catalogue

MARKER = "seeding"


def needs_seed(catalogue: Catalogue, folder: Path) -> bool:
    """Whether the catalogue was never written to, or an earlier seeding was interrupted."""
    query = "SELECT 1 FROM sqlite_sequence WHERE name = 'documents'"
    used = catalogue.database.reader.execute(query).fetchone() is not None
    return not used or (folder / MARKER).exists()


def seed(catalogue: Catalogue, folder: Path, progress: Callable[[int], object]) -> int:
    """Import the seed catalogue; returns the number of documents, which `progress` gets too."""
    marker = folder / MARKER
    marker.touch()
    stored = 0

    def on_progress(_: int, summary: Summary) -> None:
        progress(stored + summary.stored)

    with as_file(files("app.catalogue").joinpath("seed")) as sources:
        for path in sorted(sources.glob("*.jsonl")):
            summary = import_path(
                catalogue, path, folder / "seed.rejects.jsonl", on_progress, fit=False
            )
            stored += summary.stored
    catalogue.ensure_models()
    marker.unlink(missing_ok=True)
    return stored
