"""Failures of the collector never reach clients."""

import shutil
from pathlib import Path

import grpc
import pytest

from tests.api.server import Server
from tests.telemetry.receiver import Behaviour, Receiver, accept, hang, refuse, slow
from tests.telemetry.unreachable_collector import (
    AWAY,
    BACK,
    ENDED,
    LONG_TIMEOUT,
    SHORT_TIMEOUT,
    ExportingServer,
    answers,
    endpoint_of,
    under_load,
    unreachable,
)
from tests.waiting import until

pytestmark = pytest.mark.lasting

MORE_THAN_THERE_IS_TIME_FOR = {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1"}
"""Small batches are more calls than can be made at the end."""
LESS_TIME = {"grpc": {}, "http": {"VITRINE_TELEMETRY__SHUTDOWN_SECONDS": "1"}}
"""Once the default is enough: a test waits all of it."""
REFUSALS = (
    refuse(grpc.StatusCode.INVALID_ARGUMENT, 400),
    refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
    refuse(grpc.StatusCode.UNAVAILABLE, 503),
)
Answers = list[tuple[int, object]]
both = pytest.mark.parametrize("protocol", ["grpc", "http"])


@pytest.fixture(scope="module")
def not_emitted(shelf_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """The answers of a service without telemetry."""
    folder = tmp_path_factory.mktemp("not_emitted")
    shutil.copy(shelf_file, folder)
    with Server(folder, folder / "log") as server:
        answered = answers(server.client)
    assert [status for status, _ in answered] == [200] * len(answered)
    return answered


def ends_under_load(it: ExportingServer) -> None:
    """Every answer is the usual one, and the process ends in time."""
    with under_load(it) as seen:
        assert it.ends() in ENDED
    assert set(seen) == {200}


@pytest.mark.parametrize(
    ("how", "protocol"),
    [
        ("absent", "http"),
        ("silent", "grpc"),
        ("silent", "http"),
    ],
)
def test_a_collector_that_takes_nothing(
    how: str, protocol: str, shelf_data: Path, not_emitted: Answers
) -> None:
    impatient = SHORT_TIMEOUT | MORE_THAN_THERE_IS_TIME_FOR | LESS_TIME[protocol]
    with (
        unreachable(how) as endpoint,
        ExportingServer(shelf_data, endpoint, protocol, **impatient) as it,
    ):
        assert answers(it.client) == not_emitted
        until(lambda: it.lines_with(AWAY) > 0)
        assert answers(it.client) == not_emitted
        ends_under_load(it)
        assert (it.lines_with(AWAY), it.lines_with(BACK), it.noise) == (1, 0, [])


def test_no_one_listens_and_it_tries_again(shelf_data: Path, not_emitted: Answers) -> None:
    with (
        unreachable("absent") as endpoint,
        ExportingServer(shelf_data, endpoint, **LONG_TIMEOUT) as it,
    ):
        assert answers(it.client) == not_emitted
        ends_under_load(it)  # while it waits for its next try
        assert (it.lines_with(BACK), it.noise) == (0, [])
        assert it.lines_with(AWAY) <= 1


@both
def test_it_is_refused_in_every_way(protocol: str, shelf_data: Path, not_emitted: Answers) -> None:
    with (
        Receiver() as receiver,
        ExportingServer(
            shelf_data, endpoint_of(receiver, protocol), protocol, **SHORT_TIMEOUT
        ) as it,
    ):
        for refusal in REFUSALS:
            receiver.behaviour = accept
            until(lambda: it.lines_with(AWAY) == it.lines_with(BACK))
            receiver.behaviour = refusal
            until(lambda: it.lines_with(AWAY) > it.lines_with(BACK))
            assert answers(it.client) == not_emitted
        ends_under_load(it)
        # More often only where a call took longer than its limit.
        assert it.lines_with(AWAY) - 1 == it.lines_with(BACK) >= len(REFUSALS) - 1
        assert it.noise == []


@pytest.mark.parametrize(
    ("behaviour", "timeout"),
    [
        pytest.param(hang, LONG_TIMEOUT, id="hanging"),
        pytest.param(slow(0.3), LONG_TIMEOUT | MORE_THAN_THERE_IS_TIME_FOR, id="slow"),
    ],
)
def test_its_calls_are_held(
    behaviour: Behaviour, timeout: dict[str, str], shelf_data: Path, not_emitted: Answers
) -> None:
    with (
        Receiver() as receiver,
        ExportingServer(shelf_data, receiver.grpc_endpoint, **timeout) as it,
    ):
        receiver.behaviour = behaviour
        assert answers(it.client) == not_emitted
        until(lambda: receiver.calls > 0)
        assert answers(it.client) == not_emitted
        ends_under_load(it)
        assert (it.lines_with(AWAY), it.lines_with(BACK), it.noise) == (0, 0, [])
