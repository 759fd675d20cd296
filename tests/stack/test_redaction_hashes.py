"""Ids that people are known by become hashes: equal for equal ids, others with another key."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.observatory.messages import attributes, fresh, gauge, log, request, span
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import over_grpc
from tests.stack.collector_process import LONG_TIMEOUT, Collector
from tests.stack.conftest import to
from tests.stack.every_field import TABLES, rows
from tests.waiting import until

pytestmark = pytest.mark.lasting

IDS = (
    "enduser.id", "enduser.pseudo.id", "user.id", "user.name", "session.id", "client.address",
    "http.client_ip",
)  # fmt: skip
PERSON: dict[str, Any] = dict.fromkeys(IDS, "maria")
HASH = re.compile(r"[0-9a-f]{64}")
KEY = "of the tests"


def _hashed(collector: Collector, store: Observatory, person: dict[str, Any]) -> dict[str, str]:
    """What a span, its resource, its event, a record and a point have of one person, in this."""
    service, of = fresh(), attributes(person)
    event = {"name": "event", "attributes": of}
    records: dict[str, Any] = {
        "traces": span("span", attributes=of, events=[event]),
        "logs": log("log", attributes=of),
        "metrics": gauge("gauge", attributes=of),
    }
    for signal, record in records.items():
        over_grpc(collector, signal, request(signal, [record], person | {"service.name": service}))
    tables = TABLES[:3]
    until(lambda: all(rows(store, table, service) for table in tables))
    spans, logs, points = (rows(store, table, service)[0] for table in tables)
    columns = (
        spans["SpanAttributes"], spans["ResourceAttributes"], spans["Events.Attributes"][0],
        logs["LogAttributes"], points["Attributes"],
    )  # fmt: skip
    output = [{key: each[key] for key in person} for each in columns]
    assert output == [output[0]] * len(columns), output
    return output[0]


@contextmanager
def _with_key(binary: Path, folder: Path, store: Observatory, key: str) -> Iterator[Collector]:
    folder.mkdir()
    with Collector(
        binary, folder, "clickhouse", LONG_TIMEOUT, **to(store), COLLECTOR_HASH_KEY=key
    ) as collector:
        yield collector


def test_equal_ids_have_equal_hashes_and_other_ids_others(
    otelcol: Path, store: Observatory, tmp_path: Path
) -> None:
    with _with_key(otelcol, tmp_path / "one", store, KEY) as collector:
        maria, again = (_hashed(collector, store, PERSON) for _ in range(2))
        other = _hashed(collector, store, dict.fromkeys(IDS, "marta"))
        number = _hashed(collector, store, {"user.id": 17})
    assert maria == again
    for key in IDS:
        assert HASH.fullmatch(maria[key])
        assert maria[key] != other[key]
    assert HASH.fullmatch(number["user.id"])


def test_another_key_makes_other_hashes(
    collector: Collector, otelcol: Path, store: Observatory, tmp_path: Path
) -> None:
    with _with_key(otelcol, tmp_path / "one", store, KEY) as keyed:
        ours = _hashed(keyed, store, PERSON)
    theirs = _hashed(collector, store, PERSON)
    assert all(ours[key] != theirs[key] for key in IDS)
