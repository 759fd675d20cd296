"""Imports files and folders in batches. A batch is durable before it is counted; repeating an
import changes nothing."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.catalogue.importers.csv_files import csv_rows
from app.catalogue.importers.json_files import json_rows
from app.catalogue.importers.markdown import markdown_files, markdown_rows
from app.catalogue.importers.markdown_folder import ENDINGS
from app.catalogue.importers.row import Notes, Row, Unreadable
from app.catalogue.importers.source import WESTERN, open_text
from app.catalogue.store import Catalogue, Written
from app.recommend.stages import WRITE, StageObserver, Unobserved

BATCH = 500
BATCH_CHARACTERS = 8_000_000
"""Upper limit of a batch in characters: batches of long rows are shorter."""
REJECTED = b'{"line": '
"""How a file of rejected rows begins."""
FORMATS = {
    ".jsonl": json_rows,
    ".ndjson": json_rows,
    ".json": json_rows,
    ".csv": csv_rows,
    ".tsv": csv_rows,
    ".tab": csv_rows,
}


@dataclass(slots=True)
class Summary:
    """The counts of an import so far."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejects: Path | None = None
    rejects_failure: OSError | None = None
    """The last failure to write rejected rows to a file."""
    notes: Notes = field(default_factory=Counter)
    """Messages about what was changed or skipped, with their counts."""

    def count(self, written: Written | None) -> None:
        """Count one row; None: it was rejected."""
        self.created += written is Written.CREATED
        self.updated += written is Written.UPDATED
        self.unchanged += written is Written.UNCHANGED
        self.rejected += written is None

    @property
    def stored(self) -> int:
        """Number of rows that are in the catalogue now."""
        return self.created + self.updated + self.unchanged


@dataclass(frozen=True, slots=True)
class Batch:
    """Number of rows of one batch by outcome."""

    counts: Mapping[str, int]


def outcomes(
    catalogue: Catalogue,
    rows: Iterable[Row],
    batch: int = BATCH,
    stages: StageObserver | None = None,
) -> Iterator[list[tuple[Row, Written | None]]]:
    """Write rows in batches; yields each batch when it is durable. None: rejected."""
    stages = stages or Unobserved()
    for part in _batches(rows, batch):
        with stages.observe(WRITE) as stage:
            written = iter(catalogue.put([row.document for row in part if row.document]))
            done = [(row, next(written) if row.document else None) for row in part]
            stage.result = Batch(Counter(each.value if each else "rejected" for _, each in done))
        yield done


def _batches(rows: Iterable[Row], most: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += row.size
        if len(batch) == most or size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def import_path(
    catalogue: Catalogue,
    path: Path,
    rejects: Path,
    progress: Callable[[int, Summary], None] | None = None,
    *,
    fit: bool = True,
    elsewhere: Path | None = None,
) -> Summary:
    """Import a file or folder; write rejected rows to `rejects` as JSON Lines.

    `progress` is called after each durable batch with the position (see `size`) and the counts.
    `fit`: fit the latent model at the end if the catalogue's size has changed enough. `elsewhere`:
    file for rejected rows if `rejects` can't be written; the import continues in any case.
    Raises Unreadable, and OSError if the source can't be read.
    """
    summary = Summary()
    files = [rejects, *([elsewhere] if elsewhere else [])]
    for each in files:
        with suppress(OSError):
            if each.samefile(path) or not is_rejects(each):
                raise Unreadable(f"{each} is no file of rejected rows; name another with --rejects")
            each.unlink()  # of an earlier import
    for part in outcomes(catalogue, rows_of(path, summary.notes)):
        for _, written in part:
            summary.count(written)
        bad = [row for row, written in part if written is None]
        if bad:
            _append(files, bad, summary)
        if progress is not None:
            progress(part[-1][0].position, summary)
    if fit:
        catalogue.ensure_models()
    return summary


def rows_of(path: Path, notes: Notes) -> Iterator[Row]:
    """The rows of a file or folder; changes and omissions are counted in `notes`.

    Raises Unreadable, OSError.
    """
    if path.is_dir() or path.suffix.lower() in ENDINGS:
        yield from markdown_rows(path, notes)
        return
    endings = [each.lower() for each in path.suffixes]
    read = FORMATS.get(next((each for each in reversed(endings) if each != ".gz"), ""))
    if read is None:
        kinds = ", ".join((*FORMATS, "these with .gz", *ENDINGS))
        raise Unreadable(f"its name must end in {kinds}; or import a folder of Markdown files")
    with open_text(path) as source:
        if source.encoding == WESTERN:
            notes["the file is not UTF-8: read as Windows-1252"] += 1
        yield from read(source, notes)


def size(path: Path) -> int:
    """Size of the source, for progress: bytes of a file, number of files in a folder."""
    if path.is_dir() or path.suffix.lower() in ENDINGS:
        return len(markdown_files(path))
    return path.stat().st_size


def is_rejects(path: Path) -> bool:
    """Whether a file is empty or begins as those that `_append` writes. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(REJECTED)) in (b"", REJECTED)


def _append(files: list[Path], rows: list[Row], summary: Summary) -> None:
    """Append rejected rows to the first file that can be written."""
    lines = "".join(
        json.dumps({"line": row.line, "reason": row.reason, "raw": row.raw}) + "\n" for row in rows
    )
    while files:
        try:
            files[0].parent.mkdir(parents=True, exist_ok=True)
            with files[0].open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError as error:
            summary.rejects_failure = error
            del files[0]
        else:
            summary.rejects = files[0]
            return
