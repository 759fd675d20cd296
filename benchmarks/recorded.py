"""Records the spans of real requests to the service, to send them again with new trace ids."""

import json
import random
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from app.catalogue.seeding import seed
from app.composition import open_catalogue
from app.model.judged import seed_queries
from benchmarks.servers import free_port, server

RECORDED = 32
"""Requests; each has eight spans, because the caches are empty."""
NOT_TRACES = {f"OTEL_{each}_EXPORTER": "none" for each in ("METRICS", "LOGS")}


class Trace(NamedTuple):
    """The spans of one request."""

    groups: list[ResourceSpans]
    spans: int
    attributes: int


def recorded() -> list[Trace]:
    """Traces of queries on the seed catalogue; a stand-in answers instead of Wikipedia."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        catalogue = open_catalogue(folder)
        with closing(catalogue.database):
            seed(catalogue, folder, lambda _: None)
        wikipedia, _ = stack.enter_context(server("wikipedia", {}))
        received: list[ExportTraceServiceRequest] = []
        endpoint = stack.enter_context(_receiver(received))
        settings = {
            **NOT_TRACES,
            "VITRINE_DATA": str(folder),
            "VITRINE_WIKIPEDIA__BASE_URL": f"http://127.0.0.1:{wikipedia}/",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        }
        with server("app", settings, quiet=True) as (port, _):
            for query in seed_queries("tune")[:RECORDED]:
                _recommend(port, query.text)
    return list(_traces(received))


def _recommend(port: int, text: str) -> None:
    url = f"http://127.0.0.1:{port}/recommend"
    body, kind = json.dumps({"query": text}).encode(), {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, kind)) as answer:
        answer.read()


@contextmanager
def _receiver(received: list[ExportTraceServiceRequest]) -> Iterator[str]:
    """An OTLP receiver; its URL. It has all spans once the service has stopped."""

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            return grpc.unary_unary_rpc_method_handler(self.receive)

        def receive(self, request: bytes, _: grpc.ServicerContext) -> bytes:
            received.append(ExportTraceServiceRequest.FromString(request))
            return b""

    port, receiver = free_port(), grpc.server(ThreadPoolExecutor(2))
    receiver.add_generic_rpc_handlers([Handler()])
    receiver.add_insecure_port(f"127.0.0.1:{port}")
    receiver.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        receiver.stop(None)


def _traces(received: list[ExportTraceServiceRequest]) -> Iterator[Trace]:
    whole = ExportTraceServiceRequest()
    for each in received:
        whole.MergeFrom(each)
    roots = {
        span.trace_id
        for group in whole.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
        if span.name == "POST /recommend"
    }
    for root in sorted(roots):
        yield _trace(whole, root)


def _trace(whole: ExportTraceServiceRequest, trace: bytes) -> Trace:
    """The part of `whole` that belongs to one trace."""
    groups, spans, attributes = [], 0, 0
    for group in whole.resource_spans:
        mine = ResourceSpans(resource=group.resource)
        for scope in group.scope_spans:
            its = [span for span in scope.spans if span.trace_id == trace]
            if its:
                mine.scope_spans.add(scope=scope.scope, spans=its)
                spans += len(its)
                attributes += sum(len(span.attributes) for span in its)
        if mine.scope_spans:
            groups.append(mine)
    return Trace(groups, spans, attributes)


def batch(traces: list[Trace], rng: random.Random) -> bytes:
    """An export request like an SDK's: one resource, each scope once; with new trace ids."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add(resource=traces[0].groups[0].resource)
    scopes, now = {}, time.time_ns()
    for trace in traces:
        id_ = rng.randbytes(16)
        for scope in (scope for part in trace.groups for scope in part.scope_spans):
            if scope.scope.name not in scopes:
                scopes[scope.scope.name] = group.scope_spans.add(scope=scope.scope)
            for span in scope.spans:
                mine = scopes[scope.scope.name].spans.add()
                mine.CopyFrom(span)
                mine.trace_id = id_
                mine.end_time_unix_nano = now + span.end_time_unix_nano - span.start_time_unix_nano
                mine.start_time_unix_nano = now
    return request.SerializeToString()
