"""Faults of Wikipedia: calls are diverted to a small server in this process that misbehaves.

So every failure is a real one of the HTTP client: refused connections, timeouts, statuses.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

import httpx

from app.faults.switchboard import Active, Switchboard

SERVED = (
    "wikipedia-slow", "wikipedia-hangs", "wikipedia-429", "wikipedia-500", "wikipedia-malformed",
    "wikipedia-empty",
)  # fmt: skip
DNS, REFUSED = "wikipedia-dns", "wikipedia-refused"
NAMES = (*SERVED, DNS, REFUSED)
UNKNOWN_HOST = "search.invalid"
"""A name that never resolves: https://www.rfc-editor.org/rfc/rfc6761#section-6.4"""
HEAD_BYTES = 65_536
GONE = (asyncio.CancelledError, asyncio.IncompleteReadError, OSError)
"""The client went away, or the fault has ended."""


class DivertingTransport(httpx.AsyncBaseTransport):
    """Sends calls elsewhere while a fault is on."""

    def __init__(self, transport: httpx.AsyncBaseTransport, switchboard: Switchboard) -> None:
        self._transport, self._switchboard = transport, switchboard
        self._addresses: dict[str, tuple[str, int]] = {DNS: (UNKNOWN_HOST, 80)}
        for name in SERVED:
            switchboard.attach(name, self._serving)
        switchboard.attach(REFUSED, self._refusing)

    def handle_async_request(self, request: httpx.Request) -> Coroutine[Any, Any, httpx.Response]:
        active = self._switchboard.hit(*NAMES)
        address = self._addresses.get(active.fault.name) if active else None
        if address is not None:
            host, port = address
            original = str(request.url)
            request.url = request.url.copy_with(scheme="http", host=host, port=port)
            request.headers["accept"] = original  # where the slow server fetches from
        return self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()

    @asynccontextmanager
    async def _refusing(self, active: Active) -> AsyncIterator[None]:
        with closing(socket.socket()) as bound:  # and not listening
            bound.bind(("127.0.0.1", 0))
            self._addresses[active.fault.name] = bound.getsockname()
            yield

    @asynccontextmanager
    async def _serving(self, active: Active) -> AsyncIterator[None]:
        connections = set[asyncio.Task[None]]()

        async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.add(asyncio.current_task())  # type: ignore[arg-type]
            with closing(writer), suppress(*GONE):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._response(active, head))
                await writer.drain()

        server = await asyncio.start_server(respond, "127.0.0.1", 0, limit=HEAD_BYTES)
        try:
            self._addresses[active.fault.name] = server.sockets[0].getsockname()
            yield
        finally:
            del self._addresses[active.fault.name]
            server.close()
            for each in connections:
                each.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    async def _response(self, active: Active, head: bytes) -> bytes:
        match active.fault.name:
            case "wikipedia-hangs":
                await asyncio.Event().wait()
            case "wikipedia-slow":
                await asyncio.sleep(active.delay)
                return await self._forwarded(head)
            case "wikipedia-429":
                return _reply(429, b"{}", f"Retry-After: {active.delay:.0f}\r\n")
            case "wikipedia-500":
                return _reply(500, b"{}")
            case "wikipedia-malformed":
                return _reply(200, b"<!DOCTYPE html><title>Wikipedia</title>")
        return _reply(200, json.dumps({"pages": []}).encode())

    async def _forwarded(self, head: bytes) -> bytes:
        """The response of the original server."""
        lines = head.decode("latin-1").split("\r\n")
        fields = httpx.Headers([line.partition(": ")[::2] for line in lines if ": " in line])
        headers = {"User-Agent": fields.get("User-Agent", ""), "Accept": "application/json"}
        request = httpx.Request("GET", fields["Accept"], headers=headers)
        try:
            response = await self._transport.handle_async_request(request)
            body = await response.aread()
            await response.aclose()
        except httpx.HTTPError:
            return _reply(503, b"{}")
        return _reply(response.status_code, body)


def _reply(status: int, body: bytes, headers: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n{headers}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body
