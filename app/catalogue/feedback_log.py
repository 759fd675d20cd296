"""Reads the journal as arrays: which results were shown, and which of them users liked.

Every recommendation gets the same time to be judged: it counts when the window after it is over,
and feedback counts if it arrived within the window. So a version that serves since an hour and one
that served for a year are compared fairly.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.catalogue.database import Database
from app.catalogue.feedback_journal import Kind
from app.recommend.types import ModelCard

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]
LIKING = frozenset({Kind.CLICK, Kind.THUMBS_UP, Kind.DWELL})
REJECTING = frozenset({Kind.DISMISS, Kind.THUMBS_DOWN})
SERVED = """
SELECT id, model, version, documents, query_hash, query,
       CAST(strftime('%s', served_at) AS INTEGER)
FROM recommendations WHERE sequence > ? ORDER BY sequence
"""
GIVEN = """
SELECT f.recommendation, f.document, f.kind, f.repeats,
       CAST(strftime('%s', f.received_at) AS INTEGER)
FROM recommendations r JOIN feedback f ON f.recommendation = r.id WHERE r.sequence > ?
"""


class RowOutcome(StrEnum):
    """What became of a row of feedback."""

    USED = "used"
    PENDING = "pending"
    """The window of its recommendation is not over."""
    LATE = "late"
    CONTRADICTORY = "contradictory"
    """The same result was praised and rejected; both rows are set aside."""
    NO_QUERY = "no-query"
    """Of similar documents, with a category filter, or from before there were hashes of queries."""


@dataclass(frozen=True, slots=True, eq=False)
class FeedbackLog:
    """r recommendations for typed queries, which showed n results of p (query, document) pairs.

    `model` (r,): position in `models`. `recommendation`, `pair`, `rank` (n,): of each result, all
    from 0, in the order of the recommendations. `liked` (n,): clicked, read or praised, and not
    rejected; `judged` (n,): with any feedback; `contradicted` (n,): with contradictory feedback.
    `queries` (p,): the hash of each pair's query; `documents` (p,): its document.
    """

    models: tuple[ModelCard, ...]
    model: Numbers
    recommendation: Numbers
    pair: Numbers
    rank: Numbers
    liked: Flags
    judged: Flags
    contradicted: Flags
    queries: tuple[str, ...]
    documents: tuple[str, ...]
    texts: Mapping[str, str]
    """Of queries, by hash; only those that the journal stores."""
    rows: Mapping[RowOutcome, int]
    """How many rows of feedback there are, by what became of them."""
    repeats: int = 0
    """How often feedback was sent again that was already stored."""
    pending: int = 0
    """Recommendations whose window is not over; they are not among the r."""


def read_feedback(
    database: Database,
    window: float,
    now: float,
    most: int | None = None,
    ranks: int | None = None,
) -> FeedbackLog:
    """The last `most` recommendations with their first `ranks` results (None: all) and feedback.

    `window`: seconds in which feedback counts; `now`: Unix time.
    """
    with database.snapshot() as connection:
        query = "SELECT coalesce(max(sequence), 0) FROM recommendations"
        (newest,) = connection.execute(query).fetchone()
        after = (0 if most is None else newest - most,)
        served = connection.execute(SERVED, after).fetchall()
        given = connection.execute(GIVEN, after).fetchall()
    typed = [row for row in served if row[4]]
    ended = [row for row in typed if row[-1] + window <= now]
    rows, kinds = _by_result(given, {row[0]: row[-1] for row in typed}, window, now)
    repeats = sum(count for *_, count, _ in given)
    pending = len(typed) - len(ended)
    return _log(ended, kinds, rows, repeats, pending, ranks)


Kinds = dict[tuple[str, str], set[str]]
"""The kinds of feedback by (recommendation, document)."""


def _by_result(
    given: Iterable[Any], served: Mapping[str, int], window: float, now: float
) -> tuple[Counter[RowOutcome], Kinds]:
    """Count the rows by outcome, and collect the kinds of those that are used or contradictory."""
    rows, kinds = Counter[RowOutcome](), Kinds()
    for recommendation, document, kind, _, at in given:
        if (begun := served.get(recommendation)) is None:
            rows[RowOutcome.NO_QUERY] += 1
        elif begun + window > now:
            rows[RowOutcome.PENDING] += 1
        elif at > begun + window:
            rows[RowOutcome.LATE] += 1
        else:
            kinds.setdefault((recommendation, document), set()).add(kind)
    for found in kinds.values():
        outcome = RowOutcome.CONTRADICTORY if contradictory(found) else RowOutcome.USED
        rows[outcome] += len(found)
    return rows, kinds


def contradictory(kinds: set[str]) -> bool:
    """Whether a result was praised and rejected. A click and a rejection are none: users see only
    after the click that it is the wrong document."""
    return Kind.THUMBS_UP in kinds and bool(kinds & REJECTING)


def _log(
    served: Sequence[Any],
    kinds: Kinds,
    rows: Counter[RowOutcome],
    repeats: int,
    pending: int,
    ranks: int | None,
) -> FeedbackLog:
    models: dict[ModelCard, int] = {}
    pairs: dict[tuple[str, str], int] = {}
    texts: dict[str, str] = {}
    model, results, flags = [], [], []
    for number, (name, *card, documents, query, text, _) in enumerate(served):
        model.append(models.setdefault(ModelCard(*card), len(models)))
        if text:
            texts[query] = text
        for rank, document in enumerate(documents.split()[:ranks]):
            found = kinds.get((name, document), set())
            results.append((number, pairs.setdefault((query, document), len(pairs)), rank))
            liked = bool(found & LIKING) and not found & REJECTING
            flags.append((liked, bool(found), contradictory(found)))
    numbers = np.array(results, np.int64).reshape(-1, 3)
    found_flags = np.array(flags, bool).reshape(-1, 3)
    return FeedbackLog(
        models=tuple(models),
        model=np.array(model, np.int64),
        recommendation=numbers[:, 0],
        pair=numbers[:, 1],
        rank=numbers[:, 2],
        liked=found_flags[:, 0],
        judged=found_flags[:, 1],
        contradicted=found_flags[:, 2],
        queries=tuple(query for query, _ in pairs),
        documents=tuple(document for _, document in pairs),
        texts=texts,
        rows=rows,
        repeats=repeats,
        pending=pending,
    )
