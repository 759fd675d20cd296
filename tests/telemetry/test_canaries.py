"""Nothing that people type, and nothing that identifies them, leaves the process."""

import base64
import json
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import pytest

from tests.cases import cases
from tests.fake_wikipedia import FakeWikipedia
from tests.telemetry import misplaced_secrets
from tests.telemetry.canaries import Secrets, leaks
from tests.telemetry.exporting_service import ExportingService, Watch, over
from tests.telemetry.receiver import Receiver
from tests.telemetry.secret_placement import (
    addresses,
    headers,
    opinions,
    plant,
    questions,
    writings,
)

pytestmark = pytest.mark.lasting

TYPED = Secrets("typed", "4111 1111 1111 1111")
FAILED = Secrets("failed", "4242 4242 4242 4242")
SEARCHED = Secrets("searched", "6011 1111 1111 1117")
HARDLY = Secrets("hardly", "3056 9309 0259 0004")
STATED = Secrets("stated", "3530 1113 3330 0000")
TRACED = Secrets("traced", "5555 5555 5555 4444")
SOCKET = Secrets("socket", "4000 0566 5566 5556")
THREAD = Secrets("thread", "3782 8224 6310 0050")
CALLED = Secrets("called", "3714 4963 5398 4310")
EVERYBODY = (TYPED, FAILED, SEARCHED, HARDLY, TRACED, STATED, SOCKET, THREAD, CALLED)


class Pure(ExportingService):
    """Without the accelerated event loop and parser, which not every platform has."""

    def command(self, port: int) -> list[str]:
        return [*super().command(port), "--loop", "asyncio", "--http", "h11"]


class Emitted(NamedTuple):
    """Everything that left a process, and the receiver that can read most of it."""

    everything: list[bytes]
    receiver: Receiver


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("grpc", ExportingService), id="grpc"),
        pytest.param(("http", Pure), id="http", marks=pytest.mark.lasting),
    ],
)
def emitted(request: pytest.FixtureRequest, watch: Watch) -> Iterator[Emitted]:
    """By a service that went through everything, with secrets everywhere."""
    with Receiver() as receiver, FakeWikipedia() as wikipedia:
        variables = {
            "VITRINE_WIKIPEDIA__ENABLED": "true",
            "VITRINE_WIKIPEDIA__BASE_URL": wikipedia.url,
            "VITRINE_WIKIPEDIA__TIMEOUT_SECONDS": "3",
            "VITRINE_WIKIPEDIA__DEADLINE_SECONDS": "2",
            "VITRINE_WIKIPEDIA__BREAKER_FAILURES": "100",
        }
        app = "tests.telemetry.failing_app:app"
        protocol, kind = request.param
        with watch(over(protocol, receiver), variables, app=app, kind=kind) as server:
            go_through_everything(server, wikipedia)
            server.stop()
        yield Emitted([*receiver.raw, server.output], receiver)


def go_through_everything(server: ExportingService, wikipedia: FakeWikipedia) -> None:
    client = server.client
    for places in (questions, addresses, headers, writings):
        plant(client, places(TYPED))
    plant(client, opinions(client, TYPED))
    misplaced_secrets.fail(client, FAILED)
    assert all(b" 40" in each[:14] for each in misplaced_secrets.hardly_ask(client, HARDLY))
    misplaced_secrets.trace(client, misplaced_secrets.badly_traced(TRACED))
    misplaced_secrets.trace(client, misplaced_secrets.well_traced(STATED))
    answers = [each[:13] for each in misplaced_secrets.open_sockets(client, SOCKET)]
    assert answers == [b"HTTP/1.1 404 ", b"HTTP/1.1 200 "]  # as if they had not asked
    misplaced_secrets.crash_a_thread(client, THREAD)
    misplaced_secrets.fail_in_a_callback(client, CALLED)
    misplaced_secrets.search_in_vain(client, wikipedia, SEARCHED)


@cases("secrets", EVERYBODY, ids=lambda secrets: secrets.name)
def test_nothing_typed_leaves_the_process(emitted: Emitted, secrets: Secrets) -> None:
    assert leaks(emitted.everything, secrets) == set()


def test_everything_else_does(emitted: Emitted) -> None:
    """Every code path was exercised and exported; otherwise finding nothing means nothing."""
    receiver = emitted.receiver
    statuses = {each.attributes.get("http.response.status_code") for each in receiver.spans}
    asked = {200, 201, 204, 401, 404, 405, 408, 413, 415, 422, 500, 503, 507}
    assert statuses >= asked
    events = {each.attributes.get("http.response.status_code") for each in receiver.logs}
    assert events >= asked
    failures = {
        "RuntimeError", "LookupError", "KeyError", "ExceptionGroup", "OperationalError", "Quoting",
    }  # fmt: skip
    for raised in (
        [each for each in receiver.logs if each.event_name == "exception"],
        [event for span in receiver.spans for event in span.events if event.name == "exception"],
    ):
        types = [str(each.attributes["exception.type"]) for each in raised]
        assert {each.rpartition(".")[2] for each in types} >= failures
    assert {each.attributes.get("error.type") for each in receiver.spans} >= failures
    outcomes = receiver.latest("vitrine.topic_signal.requests")
    found = {each.attributes["vitrine.topic_signal.outcome"] for each in outcomes}
    assert found >= {"cached", "error", "timeout", "open_circuit"}
    stacks = [str(each.attributes.get("exception.stacktrace", "")) for each in receiver.logs]
    assert any("cause of" in stack and "failing_app.py" in stack for stack in stacks)
    bodies = [str(each.body) for each in receiver.logs]
    assert any(each.startswith("Task exception was never retrieved") for each in bodies)
    assert not any(each.startswith("Exception in ASGI") for each in bodies)  # handled already


@cases("secret", TYPED.sought)
def test_the_search_finds_what_is_hidden(secret: str) -> None:
    beside = f"a {secret}, b"
    disguises = [beside.encode(encoding) for encoding in ("utf-8", "latin-1", "utf-16")]
    texts = [beside.upper(), quote(beside), quote_plus(beside), json.dumps(beside)]
    disguises += [text.encode() for text in texts] + [beside.encode().hex().upper().encode()]
    disguises += [base64.b64encode(b"-" * n + beside.encode()) for n in range(3)]
    for disguise in disguises:
        assert leaks([b"\x00\x01" + disguise + b"\xff"], TYPED) != set(), disguise
    assert leaks([b"nothing of this kind, 4111 1111 1111 1112"], TYPED) == set()
