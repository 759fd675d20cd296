"""What only its key gives away, numbers that are cards, and queries of addresses."""

import json
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.observatory.messages import attributes, fresh, gauge, log, request, span, value
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import over_grpc
from tests.stack.collector_process import Collector
from tests.stack.every_field import SIGNALS, TABLES, rows
from tests.waiting import until

pytestmark = pytest.mark.lasting

PLAIN = "chestnut"
"""Nothing shows that this is private."""
PRINTING = (
    "authorization",
    "http.request.header.authorization",
    "http.request.header.proxy-authorization",
    "http.request.header.cookie",
    "http.response.header.set-cookie",
    "HTTP_COOKIE",
    "http.request.header.x-api-key",
    "db.password",
    "userPassword",
    "MYSQL_PASSWORD",
    "ldap.passwd",
    "pwd",
    "passphrase",
    "client_secret",
    "clientSecret",
    "aws.secret_access_key",
    "apiKey",
    "API_KEY",
    "account_key",
    "accessToken",
    "refresh_token",
    "x-csrf-token",
    "token",
    "credentials",
    "private_key",
    "session_id",
)
HARMLESS = (
    "token_count",
    "gen_ai.usage.input_tokens",
    "cookie.consent",
    "password.reset.requested",
    "keyboard",
    "db.key.length",
    "author",
    "secretary.name",
)
CARDS = (4532015112830366, 5425233430109903, 371449635398431, 30569309025904, 6011000990139424)
NUMBERS = (1763746135123456789, 1763746135123456, 42, -1, 2**53 + 1)
ADDRESSES = ("url.full", "url.query", "http.target", "http.url")


def _record(signal: str, of: dict[str, Any]) -> Any:
    report = attributes(of)
    match signal:
        case "traces":
            event = Span.Event(name="event", attributes=report)
            return span("span", attributes=report, events=[event])
        case "logs":
            return log("", body=value({"deep": [of]}), attributes=report)
        case _:
            return gauge("gauge", attributes=report)


def _stored(strict: Collector, store: Observatory, signal: str, of: dict[str, Any]) -> str:
    """What the store has of a record with these attributes, and of a resource with them."""
    service, table = fresh(), TABLES[SIGNALS.index(signal)]
    message = request(signal, [_record(signal, of)], of | {"service.name": service})
    assert over_grpc(strict, signal, message).code == 0
    until(lambda: bool(rows(store, table, service)))
    [row] = rows(store, table, service)
    return json.dumps(row)


everywhere = pytest.mark.parametrize("signal", SIGNALS)


@everywhere
def test_values_under_telling_keys_are_masked(
    strict: Collector, store: Observatory, signal: str
) -> None:
    of: dict[str, Any] = dict.fromkeys(PRINTING, PLAIN)
    of |= {f"list.{key}": [PLAIN] for key in PRINTING}
    of |= {f"map.{number}": {key: PLAIN} for number, key in enumerate(PRINTING)}
    of |= {f"maps.{number}": {"in": {key: [PLAIN]}} for number, key in enumerate(PRINTING)}
    stored = _stored(strict, store, signal, of)
    assert PLAIN not in stored
    assert [key for key in PRINTING if f'"{key}": "****"' not in stored] == []


@everywhere
def test_values_under_keys_that_only_look_so_are_kept(
    strict: Collector, store: Observatory, signal: str
) -> None:
    stored = _stored(strict, store, signal, dict.fromkeys(HARMLESS, PLAIN))
    assert [key for key in HARMLESS if f'"{key}": "{PLAIN}"' not in stored] == []


@everywhere
def test_numbers_that_are_cards_are_masked(
    strict: Collector, store: Observatory, signal: str
) -> None:
    of = {"one": CARDS[0], "list": list(CARDS), "map": {str(each): each for each in CARDS}}
    stored = _stored(strict, store, signal, of)
    assert [each for each in CARDS if str(each) in stored] == []


@everywhere
def test_other_numbers_are_kept(strict: Collector, store: Observatory, signal: str) -> None:
    of = {f"number.{each}": each for each in NUMBERS} | {"list": list(NUMBERS)}
    stored = _stored(strict, store, signal, of)
    assert [each for each in NUMBERS if f'"number.{each}": "{each}"' not in stored] == []
    assert f'"list": "{json.dumps(NUMBERS, separators=(",", ":"))}"' in stored


@everywhere
def test_a_query_is_cut_off_whatever_is_in_it(
    strict: Collector, store: Observatory, signal: str
) -> None:
    of = dict.fromkeys(ADDRESSES, f"http://shop.example/a?{PLAIN}")
    stored = _stored(strict, store, signal, of)
    assert PLAIN not in stored
    assert '"http://shop.example/a"' in stored
