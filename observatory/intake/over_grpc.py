"""OTLP over gRPC."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc

from observatory.intake.answers import response, status
from observatory.intake.receiving import (
    AT_ONCE,
    SIGNALS,
    Busy,
    Intake,
    Receipt,
    Signal,
    Unavailable,
    Undecodable,
)
from observatory.ports import PortTaken

SERVICES = {
    "traces": "trace.v1.TraceService",
    "logs": "logs.v1.LogsService",
    "metrics": "metrics.v1.MetricsService",
}
WORKERS = AT_ONCE
"""Messages held at a time; most of the time they wait for the store. Others wait unread."""
STREAMS = 128
"""Calls at a time of one connection."""
CODES = {
    Undecodable: grpc.StatusCode.INVALID_ARGUMENT,
    Busy: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
}


def grpc_server(intake: Intake, address: str, message_bytes: int) -> grpc.Server:
    """A server bound to `address`; start and stop it.

    Raises:
        PortTaken: the address can't be had.

    """
    server = grpc.server(
        ThreadPoolExecutor(WORKERS, "otlp"),
        options=[
            ("grpc.max_receive_message_length", message_bytes),
            ("grpc.max_concurrent_streams", STREAMS),
            ("grpc.so_reuseport", 0),
        ],
    )
    for signal in SIGNALS:
        export = grpc.unary_unary_rpc_method_handler(_export(intake, signal))
        service = f"opentelemetry.proto.collector.{SERVICES[signal.name]}"
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"Export": export}),)
        )
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise PortTaken(f"{address} can't be had ({error})") from error
    return server


def _export(intake: Intake, signal: Signal) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    def export(message: bytes, context: grpc.ServicerContext) -> bytes:
        return bytes(
            response(signal, _received(intake, signal, message, context)).SerializeToString()
        )

    return export


def _received(
    intake: Intake, signal: Signal, message: bytes, context: grpc.ServicerContext
) -> Receipt:
    try:
        return intake.receive(signal, message)
    except (Undecodable, Busy, Unavailable) as error:
        _abort(context, error)


def _abort(context: grpc.ServicerContext, error: Exception) -> NoReturn:
    code: Any = CODES[type(error)]
    details = status(code.value[0], str(error), again=not isinstance(error, Undecodable))
    context.set_trailing_metadata((("grpc-status-details-bin", details.SerializeToString()),))
    context.abort(code, str(error))
    raise AssertionError("abort raises")
