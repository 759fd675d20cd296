"""One process, four servers: OTLP over gRPC and HTTP, ClickHouse's HTTP interface, the pages."""

import asyncio
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import grpc
import uvicorn

from observatory.clickhouse_http.application import clickhouse_http
from observatory.composition import Parts, open_parts
from observatory.console import fail, print_message
from observatory.intake.grpc_server import grpc_server
from observatory.intake.http_server import otlp_http
from observatory.ports import PortTaken, open_listener
from observatory.runs.run import Run
from observatory.settings import PREFIX, ObservatorySettings
from observatory.store.engine import Engine, EngineError
from observatory.ui.application import page
from slo.openslo import InvalidDeclaration

GRACE_SECONDS = 1
"""Time for requests in flight at shutdown."""
STOP_SECONDS = 2.5
"""After this the process exits even if requests are in flight; acknowledged data is on disk."""
CONNECTIONS = 400
"""Connections per HTTP server; further ones get 503."""
MAX_HEAD_BYTES = 1 << 20
"""Request line and headers; a SQL statement may be in the URL."""


class Endpoints(NamedTuple):
    """Base URLs of the servers."""

    page: str
    otlp: str
    """OTLP over gRPC."""
    otlp_http: str
    clickhouse: str


def _url(host: str, listener: socket.socket) -> str:
    return f"http://{_address(host, listener.getsockname()[1])}"


class _Server(uvicorn.Server):
    """One of several servers in the process, which handles signals for all of them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(settings: ObservatorySettings, ready: Callable[[Endpoints], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called when all servers accept requests.

    Raises:
        PortTaken: one of the ports is in use.
        EngineError: the data folder cannot be used.

    """
    host = settings.host
    with (
        closing(open_listener(host, settings.page_port)) as page_,
        closing(open_listener(host, settings.http_port)) as otlp,
        closing(open_listener(host, settings.clickhouse_port)) as clickhouse,
    ):
        # The gRPC server binds its port itself; check here that it is free, and release it.
        with closing(open_listener(host, settings.grpc_port)) as probe:
            grpc_ = _address(host, probe.getsockname()[1])
            endpoints = Endpoints(
                _url(host, page_), f"http://{grpc_}", _url(host, otlp), _url(host, clickhouse)
            )
        with open_parts(settings) as parts:
            applications = (
                (page(parts), page_),
                (otlp_http(parts.intake, settings), otlp),
                (clickhouse_http(parts), clickhouse),
            )
            asyncio.run(_serve(parts, applications, grpc_, lambda: ready(endpoints)))


def serve_run(
    settings: ObservatorySettings,
    load: Callable[[Engine], Run],
    ready: Callable[[str, str], None],
) -> None:
    """Serve one run, read-only and without intake; the time on its pages is the end of the run.

    `load` fills the empty store; `ready` is called with the URLs of the page and of ClickHouse's
    interface. Raises as `serve`.
    """
    host = settings.host
    with (
        closing(open_listener(host, settings.page_port)) as page_,
        closing(open_listener(host, settings.clickhouse_port)) as clickhouse,
        open_parts(settings) as parts,
    ):
        run = load(parts.engine)
        parts_ = replace(parts, opened=run)
        applications = (
            (page(parts_, lambda: run.end), page_),
            (clickhouse_http(parts_), clickhouse),
        )
        urls = _url(host, page_), _url(host, clickhouse)
        exit_timer = asyncio.run(_serve(parts_, applications, None, lambda: ready(*urls)))
    exit_timer.cancel()  # the caller still removes the store


Applications = Sequence[tuple[Any, socket.socket]]


async def _serve(
    parts: Parts, applications: Applications, grpc_address: str | None, ready: Callable[[], None]
) -> threading.Timer:
    """Serve until a signal; returns what ends the process if its parts cannot be closed in time."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    servers = [(_Server(_config(application)), listener) for application, listener in applications]
    rpc = None
    if grpc_address:
        rpc = grpc_server(parts.intake, grpc_address, parts.settings.message_bytes)
        await rpc.start()
    serving = [
        asyncio.create_task(server.serve(sockets=[listener])) for server, listener in servers
    ]
    ready()
    await _stop_requested(stop.wait(), serving)
    exit_timer = _exit_after(STOP_SECONDS)
    threading.Thread(target=parts.engine.interrupt, daemon=True).start()
    await _shut_down(rpc, [server for server, _ in servers], serving)
    return exit_timer


def _exit_after(seconds: float) -> threading.Timer:
    """Exit the process after a delay, unless it has ended before."""
    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()
    return timer


def _config(application: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        access_log=False,
        log_level="warning",
        lifespan="off",
        http="h11",  # it can limit the size of headers
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
    )


async def _stop_requested(stop: Awaitable[Any], serving: Sequence["asyncio.Task[None]"]) -> None:
    """Wait until a stop is requested or a server has ended."""
    stopping = asyncio.ensure_future(stop)
    await asyncio.wait([stopping, *serving], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


async def _shut_down(
    rpc: grpc.aio.Server | None, servers: Sequence[_Server], serving: Sequence["asyncio.Task[None]"]
) -> None:
    """Accept no more requests and wait GRACE_SECONDS for those in flight."""
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*([rpc.stop(GRACE_SECONDS)] if rpc else []), *serving)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def start(chosen: ObservatorySettings, supervised: bool) -> None:
    """Serve until interrupted; if `supervised`, print the endpoints as JSON when ready."""
    logging.basicConfig(level=logging.WARNING, format="observatory: %(message)s")

    def ready(endpoints: Endpoints) -> None:
        print_message(f"\nThe observatory shows traces, charts and logs on {endpoints.page}")
        if supervised:
            print(json.dumps(endpoints._asdict()), flush=True)  # noqa: T201  read by the supervisor

    try:
        serve(chosen, ready)
        os._exit(0)  # everything is stored; threads still running need not be awaited
    except PortTaken as error:
        raise fail(
            f"The observatory can't start: {error}. Stop the process that uses it, choose another "
            f"({PREFIX}…_PORT, see docs/observatory.md), or do without: make run OBSERVATORY=0"
        ) from error
    except InvalidDeclaration as error:
        raise fail(
            f"The observatory can't read the objectives in {chosen.objectives}: {error} "
            f"({PREFIX}OBJECTIVES names another folder)"
        ) from error
    except EngineError as error:
        raise fail(
            f"The observatory can't use its data folder {chosen.data}: {error} "
            f"({PREFIX}DATA names another; or do without: make run OBSERVATORY=0)"
        ) from error
