"""OTLP over gRPC.

To the wire a call with one message is a stream of one. Served as a stream, a call's message is read
only when there is room for the largest that it may be.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import grpc

from observatory.intake.otlp_responses import response, status
from observatory.intake.receiver import (
    SIGNALS,
    TURN_SECONDS,
    Busy,
    Intake,
    Signal,
    Unavailable,
    Undecodable,
)
from observatory.memory_budget import Account, Full
from observatory.ports import PortTaken

SERVICES = {
    "traces": "trace.v1.TraceService",
    "logs": "logs.v1.LogsService",
    "metrics": "metrics.v1.MetricsService",
}
STREAMS = 128
"""Calls at a time of one connection."""
CALLS = 1000
"""Calls at a time of all connections."""
READS, READ_SECONDS = 16, 10
"""Messages that are read at a time, and how long one may take to arrive."""
CODES = {
    Undecodable: grpc.StatusCode.INVALID_ARGUMENT,
    Busy: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Full: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
}
Export = Callable[[Any, Any], Awaitable[bytes]]


def grpc_server(intake: Intake, address: str, message_bytes: int) -> Any:
    """A `grpc.aio.Server` bound to `address`; start and stop it.

    Raises:
        PortTaken: the address can't be had.

    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", message_bytes),
            ("grpc.max_concurrent_streams", STREAMS),
            ("grpc.http2.bdp_probe", 0),  # it lets a connection buffer megabytes unread
            ("grpc.so_reuseport", 0),
        ],
        maximum_concurrent_rpcs=CALLS,
    )
    reads = asyncio.Semaphore(READS)
    for signal in SIGNALS:
        export: Any = _export(intake, signal, message_bytes, reads)
        service = f"opentelemetry.proto.collector.{SERVICES[signal.name]}"
        handler = grpc.stream_unary_rpc_method_handler(export)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"Export": handler}),)
        )
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise PortTaken(f"{address} can't be had ({error})") from error
    return server


def _export(intake: Intake, signal: Signal, most: int, reads: asyncio.Semaphore) -> Export:
    async def export(_: Any, context: Any) -> bytes:
        with intake.budget.account() as account:
            try:
                message = await _message(context, account, most, reads)
                receipt = await intake.receive(signal, message)
            except (Undecodable, Busy, Full, Unavailable) as error:
                await _abort(context, error)
            except TimeoutError:
                await _abort(context, Busy("too many messages are being read, or this is too slow"))
            return bytes(response(signal, receipt).SerializeToString())

    return export


async def _message(context: Any, account: Account, most: int, reads: asyncio.Semaphore) -> bytes:
    """The message of a call, read when its turn has come and there is room for it."""
    await asyncio.wait_for(reads.acquire(), TURN_SECONDS)
    try:
        account.take(most)
        message = await asyncio.wait_for(context.read(), READ_SECONDS)
    finally:
        reads.release()
    if not isinstance(message, bytes):
        raise Undecodable("there is no message")
    account.give_back(most - len(message))
    return message


async def _abort(context: Any, error: Exception) -> NoReturn:
    code: Any = CODES[type(error)]
    details = status(code.value[0], str(error), again=not isinstance(error, Undecodable))
    context.set_trailing_metadata((("grpc-status-details-bin", details.SerializeToString()),))
    await context.abort(code, str(error))
    raise AssertionError("abort raises")
