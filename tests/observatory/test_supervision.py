"""Restarts: their limit, what is not restarted, and that nothing of a dead process is left."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from observatory.supervision.guarded_process import GuardedProcess
from observatory.supervision.programs import Collector, Command, Endpoints, Observatory
from observatory.supervision.restart_limit import RestartLimit
from observatory.supervision.supervised import Supervised
from tests.cases import cases
from tests.waiting import TIMEOUT


def test_each_restart_waits_longer_and_there_are_so_many_in_a_window() -> None:
    now = 0.0
    limit = RestartLimit(most=3, window_seconds=60, first_delay=1, clock=lambda: now)
    assert [limit.next_delay() for _ in range(4)] == [1, 2, 4, None]
    now = 60
    assert limit.next_delay() == 1


def command(*words: str) -> Command:
    observatory = Observatory(behind_collector=False)
    observatory.endpoints = Endpoints("http://127.0.0.1:1", "http://127.0.0.1:2")
    return Command(words, observatory, "http://127.0.0.1:3")


@cases(
    ("status", "established", "finished"),
    [
        (0, True, True),
        (-signal.SIGTERM, True, True),
        (1, False, True),  # such as an invalid setting
        (1, True, False),
        (-signal.SIGKILL, False, False),
        (-signal.SIGSEGV, True, False),
    ],
)
def test_which_end_of_the_service_ends_the_run(
    *, status: int, established: bool, finished: bool
) -> None:
    assert command("service").has_finished(status, established=established) is finished


def test_a_program_that_always_dies_is_given_up_with_a_sentence() -> None:
    reported: list[tuple[str, str]] = []

    def report(event: str, sentence: str, _: Mapping[str, Any]) -> None:
        reported.append((event, sentence))

    async def run() -> bool:
        limit = RestartLimit(most=2, first_delay=0)
        dying = Supervised(command("sh", "-c", "kill -9 $$"), report, limit)
        assert await dying.start()
        return await dying.keep_running()

    assert asyncio.run(run()) is False
    died = ["process.ended", "process.restarted"]
    assert [event for event, _ in reported] == [*died, *died, "process.ended"]
    assert "killed by SIGKILL. It is not restarted again: the limit is 2 in 5" in reported[-1][1]


def test_a_collector_that_dies_is_restarted_and_the_end_of_its_log_shown(tmp_path: Path) -> None:
    binary = tmp_path / "otelcol"
    binary.write_text(
        "#!/bin/sh\necho Everything is ready >&2\necho panic: out of it >&2\nexit 2\n"
    )
    binary.chmod(0o755)
    events: list[str] = []

    async def run() -> str:
        observatory = Observatory(behind_collector=True)
        observatory.endpoints = Endpoints("http://127.0.0.1:1", "http://127.0.0.1:2")
        collector = Collector(str(binary), observatory)
        limit = RestartLimit(most=1, first_delay=0)
        dying = Supervised(collector, lambda event, *_: events.append(event), limit)
        await dying.start()
        assert not await dying.keep_running()
        return await collector.where_to_look(2)

    assert "panic: out of it" in asyncio.run(run())
    assert events.count("process.ended") == 2


@pytest.mark.lasting
def test_what_a_dead_process_started_is_killed() -> None:
    async def run() -> tuple[int, int]:
        script = "sleep 600 >/dev/null & echo $!; exit 3"
        process = await GuardedProcess.start(("sh", "-c", script), os.environ, stdout=PIPE)
        assert process.process.stdout is not None
        left = int(await process.process.stdout.readline())
        status = await process.wait()
        rest = await asyncio.wait_for(process.process.stdout.read(), TIMEOUT)
        assert rest == b"", "closed with the group"
        return left, status

    left, status = asyncio.run(run())
    assert status == 3
    with suppress(psutil.NoSuchProcess):
        psutil.Process(left).wait(TIMEOUT)
