"""The supervisor's events as log records in the observatory: starts of runs, ends of processes.

They are found on the page of logs beside what the service logged, and tell which runs are stored.
Delivery is at least once: an event whose response was lost is sent again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

SERVICE = "supervisor"
RUN_STARTED, RUN_ENDED = "run.started", "run.ended"
RUN_NAME = "observatory.run.name"
MAX_WAITING = 100
RETRY_SECONDS, TIMEOUT_SECONDS, LAST_SECONDS = 0.5, 10, 3
INFO, ERROR = (9, "INFO"), (17, "ERROR")


class EventLog:
    """Sends events to an observatory; those of the time when it is down wait for it."""

    def __init__(self, run_name: str) -> None:
        self._run_name = run_name
        self._waiting: deque[dict[str, Any]] = deque(maxlen=MAX_WAITING)
        self._added, self._idle = asyncio.Event(), asyncio.Event()

    def add(self, event: str, body: str, attributes: Mapping[str, Any], *, failed: bool) -> None:
        """Queue an event; the oldest is dropped if there are too many."""
        number, text = ERROR if failed else INFO
        self._waiting.append(
            {
                "timeUnixNano": str(time.time_ns()),
                "severityNumber": number,
                "severityText": text,
                "eventName": event,
                "body": {"stringValue": body},
                "attributes": _attributes({RUN_NAME: self._run_name, **attributes}),
            }
        )
        self._idle.clear()
        self._added.set()

    async def send_to(self, endpoint: str) -> None:
        """Send events as they come, until cancelled; `endpoint`: OTLP over HTTP."""
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_SECONDS) as client:
            while True:
                await self._added.wait()
                while self._waiting:
                    await self._send(client, endpoint)
                self._added.clear()
                self._idle.set()

    async def flush(self) -> None:
        """Wait until all is sent, for LAST_SECONDS at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), LAST_SECONDS)

    async def _send(self, client: httpx.AsyncClient, endpoint: str) -> None:
        records = list(self._waiting)
        resource = {"attributes": _attributes({"service.name": SERVICE})}
        message = {"resource": resource, "scopeLogs": [{"logRecords": records}]}
        try:
            response = await client.post(f"{endpoint}/v1/logs", json={"resourceLogs": [message]})
            refused = response.status_code in (429, 503)
        except httpx.TransportError:
            refused = True
        if refused:
            await asyncio.sleep(RETRY_SECONDS)
            return
        for each in records:
            with suppress(ValueError):  # dropped meanwhile
                self._waiting.remove(each)


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "key": name,
            "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value},
        }
        for name, value in values.items()
    ]
