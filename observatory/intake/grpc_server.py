"""OTLP over gRPC.

On the wire a unary call is a stream of one message. Handling it as a stream lets the server read a
message only after memory for the largest possible message has been reserved.
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
from observatory.memory_budget import Account, BudgetExceeded
from observatory.ports import PortTaken

SERVICES = {
    "traces": "trace.v1.TraceService",
    "logs": "logs.v1.LogsService",
    "metrics": "metrics.v1.MetricsService",
}
STREAMS = 128
"""Concurrent calls per connection."""
CALLS = 1000
"""Concurrent calls of all connections."""
READS, READ_SECONDS = 16, 10
"""Messages being received at the same time, and the deadline for one."""
CODES = {
    Undecodable: grpc.StatusCode.INVALID_ARGUMENT,
    Busy: grpc.StatusCode.RESOURCE_EXHAUSTED,
    BudgetExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
}
Export = Callable[[Any, Any], Awaitable[bytes]]


def grpc_server(intake: Intake, address: str, message_bytes: int) -> Any:
    """A `grpc.aio.Server` bound to `address`, not started.

    Raises:
        PortTaken: the address is not available.

    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", message_bytes),
            ("grpc.max_concurrent_streams", STREAMS),
            ("grpc.http2.bdp_probe", 0),  # the probe makes gRPC buffer megabytes per connection
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
        raise PortTaken(f"{address} is not available ({error})") from error
    return server


def _export(intake: Intake, signal: Signal, most: int, reads: asyncio.Semaphore) -> Export:
    async def export(_: Any, context: Any) -> bytes:
        with intake.budget.account() as account:
            try:
                message = await _message(context, account, most, reads)
                receipt = await intake.receive(signal, message)
            except (Undecodable, Busy, BudgetExceeded, Unavailable) as error:
                await _abort(context, error)
            except TimeoutError:
                await _abort(
                    context, Busy("too many messages are being received, or this one is too slow")
                )
            return bytes(response(signal, receipt).SerializeToString())

    return export


async def _message(context: Any, account: Account, most: int, reads: asyncio.Semaphore) -> bytes:
    """Receive the message of a call once a slot and memory are available."""
    await asyncio.wait_for(reads.acquire(), TURN_SECONDS)
    try:
        account.reserve(most)
        message = await asyncio.wait_for(context.read(), READ_SECONDS)
    finally:
        reads.release()
    if not isinstance(message, bytes):
        raise Undecodable("the call has no message")
    account.release(most - len(message))
    return message


async def _abort(context: Any, error: Exception) -> NoReturn:
    code: Any = CODES[type(error)]
    details = status(code.value[0], str(error), retryable=not isinstance(error, Undecodable))
    context.set_trailing_metadata((("grpc-status-details-bin", details.SerializeToString()),))
    await context.abort(code, str(error))
    raise AssertionError("abort raises")
