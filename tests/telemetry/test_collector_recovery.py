"""A collector that is back gets what still waits; nothing is lost but what is counted as lost."""

import socket
from contextlib import ExitStack
from pathlib import Path
from select import select

import grpc
import pytest

from tests.telemetry.received import Span
from tests.telemetry.receiver import Receiver, accept, hang, refuse, refused_port
from tests.telemetry.unreachable_collector import (
    AWAY,
    BACK,
    ENDED,
    PATIENT,
    QUERY,
    SHORT_TIMEOUT,
    ExportingServer,
    endpoint_of,
)
from tests.waiting import until

pytestmark = pytest.mark.lasting

SPANS, RECORDS, BATCH = 32, 24, 8
"""Room in the queues, and in a batch."""
SMALL = {
    "OTEL_BSP_MAX_QUEUE_SIZE": str(SPANS),
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": str(BATCH),
    "OTEL_BLRP_MAX_QUEUE_SIZE": str(RECORDS),
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": str(BATCH),
}
MANY = 200
LATER = {
    "OTEL_BSP_SCHEDULE_DELAY": "60000",
    "OTEL_BLRP_SCHEDULE_DELAY": "60000",
    "OTEL_METRIC_EXPORT_INTERVAL": "60000",
}
both = pytest.mark.parametrize("protocol", ["grpc", "http"])


def ask(server: ExportingServer, times: int) -> list[str]:
    """Ask the same again; the trace ids of the answers, all of which are good."""
    answers = [server.client.get(QUERY) for _ in range(times)]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json()["trace_id"] for answer in answers]


def served(spans: list[Span]) -> list[str]:
    """The trace ids of the requests."""
    return [span.trace_id for span in spans if span.kind == "SERVER"]


def emitted_of(receiver: Receiver) -> list[str]:
    """The trace ids of the wide events; `service.started` belongs to no trace."""
    return [each.trace_id for each in receiver.logs if each.event_name and each.trace_id]


def dropped(receiver: Receiver, signal: str) -> float:
    """How many did not fit the queue, by the SDK's own metric."""
    points = receiver.latest(f"otel.sdk.processor.{signal}.processed")
    return sum(each.value for each in points if each.attributes.get("error.type") == "queue_full")


def failed(receiver: Receiver, signal: str) -> float:
    """How many were sent and not taken."""
    kind = {"span": "traces", "log": "logs"}[signal]
    points = receiver.latest("vitrine.telemetry.lost", **{"vitrine.signal": kind})
    return sum(each.value for each in points)


def refused(receiver: Receiver, signal: str) -> int:
    """How many calls were not taken."""
    return sum(each.signal == signal and not each.accepted for each in receiver.requests)


@both
def test_queues_are_bounded_and_what_does_not_fit_is_counted(
    protocol: str, shelf_data: Path
) -> None:
    with (
        Receiver() as receiver,
        ExportingServer(
            shelf_data, endpoint_of(receiver, protocol), protocol, **SMALL, **PATIENT
        ) as it,
    ):
        first = ask(it, 2)
        receiver.await_spans(lambda spans: set(first) <= set(served(spans)))
        before = len(receiver.spans)
        made = MANY * sum(span.trace_id == first[1] for span in receiver.spans)

        receiver.behaviour = hang
        later = ask(it, MANY)
        assert len(receiver.spans) == before  # no request waited for the collector
        receiver.behaviour = accept
        until(lambda: len(receiver.spans) - before + dropped(receiver, "span") >= made)
        until(lambda: later[-1] in emitted_of(receiver))
        assert it.ends() in ENDED

        of_requests = sum(span.trace_id in later for span in receiver.spans)
        kept = len(receiver.spans) - before  # also those of background work
        assert 0 < of_requests <= SPANS + BATCH
        assert kept + dropped(receiver, "span") >= made
        assert later[-1] in served(receiver.spans)  # the latest are kept
        assert len(emitted_of(receiver)) <= len(first) + RECORDS + BATCH
        assert len(receiver.logs) + dropped(receiver, "log") == len(it.records)
        assert (failed(receiver, "span"), failed(receiver, "log")) == (0, 0)
        assert (it.lines_with(AWAY), it.noise) == (0, [])


