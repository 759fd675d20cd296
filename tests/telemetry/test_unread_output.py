"""Standard output that is not read blocks no request."""

import fcntl
import re
import struct
import subprocess
import termios
from pathlib import Path
from typing import Self

import httpx
import pytest

from tests.api.server import COMMAND
from tests.telemetry.receiver import Receiver
from tests.telemetry.unreachable_collector import ENDED, PATIENT, QUERY, ExportingServer
from tests.waiting import TIMEOUT

pytestmark = pytest.mark.lasting

ROOM = 4096
"""Bytes that the pipe takes: less than ten lines."""
MANY = 100
LATER = PATIENT | dict.fromkeys(("OTEL_BSP_SCHEDULE_DELAY", "OTEL_BLRP_SCHEDULE_DELAY"), "60000")
_ADDRESS = re.compile(rb"Uvicorn running on (http://127\.0\.0\.1:\d+)")


class Unread(ExportingServer):
    """The service; its standard output is a pipe that is not read once the service is up."""

    def __enter__(self) -> Self:
        with self._log.open("wb") as errors:
            self._process = subprocess.Popen(
                COMMAND, env=self._environment, stdout=subprocess.PIPE, stderr=errors, bufsize=0
            )
        assert self._process.stdout is not None
        self._out = self._process.stdout
        fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, ROOM)
        output = b""
        while not (found := _ADDRESS.search(output)):
            output += self._out.read(ROOM)
        self.client = httpx.Client(base_url=found[1].decode(), timeout=TIMEOUT)
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._out.close()

    @property
    def waiting(self) -> int:
        """How many bytes wait to be read."""
        return int(struct.unpack("i", fcntl.ioctl(self._out, termios.FIONREAD, bytes(4)))[0])


def test_standard_output_that_is_not_read(shelf_data: Path) -> None:
    with Receiver() as receiver, Unread(shelf_data, receiver.grpc_endpoint, **LATER) as it:
        answers: list[httpx.Response] = []
        while not (it.waiting and len(answers) > MANY):
            answers.append(it.client.get(QUERY))
        assert {answer.status_code for answer in answers} == {200}
        assert it.ends() in ENDED
        assert 0 < it.waiting <= ROOM

        asked = sorted(answer.json()["trace_id"] for answer in answers)
        spans = [span.trace_id for span in receiver.spans if span.kind == "SERVER"]
        records = [each for each in receiver.logs if each.event_name and each.trace_id]
        events = [each.trace_id for each in records]  # `service.started` has no trace
        assert sorted(spans) == asked
        assert sorted(events) == asked
