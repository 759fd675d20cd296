"""One process, four servers: OTLP over gRPC and HTTP, ClickHouse's HTTP interface, the pages."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import grpc
import uvicorn

from observatory.clickhouse_http.application import clickhouse_http
from observatory.composition import Parts, running
from observatory.console import refuse, say
from observatory.intake.grpc_server import grpc_server
from observatory.intake.http_server import otlp_http
from observatory.ports import PortTaken, listening
from observatory.settings import PREFIX, ObservatorySettings
from observatory.store.engine import EngineError
from observatory.ui.application import page

GRACE_SECONDS = 1
"""For what is being answered when it is asked to stop."""
STOP_SECONDS = 2.5
"""After which the process ends, whatever runs: what was acknowledged is on disk."""
CONNECTIONS = 400
"""Of each HTTP server; beyond them the answer is 503."""
LONGEST_HEAD = 1 << 20
"""Bytes of a request's line and headers: a statement may stand in them."""


class Doors(NamedTuple):
    """Where it can be reached: base URLs."""

    page: str
    otlp: str
    """Over gRPC."""
    otlp_http: str
    clickhouse: str


class _Listeners(NamedTuple):
    """Sockets of the HTTP servers, and the port of gRPC's."""

    page: socket.socket
    otlp: socket.socket
    clickhouse: socket.socket
    grpc_port: int

    def doors(self, host: str) -> Doors:
        def url(port: int) -> str:
            return f"http://{_address(host, port)}"

        return Doors(
            url(self.page.getsockname()[1]),
            url(self.grpc_port),
            url(self.otlp.getsockname()[1]),
            url(self.clickhouse.getsockname()[1]),
        )


class _Server(uvicorn.Server):
    """One of several in a process: signals are for them all."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(settings: ObservatorySettings, ready: Callable[[Doors], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called when all doors are open.

    Raises:
        PortTaken: one of the ports can't be had.

    """
    host = settings.host
    with (
        closing(listening(host, settings.page_port)) as page_,
        closing(listening(host, settings.http_port)) as otlp,
        closing(listening(host, settings.clickhouse_port)) as clickhouse,
    ):
        # gRPC binds by itself: seen to be free here, and let go.
        with closing(listening(host, settings.grpc_port)) as probe:
            listeners = _Listeners(page_, otlp, clickhouse, probe.getsockname()[1])
        with running(settings) as parts:
            asyncio.run(_serve(parts, listeners, ready))


async def _serve(parts: Parts, listeners: _Listeners, ready: Callable[[Doors], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings = parts.settings
    applications: Sequence[tuple[Any, socket.socket]] = (
        (page(parts), listeners.page),
        (otlp_http(parts.intake, settings), listeners.otlp),
        (clickhouse_http(parts), listeners.clickhouse),
    )
    servers = [(_Server(_config(application)), listener) for application, listener in applications]
    rpc = grpc_server(
        parts.intake, _address(settings.host, listeners.grpc_port), settings.message_bytes
    )
    await rpc.start()
    serving = [
        asyncio.create_task(server.serve(sockets=[listener])) for server, listener in servers
    ]
    ready(listeners.doors(settings.host))
    await _either(stop.wait(), serving)
    _end_in(STOP_SECONDS)
    threading.Thread(target=parts.engine.interrupt, daemon=True).start()
    await _stopped(rpc, [server for server, _ in servers], serving)


def _end_in(seconds: float) -> None:
    """End the process then, if it has not ended by itself."""
    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()


def _config(application: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        access_log=False,
        log_level="warning",
        lifespan="off",
        http="h11",  # which has a bound for heads
        h11_max_incomplete_event_size=LONGEST_HEAD,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
    )


async def _either(stop: Awaitable[Any], serving: Sequence["asyncio.Task[None]"]) -> None:
    """Return when asked to stop, or when one of the servers has ended."""
    stopping = asyncio.ensure_future(stop)
    await asyncio.wait([stopping, *serving], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


async def _stopped(
    rpc: grpc.aio.Server, servers: Sequence[_Server], serving: Sequence["asyncio.Task[None]"]
) -> None:
    """No more requests are accepted; those under way have GRACE_SECONDS."""
    for server in servers:
        server.should_exit = True
    await asyncio.gather(rpc.stop(GRACE_SECONDS), *serving)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def start(chosen: ObservatorySettings, with_another: bool) -> None:
    """Serve until interrupted; `with_another`: until whoever started this is gone, too."""
    logging.basicConfig(level=logging.WARNING, format="observatory: %(message)s")

    def ready(doors: Doors) -> None:
        say(f"\nThe observatory shows traces, charts and logs on {doors.page}")
        if with_another:
            print(json.dumps(doors._asdict()), flush=True)  # noqa: T201  to who started it
            _end_with(sys.stdin.fileno())

    try:
        serve(chosen, ready)
        os._exit(0)  # all is stored, and nothing that is still under way is worth waiting for
    except PortTaken as error:
        raise refuse(
            f"The observatory can't start: {error}. Stop what uses it, or choose another "
            f"({PREFIX}…_PORT, see docs/observatory.md), or do without: make run OBSERVATORY=0"
        ) from error
    except EngineError as error:
        raise refuse(
            f"The observatory can't use its folder {chosen.data}: {error} "
            f"({PREFIX}DATA names another; or do without: make run OBSERVATORY=0)"
        ) from error


def _end_with(stream: int) -> None:
    """Stop when the file ends: whoever held its other end is gone, however that came about."""

    def watch() -> None:
        while os.read(stream, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="watch for the end", daemon=True).start()
