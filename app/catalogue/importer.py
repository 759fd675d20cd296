"""Bringing documents in: in batches, each durable before it is counted; again changes nothing."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from app.catalogue.readers import Row, Unreadable, csv_rows, jsonl, markdown, markdown_files
from app.catalogue.store import Catalogue, Written
from app.recommend.stages import WRITE, StageObserver, Unobserved

BATCH = 500


@dataclass(slots=True)
class Summary:
    """What an import did so far."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejects: Path | None = field(default=None)

    @property
    def stored(self) -> int:
        """Rows that are in the catalogue now."""
        return self.created + self.updated + self.unchanged


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of the rows of one batch, by outcome."""

    counts: Mapping[str, int]


def outcomes(
    catalogue: Catalogue,
    rows: Iterable[Row],
    batch: int = BATCH,
    stages: StageObserver | None = None,
) -> Iterator[list[tuple[Row, Written | None]]]:
    """Write rows in batches; each list is yielded when it is durable. None: rejected."""
    remaining, stages = iter(rows), stages or Unobserved()
    while part := list(islice(remaining, batch)):
        with stages.observe(WRITE) as stage:
            written = iter(catalogue.put([row.document for row in part if row.document]))
            done = [(row, next(written) if row.document else None) for row in part]
            stage.result = Batch(Counter(each.value if each else "rejected" for _, each in done))
        yield done


def import_path(
    catalogue: Catalogue,
    path: Path,
    rejects: Path,
    progress: Callable[[int, Summary], None] | None = None,
    *,
    fit: bool = True,
) -> Summary:
    """Import a file or folder; bad rows go to `rejects`. Raises Unreadable.

    `progress` hears the position (see `size`) and the counts after each durable batch. `fit`:
    learn the latent model anew at the end if the catalogue has outgrown it.
    """
    summary = Summary()
    rejects.unlink(missing_ok=True)
    for part in outcomes(catalogue, rows_of(path)):
        for _, written in part:
            name = written.value if written else "rejected"
            setattr(summary, name, getattr(summary, name) + 1)
        bad = [row for row, written in part if written is None]
        if bad:
            summary.rejects = rejects
            _append(rejects, bad)
        if progress is not None:
            progress(part[-1][0].position, summary)
    if fit:
        catalogue.ensure_models()
    return summary


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of a file or folder. Raises Unreadable."""
    if path.is_dir():
        yield from markdown(path)
        return
    read = {".jsonl": jsonl, ".ndjson": jsonl, ".csv": csv_rows}.get(path.suffix.lower())
    if read is None:
        raise Unreadable(f"{path.name}: expected .jsonl, .ndjson, .csv or a folder of .md files")
    with path.open("rb") as lines:
        yield from read(lines)


def size(path: Path) -> int:
    """How much there is to read: bytes of a file, files of a folder."""
    return len(markdown_files(path)) if path.is_dir() else path.stat().st_size


def _append(rejects: Path, rows: list[Row]) -> None:
    with rejects.open("a", encoding="utf-8") as file:
        for row in rows:
            entry = asdict(row)
            told = {key: entry[key] for key in ("line", "reason", "raw")}
            file.write(json.dumps(told, ensure_ascii=False) + "\n")
