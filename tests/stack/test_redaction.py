"""The core masks what services often leak in attributes and bodies, and no look-alike of it."""

import json
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.observatory.messages import attributes, fresh, gauge, log, request, span, value
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import over_grpc
from tests.stack.collector_process import Collector
from tests.stack.every_field import SIGNALS, TABLES, rows
from tests.stack.look_alikes import LOOK_ALIKES
from tests.stack.sensitive import LEAKS
from tests.waiting import until

pytestmark = pytest.mark.lasting

PLAIN = "chestnut"
"""No pattern of values matches it."""
SECRET_KEYS = (
    "http.request.header.authorization",
    "http.request.header.cookie",
    "http.response.header.set-cookie",
    "http.request.header.x-api-key",
    "db.password",
    "userPassword",
    "ldap.passwd",
    "client_secret",
    "secret_key",
    "aws.secret_access_key",
    "apiKey",
    "refresh_token",
    "credentials",
    "private_key",
    "url.query",
)
HARMLESS_KEYS = (
    "token_count",
    "gen_ai.usage.input_tokens",
    "cookie.consent",
    "password.reset.requested",
    "secretary.name",
)
NUMBERS = (1763746135123456789, 1763746135123456, 42, -1)
Row = dict[str, Any]
everywhere = pytest.mark.parametrize("signal", SIGNALS)


def _stored(
    collector: Collector, store: Observatory, signal: str, each: list[dict[str, Any]]
) -> list[Row]:
    """What the store has, in order, of records and resources with these attributes."""
    service, table = fresh(), TABLES[SIGNALS.index(signal)]
    for number, of in enumerate(each):
        report, resource = attributes(of), of | {"service.name": service, "number": number}
        record: Any
        match signal:
            case "traces":
                event = Span.Event(name="exception", attributes=report)
                record = span("span", attributes=report, events=[event])
            case "logs":
                record = log("", body=value(of.get("string", of)), attributes=report)
            case _:
                record = gauge("gauge", attributes=report)
        assert over_grpc(collector, signal, request(signal, [record], resource)).code == 0
    until(lambda: len(rows(store, table, service)) == len(each))
    return sorted(
        rows(store, table, service), key=lambda row: int(row["ResourceAttributes"]["number"])
    )


def _with(text: str) -> dict[str, Any]:
    return {"string": text, "list": ["first", text], "map": {"name": {"inner": [text]}}}


@everywhere
def test_what_services_leak_is_masked(
    collector: Collector, store: Observatory, signal: str
) -> None:
    stored = _stored(collector, store, signal, [_with(each.text) for each in LEAKS])
    texts = [json.dumps(row, ensure_ascii=False) for row in stored]
    assert [leak.text for leak, text in zip(LEAKS, texts, strict=True) if leak.secret in text] == []


@everywhere
def test_what_only_looks_so_arrives_as_it_was_sent(
    collector: Collector, store: Observatory, signal: str
) -> None:
    stored = _stored(collector, store, signal, [_with(text) for text in LOOK_ALIKES])
    column = {"traces": "SpanAttributes", "logs": "LogAttributes"}.get(signal, "Attributes")
    changed = [
        row
        for text, row in zip(LOOK_ALIKES, stored, strict=True)
        if row.get("Body", text) != text
        or any(_plain(row[each]) != _with(text) for each in (column, "ResourceAttributes"))
    ]
    assert changed == []


def _plain(found: dict[str, str]) -> dict[str, Any]:
    """Attributes as they were sent: lists and maps are JSON in the store."""
    structured = {each: json.loads(found[each]) for each in ("list", "map")}
    return {"string": found["string"]} | structured


@everywhere
def test_values_under_keys_of_secrets_are_masked_and_others_kept(
    collector: Collector, store: Observatory, signal: str
) -> None:
    secret, kept = (dict.fromkeys(keys, PLAIN) for keys in (SECRET_KEYS, HARMLESS_KEYS))
    lists = {f"list.{key}": [PLAIN] for key in SECRET_KEYS if not key.startswith("url")}
    [masked, plain] = _stored(collector, store, signal, [secret | lists, kept])
    assert PLAIN not in json.dumps(masked)
    assert [key for key in kept if f'"{key}": "{PLAIN}"' not in json.dumps(plain)] == []


@everywhere
def test_numbers_are_kept(collector: Collector, store: Observatory, signal: str) -> None:
    of = {f"number.{each}": each for each in NUMBERS}
    [row] = _stored(collector, store, signal, [of])
    assert [key for key in of if f'"{key}": "{of[key]}"' not in json.dumps(row)] == []