@both
def test_what_is_refused_is_counted_and_it_goes_on_once_it_is_taken(
    protocol: str, shelf_data: Path
) -> None:
    with (
        Receiver() as receiver,
        ExportingServer(shelf_data, endpoint_of(receiver, protocol), protocol, **PATIENT) as it,
    ):
        receiver.behaviour = refuse(grpc.StatusCode.INVALID_ARGUMENT, 400)
        asked: list[str] = []
        while min(refused(receiver, signal) for signal in ("traces", "metrics", "logs")) < 3:
            asked += ask(it, 1)
        receiver.behaviour = accept

        def taken_again() -> bool:
            asked.extend(ask(it, 1))  # the batch before may have been the last
            return it.lines_with(BACK) > 0

        until(taken_again)
        taken = ask(it, 5)
        receiver.await_spans(lambda spans: set(taken) <= set(served(spans)))
        assert it.ends() in ENDED

        calls = [each for each in receiver.requests if each.signal == "traces"]
        assert sorted(asked + taken) == sorted(served([s for each in calls for s in each.spans]))
        lost = sum(len(each.spans) for each in calls if not each.accepted)
        assert (failed(receiver, "span"), dropped(receiver, "span")) == (lost, 0)
        assert (it.lines_with(AWAY), it.lines_with(BACK), it.noise) == (1, 1, [])


def test_what_waits_while_the_collector_is_away_is_delivered_later(shelf_data: Path) -> None:
    with ExitStack() as stack:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = int(silent.getsockname()[1])
            it = ExportingServer(shelf_data, f"http://127.0.0.1:{port}", **SMALL, **PATIENT)
            stack.enter_context(it)
            asked = ask(it, 10)
            until(lambda: bool(select([silent], [], [], 0)[0]))  # the first batch is on its way
        receiver = stack.enter_context(Receiver(port))
        receiver.await_spans(lambda spans: set(asked) <= set(served(spans)))
        assert not it.lines_with(AWAY)


def test_loss_and_recovery_are_logged_once_each(shelf_data: Path) -> None:
    with refused_port() as port, ExitStack() as stack:
        it = stack.enter_context(
            ExportingServer(shelf_data, f"http://127.0.0.1:{port}", **SHORT_TIMEOUT)
        )
        until(lambda: ask(it, 1) != [] and it.lines_with(AWAY) > 0)
        ask(it, 20)
        receiver = stack.enter_context(Receiver(port))
        until(lambda: ask(it, 1) != [] and it.lines_with(BACK) > 0)
        asked = ask(it, 5)
        receiver.await_spans(lambda spans: set(asked) <= set(served(spans)))
        assert it.ends() in ENDED
        # More often only where a call took longer than its limit.
        assert it.lines_with(AWAY) == it.lines_with(BACK) >= 1
        assert it.noise == []


@both
def test_what_waits_is_delivered_at_the_end(protocol: str, shelf_data: Path) -> None:
    with (
        Receiver() as receiver,
        ExportingServer(
            shelf_data, endpoint_of(receiver, protocol), protocol, **LATER, **PATIENT
        ) as it,
    ):
        asked = ask(it, 20)
        assert receiver.calls == 0
        assert it.ends() in ENDED

        assert sorted(served(receiver.spans)) == sorted(emitted_of(receiver)) == sorted(asked)
        [duration] = receiver.latest("http.server.request.duration")
        assert duration.count == len(asked)
        [recommendations] = receiver.latest("vitrine.recommendations")
        assert recommendations.value == len(asked)
        assert (it.lines_with(AWAY), it.noise) == (0, [])
