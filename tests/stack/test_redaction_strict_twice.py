"""A second Collector changes nothing that the first has redacted."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.observatory.messages import attributes, fresh, request, span
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import over_grpc
from tests.stack.collector_process import LONG_TIMEOUT, REDACTION_STRICT, Collector
from tests.stack.conftest import to
from tests.stack.every_field import BODIES, KINDS, SIGNALS, TABLES, arrived, message, rows
from tests.stack.look_alikes import LOOK_ALIKES
from tests.stack.sensitive import SENSITIVE

pytestmark = pytest.mark.lasting

TEXTS = (*LOOK_ALIKES, *(each.text for each in SENSITIVE))
EXPECTED = [len(TEXTS) + 1, len(TEXTS) * BODIES, *[len(TEXTS)] * KINDS]
PRIVATE = {
    "user.id": "maria",
    "db.password": "chestnut",
    "http.request.header.cookie": ["sid=chestnut"],
    "url.full": "https://shop.example/a?chestnut",
}


def test_a_second_collector_changes_nothing(
    strict: Collector, otelcol: Path, store: Observatory, tmp_path: Path
) -> None:
    service, report = fresh(), attributes(PRIVATE)
    variables = to(store) | {"OTLP_ENDPOINT": strict.otlp}
    backends = ("clickhouse", "otlp", "fan-out")
    with Collector(
        otelcol, tmp_path, REDACTION_STRICT, *backends, LONG_TIMEOUT, **variables
    ) as first:
        for signal in SIGNALS:
            assert over_grpc(first, signal, message(signal, TEXTS, service)).code == 0
        private = request(
            "traces", [span("", attributes=report)], PRIVATE | {"service.name": service}
        )
        assert over_grpc(first, "traces", private).code == 0
        arrived(store, service, [2 * each for each in EXPECTED])
    for table in TABLES:
        found = Counter(json.dumps(row) for row in rows(store, table, service))
        assert set(found.values()) == {2}, [row for row in found if found[row] != 2][:2]
