"""Answers the rows of a file in chunks, and appends one line for each to the output.

The output is the only state: a chunk is on disk before the next one begins, and a run continues
after the last complete line. Killed at any point and started again, no row is there twice and none
is missing.
"""

import fcntl
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pydantic_core import to_json

from app.api.recommend import answer_content
from app.batch.rows import InputRow
from app.recommend.batch import (
    OUTCOMES,
    BatchCounts,
    BatchRun,
    Item,
    NotResumable,
    RowOutcome,
    RowReason,
)
from app.recommend.query import NoSearchableWords
from app.recommend.stages import PROCESS_CHUNK, RUN_BATCH, StageObserver
from app.recommend.types import Recommendation, Request

LINE_START = b'{"row":'
"""How each line of an output begins."""
CHUNK = 100
"""Rows of a chunk: they are encoded and written together, and are one span."""


class Recommends(Protocol):
    """What answers a chunk (`BatchRecommender`)."""

    def recommend(self, items: Sequence[Item]) -> list[Recommendation | Exception]: ...


@dataclass(frozen=True, slots=True)
class BatchJob:
    """What to do. `rows` are read from their beginning; `explain`: write the reasons of results.

    `known`: whether a category exists. `progress` gets the position in the input and the counts.
    """

    rows: Iterator[InputRow]
    output: Path
    recommender: Recommends
    known: Callable[[str], bool]
    explain: bool = False
    progress: Callable[[int, BatchCounts], None] = lambda *_: None


def run_batch(job: BatchJob, stages: StageObserver) -> BatchRun:
    """Answer the rows that are not in the output yet. Raises NotResumable, Unreadable, OSError,
    sqlite3.Error."""
    with stages.observe(RUN_BATCH) as whole, _opened(job.output) as output:
        done = _resume(output, job.rows)
        resumed_after = done.total()
        new = Counter[RowReason | None]()
        while rows := list(islice(job.rows, CHUNK)):
            with stages.observe(PROCESS_CHUNK) as stage:
                lines, reasons = _answered(job, rows)
                output.write(b"".join(lines))
                output.flush()
                os.fsync(output.fileno())
                callers = [each.asked.traceparent for each in rows if each.asked]
                stage.result = BatchCounts(reasons, [each for each in callers if each])
            new.update(reasons)
            job.progress(rows[-1].position, BatchCounts(done + new))
        run = whole.result = BatchRun(BatchCounts(done + new), resumed_after, BatchCounts(new))
    return run


def _answered(
    job: BatchJob, rows: Sequence[InputRow]
) -> tuple[list[bytes], Counter[RowReason | None]]:
    """The output's lines for a chunk, and how many rows there are by reason."""
    checked = [_checked(job, each) for each in rows]
    items = [
        Item(Request(row.asked.query, row.asked.limit, frozenset(row.asked.categories)))
        for row in checked
        if row.asked is not None
    ]
    answers = iter(job.recommender.recommend(items))
    lines, reasons = [], Counter[RowReason | None]()
    for row in checked:
        answer = next(answers) if row.asked is not None else None
        reason, content = _outcome(row, answer, explain=job.explain)
        reasons[reason] += 1
        outcome = RowOutcome.PROCESSED if reason is None else OUTCOMES[reason]
        about: dict[str, Any] = {"row": row.number, "outcome": outcome, "reason": reason}
        about["digest"] = row.digest
        if row.asked is not None and row.asked.id is not None:
            about["id"] = row.asked.id
        lines.append(to_json(about | content) + b"\n")
    return lines, reasons


def _checked(job: BatchJob, row: InputRow) -> InputRow:
    """The row, refused if it names a category that no document has."""
    unknown = [] if row.asked is None else [c for c in row.asked.categories if not job.known(c)]
    if not unknown:
        return row
    detail = f"there is no category “{min(unknown)}”"
    return InputRow(row.number, row.digest, row.position, None, RowReason.INVALID, detail)


def _outcome(
    row: InputRow, answer: Recommendation | Exception | None, *, explain: bool
) -> tuple[RowReason | None, dict[str, Any]]:
    if isinstance(answer, sqlite3.Error):  # no other row can be answered either
        raise answer
    if isinstance(answer, Recommendation):
        return None, answer_content(answer, explain=explain)
    if isinstance(answer, NoSearchableWords):
        return RowReason.NOT_SEARCHABLE, {"detail": "has no letters or digits"}
    if answer is not None:
        return RowReason.FAILED, {"detail": f"{type(answer).__name__}: {answer}"}
    return row.reason, {"detail": row.detail}


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The output, locked: two runs at once would mix their lines. Raises NotResumable."""
    with path.open("ab+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotResumable(f"another process is writing {path}") from error
        yield file


def _resume(file: BinaryIO, rows: Iterator[InputRow]) -> Counter[RowReason | None]:
    """Cut off an incomplete line, and skip the rows that are done; their number by reason.

    Raises NotResumable if a line does not belong to its row, Unreadable.
    """
    done, end = Counter[RowReason | None](), 0
    file.seek(0)
    for line in file:
        if not line.endswith(b"\n"):
            if not (line.startswith(LINE_START) or LINE_START.startswith(line)):
                raise NotResumable("the output ends with what is no line of a batch")
            break
        number = done.total() + 1
        try:
            answered = json.loads(line)
            done[None if answered["reason"] is None else RowReason(answered["reason"])] += 1
            digest, expected = answered["digest"], answered["row"] == number
        except (ValueError, KeyError, TypeError, RecursionError):
            expected = False
        if not expected:
            raise NotResumable(f"line {number} of the output is none of a batch")
        row = next(rows, None)
        if row is None or row.digest != digest:
            raise NotResumable(f"line {number} of the output is not of row {number} of the input")
        end += len(line)
    file.truncate(end)
    file.seek(0, os.SEEK_END)
    return done
