"""OTLP by hand: bytes as a test made them, and undecoded answers."""

import gzip
import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import grpc
import httpx
from google.protobuf.json_format import MessageToDict, Parse
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from tests.observatory.messages import RESPONSES
from tests.waiting import TIMEOUT

PROTOBUF, JSON = "application/x-protobuf", "application/json"
SERVICES = {
    "traces": "trace.v1.TraceService",
    "logs": "logs.v1.LogsService",
    "metrics": "metrics.v1.MetricsService",
}


class Endpoints(Protocol):
    """Where OTLP is taken."""

    otlp: str
    grpc: str


class Answer(NamedTuple):
    """A transport's status, what came with it, and the body, decoded."""

    code: int
    headers: Mapping[str, str]
    content: Any
    """An Export…ServiceResponse where all went well, else a google.rpc.Status."""


def retry_seconds(status: Status) -> int | None:
    """The retry delay of a status."""
    for detail in status.details:
        retry = RetryInfo()
        if detail.Unpack(retry):
            return int(retry.retry_delay.seconds)
    return None


def _read(of: Any, content: bytes, kind: str) -> Any:
    if kind == JSON:
        return Parse(content, of)
    of.ParseFromString(content)
    return of


def post(
    endpoints: Endpoints,
    signal: str,
    body: bytes,
    kind: str = PROTOBUF,
    encoding: str | None = None,
    **headers: str,
) -> Answer:
    """POST to OTLP over HTTP; the body has this encoding already."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {"content-type": kind, **({"content-encoding": encoding} if encoding else {}), **named}
    answer = httpx.post(
        f"{endpoints.otlp}/v1/{signal}", content=body, headers=given, timeout=TIMEOUT
    )
    return read(signal, answer)


def read(signal: str, answer: httpx.Response) -> Answer:
    """An answer over HTTP, whose content type says how to read it."""
    of: Any = RESPONSES[signal]() if answer.status_code == httpx.codes.OK else Status()
    kind = answer.headers["content-type"]
    return Answer(answer.status_code, answer.headers, _read(of, answer.content, kind))


def call(
    endpoints: Endpoints,
    signal: str,
    message: bytes,
    compression: grpc.Compression = grpc.Compression.NoCompression,
) -> Answer:
    """Call OTLP over gRPC."""
    target = endpoints.grpc.removeprefix("http://")
    # A connection for each: what one call does to it is no other's business.
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(target, options, compression=compression) as channel:
        export = channel.unary_unary(
            f"/opentelemetry.proto.collector.{SERVICES[signal]}/Export",
            response_deserializer=RESPONSES[signal].FromString,
        )
        try:
            content, done = export.with_call(message, timeout=TIMEOUT)
        except grpc.RpcError as error:
            trailing: dict[str, Any] = dict(error.trailing_metadata() or ())
            stored = Status.FromString(trailing.get("grpc-status-details-bin", b""))
            stored.message = stored.message or error.details() or ""
            return Answer(error.code().value[0], trailing, stored)
        return Answer(0, dict(done.trailing_metadata() or ()), content)


def otlp_json(request: Any) -> Any:
    """A message as OTLP has it in JSON: ids in hexadecimal, enums as numbers."""
    return _with_ids(MessageToDict(request, use_integers_for_enums=True))


def _with_ids(of: Any) -> Any:
    if isinstance(of, list):
        return [_with_ids(each) for each in of]
    if isinstance(of, dict):
        return {
            key: b64decode(each).hex() if key.endswith(("traceId", "panId")) else _with_ids(each)
            for key, each in of.items()
        }
    return of


def http(endpoints: Endpoints, signal: str, request: Any) -> Answer:
    return post(endpoints, signal, request.SerializeToString())


def http_gzip(endpoints: Endpoints, signal: str, request: Any) -> Answer:
    return post(endpoints, signal, gzip.compress(request.SerializeToString()), encoding="gzip")


def http_json(endpoints: Endpoints, signal: str, request: Any) -> Answer:
    return post(endpoints, signal, json.dumps(otlp_json(request)).encode(), JSON)


def http_json_gzip(endpoints: Endpoints, signal: str, request: Any) -> Answer:
    packed = gzip.compress(json.dumps(otlp_json(request)).encode())
    return post(endpoints, signal, packed, JSON, "gzip")


def over_grpc(endpoints: Endpoints, signal: str, request: Any) -> Answer:
    return call(endpoints, signal, request.SerializeToString())


def over_grpc_gzip(endpoints: Endpoints, signal: str, request: Any) -> Answer:
    return call(endpoints, signal, request.SerializeToString(), grpc.Compression.Gzip)


WAYS = (http, http_gzip, http_json, http_json_gzip, over_grpc, over_grpc_gzip)
