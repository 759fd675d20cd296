"""OTLP over gRPC: a real server with the three services, on threads of its own."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from tests.telemetry.otlp_inbox import Inbox, Request

SERVICES = {
    "traces": trace_service_pb2.DESCRIPTOR.services_by_name["TraceService"],
    "metrics": metrics_service_pb2.DESCRIPTOR.services_by_name["MetricsService"],
    "logs": logs_service_pb2.DESCRIPTOR.services_by_name["LogsService"],
}
EMPTY = b""
"""The response of each service when all was accepted."""
MOST_AT_ONCE = 32
OPTIONS = [("grpc.so_reuseport", 0)]
"""A port in use is an error."""


@contextmanager
def serving(inbox: Inbox, port: int) -> Iterator[str]:
    """Listens on a port (0: a free one) until the end of the block; yields the endpoint."""
    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="otlp-grpc") as pool:
        server = grpc.server(pool, options=OPTIONS)
        server.add_generic_rpc_handlers([_handler(inbox, signal) for signal in SERVICES])
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        threads = set(threading.enumerate())
        server.start()
        loops = [each for each in set(threading.enumerate()) - threads if "_serve" in each.name]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.stop(None).wait()
            for loop in loops:
                loop.join()


def _handler(inbox: Inbox, signal: str) -> grpc.GenericRpcHandler:
    """Takes the request as bytes: nothing is lost by parsing."""
    export = grpc.unary_unary_rpc_method_handler(partial(_export, inbox, signal))
    service: str = SERVICES[signal].full_name
    return grpc.method_handlers_generic_handler(service, {"Export": export})


def _export(inbox: Inbox, signal: str, body: bytes, context: grpc.ServicerContext) -> bytes:
    headers = {each.key: str(each.value) for each in context.invocation_metadata()}
    context.add_callback(inbox.look_again)
    answer = inbox.take(
        Request(signal, "grpc", headers, body), gone=lambda: not context.is_active()
    )
    if answer is None:
        context.abort(grpc.StatusCode.UNAVAILABLE, "the receiver was stopped")
    elif answer.code is not grpc.StatusCode.OK:
        context.abort(answer.code, "the receiver behaves so")
    return EMPTY
