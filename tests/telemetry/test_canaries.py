"""Nothing that people type, and nothing that says who they are, leaves the process."""

import base64
import json
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import pytest

from tests.stand_in import StandIn
from tests.telemetry import mischief
from tests.telemetry.canaries import Secrets, leaks
from tests.telemetry.planting import addresses, headers, opinions, plant, questions, writings
from tests.telemetry.receiver import Receiver
from tests.telemetry.watched import Watch, Watched, over

pytest_plugins = ["tests.telemetry.watching"]

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


class Pure(Watched):
    """Without the accelerated event loop and parser, which not every platform has."""

    def command(self, port: int) -> list[str]:
        return [*super().command(port), "--loop", "asyncio", "--http", "h11"]


class Told(NamedTuple):
    """Everything that left a process, and the receiver that can read most of it."""

    everything: list[bytes]
    receiver: Receiver


@pytest.fixture(scope="module", params=[("grpc", Watched), ("http", Pure)], ids=["grpc", "http"])
def told(request: pytest.FixtureRequest, watch: Watch) -> Iterator[Told]:
    """By a service that went through everything, with secrets everywhere."""
    with Receiver() as receiver, StandIn() as stand_in:
        wikipedia = {
            "VITRINE_WIKIPEDIA__ENABLED": "true",
            "VITRINE_WIKIPEDIA__BASE_URL": stand_in.url,
            "VITRINE_WIKIPEDIA__TIMEOUT_SECONDS": "0.5",
            "VITRINE_WIKIPEDIA__BREAKER_FAILURES": "100",
        }
        app = "tests.telemetry.failing_app:app"
        protocol, kind = request.param
        with watch(over(protocol, receiver), wikipedia, app=app, kind=kind) as server:
            go_through_everything(server, stand_in)
            server.stop()
        yield Told([*receiver.raw, server.said], receiver)


def go_through_everything(server: Watched, stand_in: StandIn) -> None:
    client = server.client
    for places in (questions, addresses, headers, writings):
        plant(client, places(TYPED))
    plant(client, opinions(client, TYPED))
    mischief.fail(client, FAILED)
    assert all(b" 40" in each[:14] for each in mischief.hardly_ask(client, HARDLY))
    mischief.trace(client, mischief.badly_traced(TRACED))
    mischief.trace(client, mischief.well_traced(STATED))
    answers = [each[:13] for each in mischief.open_sockets(client, SOCKET)]
    assert answers == [b"HTTP/1.1 404 ", b"HTTP/1.1 200 "]  # as if they had not asked
    mischief.crash_a_thread(client, THREAD)
    mischief.fail_in_a_callback(client, CALLED)
    mischief.search_in_vain(client, stand_in, SEARCHED)


@pytest.mark.parametrize("secrets", EVERYBODY, ids=lambda secrets: secrets.name)
def test_nothing_typed_leaves_the_process(told: Told, secrets: Secrets) -> None:
    assert leaks(told.everything, secrets) == set()


def test_everything_else_does(told: Told) -> None:
    """Each way through was gone, and told of: else finding nothing would mean nothing."""
    receiver = told.receiver
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
    assert not any(each.startswith("Exception in ASGI") for each in bodies)  # told already


@pytest.mark.parametrize("secret", TYPED.sought)
def test_the_search_finds_what_is_hidden(secret: str) -> None:
    beside = f"a {secret}, b"
    disguises = [beside.encode(encoding) for encoding in ("utf-8", "latin-1", "utf-16")]
    texts = [beside.upper(), quote(beside), quote_plus(beside), json.dumps(beside)]
    disguises += [text.encode() for text in texts] + [beside.encode().hex().upper().encode()]
    disguises += [base64.b64encode(b"-" * n + beside.encode()) for n in range(3)]
    for disguise in disguises:
        assert leaks([b"\x00\x01" + disguise + b"\xff"], TYPED) != set(), disguise
    assert leaks([b"nothing of this kind, 4111 1111 1111 1112"], TYPED) == set()
