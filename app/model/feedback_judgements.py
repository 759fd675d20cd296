"""Judgements from feedback: users' likes, corrected for where they look, as grades.

The grade of a document for a query is its attractiveness in tenths: likes over the times that users
looked at it (`click_model.expected_likes`), shrunk towards 0 while there are few of them. It can
only be learnt from queries whose text the journal stores (VITRINE_JOURNAL_QUERIES).
"""

from collections.abc import Iterator
from hashlib import sha256

import numpy as np

from app.catalogue.feedback_log import FeedbackLog
from app.model.click_model import RANKS, Values, examination, expected_likes
from app.model.judgement_files import Judgements, JudgementsUnreadable, Reason, Reject, Row, Source

FEWEST_LIKES = 2
"""Likes that make a document relevant for a query: a single one is often chance."""
SHRINKAGE = 5
"""Looks without a like that are added to those of each document."""
TENTHS = 10
"""Of attractiveness, in a grade. Less than half a tenth is 0: so few likes may be mistakes."""
FEWEST_REQUESTS = 20
"""Recommendations for a query, of which users rejected results and liked none, from which on it has
no answer."""
NOTHING_STORED = (
    "the journal has feedback, but no texts of queries: set VITRINE_JOURNAL_QUERIES=true and "
    "collect feedback again"
)


def feedback_judgements(log: FeedbackLog) -> Judgements:
    """A row for each (query, document) pair with feedback; queries without an answer, too.

    Raises JudgementsUnreadable.
    """
    examined = examination(log)
    # Where every query always showed the same order, there is nothing to correct with.
    corrected = examined.known > 1
    ranks = examined.values[: examined.known] if corrected else np.ones(RANKS)
    found = list(_rows(log, ranks))
    rows = tuple(each for each in found if isinstance(each, Row))
    rejects = tuple(each for each in found if isinstance(each, Reject))
    if not any(row.document for row in rows):
        some = log.judged.any() and not log.texts
        detail = NOTHING_STORED if some else f"the feedback is not enough: {_counts(log)}"
        raise JudgementsUnreadable(detail)
    digest = sha256(repr(rows).encode()).hexdigest()
    bias = "corrected" if corrected else "not corrected: it is not known"
    name = f"feedback on {len(log.model):,} recommendations, position bias {bias} ({_counts(log)})"
    return Judgements(Source.FEEDBACK, name, digest, rows, rejects)


def _counts(log: FeedbackLog) -> str:
    listed = [f"{count:,} {outcome}" for outcome, count in log.rows.items() if count]
    listed += [f"{log.repeats:,} sent again"] * bool(log.repeats)
    return "rows: " + (", ".join(listed) or "none")


def _rows(log: FeedbackLog, examined: Values) -> Iterator[Row | Reject]:
    pairs = len(log.queries)
    likes, looks = expected_likes(log, examined)
    judged = np.bincount(log.pair, log.judged, minlength=pairs)
    against = np.bincount(log.pair, log.contradicted, minlength=pairs)
    graded = np.round(TENTHS * np.minimum(likes / (looks + SHRINKAGE), 1))
    graded[likes < FEWEST_LIKES] = 0
    for pair in np.flatnonzero(judged):
        query, document = log.queries[pair], log.documents[pair]
        line = int(pair) + 1
        if (text := log.texts.get(query)) is None:
            yield Reject(line, Reason.NO_TEXT, f"the journal has no text of the query {query}")
        elif 2 * against[pair] > judged[pair]:
            detail = f"“{document}” was praised and rejected by the same users for “{text}”"
            yield Reject(line, Reason.CONTRADICTION, detail)
        elif not graded[pair]:
            detail = f"“{document}” has {likes[pair]:.0f} likes in {looks[pair]:.1f} looks"
            yield Reject(line, Reason.WEAK, detail)
        else:
            yield Row(line, text, document, float(graded[pair]), "feedback")
    yield from _without_answer(log)


def _without_answer(log: FeedbackLog) -> Iterator[Row]:
    """The queries that were asked often, of which users rejected results and liked none."""
    first = log.pair[np.unique(log.recommendation, return_index=True)[1]]
    asked = np.bincount(first, minlength=len(log.queries))
    counts: dict[str, int] = {}
    for pair in np.flatnonzero(asked):
        query = log.queries[pair]
        counts[query] = counts.get(query, 0) + int(asked[pair])
    liked = {log.queries[pair] for pair in log.pair[log.liked]}
    against = log.judged & ~log.liked & ~log.contradicted
    rejected = {log.queries[pair] for pair in log.pair[against]} - liked
    for query, count in counts.items():
        if count >= FEWEST_REQUESTS and query in rejected and query in log.texts:
            yield Row(0, log.texts[query], "", 0, "feedback")
