"""A batch is one trace: a span for each answered item, which links to its caller's."""

import pytest

from app.recommend.batch import RowOutcome
from app.recommend.stages import ANSWER_ITEM, ENCODE_QUERIES
from app.telemetry import vocabulary as v
from tests.telemetry.expected import (
    COUNT,
    FUSION,
    SCORE_VALUE,
    SHOWN,
    WORDS,
    YES_OR_NO,
    select,
    server,
)
from tests.telemetry.recorded_service import OpenService
from tests.telemetry.span_trees import Link, Tree, assert_same, span

pytestmark = pytest.mark.anyio
CALLER = Link(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7)
TRACEPARENT = f"00-{CALLER.trace:032x}-{CALLER.span:016x}-01"


def item(*links: Link) -> Tree:
    """An answered item."""
    about = {
        **FUSION, v.DEGRADED: False, v.RESULTS: COUNT, v.SCORE_TOP: SCORE_VALUE,
        v.RELEVANCE: SCORE_VALUE, v.ANSWERED: YES_OR_NO,
    }  # fmt: skip
    shown = SHOWN.format(",".join("?" * 5))
    return span(ANSWER_ITEM, about, *links, select(WORDS), select(shown))


async def test_each_item_is_a_span_that_links_to_its_caller(open_service: OpenService) -> None:
    items = [
        {"query": "stale bread", "traceparent": TRACEPARENT},
        {"query": "?!", "traceparent": TRACEPARENT},
        {"query": "stale bread", "limit": 99},
        {"query": "stale bread", "traceparent": "00-nonsense"},
    ]
    async with open_service() as service:
        answer = await service.client.post("/recommend/batch", json={"items": items})
    about = {
        v.BATCH_SIZE: 4, v.BATCH_COUNTS[RowOutcome.PROCESSED]: 2,
        v.BATCH_COUNTS[RowOutcome.DROPPED]: 1, v.BATCH_COUNTS[RowOutcome.QUARANTINED]: 1,
    }  # fmt: skip
    encoded = span(ENCODE_QUERIES, {v.BATCH_SIZE: 2})
    expected = server("POST /recommend/batch", 200, about, encoded, item(CALLER), item())
    assert_same(service.tree(answer), expected)
    assert service.counts(v.BATCH_ROWS) == {
        ("processed", None): 2, ("dropped", "not-searchable"): 1, ("quarantined", "invalid"): 1,
    }  # fmt: skip
    assert service.counts(v.RECOMMENDATIONS) == {("fusion", "2", False): 2}
    wide = service.wide_event(answer).attributes or {}
    assert (wide[v.BATCH_SIZE], wide[v.RESULTS]) == (4, 10)
    assert v.SCORE_TOP not in wide, "it is of one item only"
