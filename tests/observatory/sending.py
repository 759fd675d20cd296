"""OTLP by hand: bytes go out as a test made them, answers come back unread."""

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
from tests.waiting import PATIENCE

PROTOBUF, JSON = "application/x-protobuf", "application/json"
SERVICES = {
    "traces": "trace.v1.TraceService",
    "logs": "logs.v1.LogsService",
    "metrics": "metrics.v1.MetricsService",
}


class Doors(Protocol):
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
    """After what time a status says to try again."""
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
    doors: Doors,
    signal: str,
    body: bytes,
    kind: str = PROTOBUF,
    encoding: str | None = None,
    **headers: str,
) -> Answer:
    """POST to OTLP over HTTP; the body has this encoding already."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {"content-type": kind, **({"content-encoding": encoding} if encoding else {}), **named}
    answer = httpx.post(f"{doors.otlp}/v1/{signal}", content=body, headers=given, timeout=PATIENCE)
    return read(signal, answer)


def read(signal: str, answer: httpx.Response) -> Answer:
    """An answer over HTTP, whose content type says how to read it."""
    of: Any = RESPONSES[signal]() if answer.status_code == httpx.codes.OK else Status()
    kind = answer.headers["content-type"]
    return Answer(answer.status_code, answer.headers, _read(of, answer.content, kind))


def call(
    doors: Doors,
    signal: str,
    message: bytes,
    compression: grpc.Compression = grpc.Compression.NoCompression,
) -> Answer:
    """Call OTLP over gRPC."""
    target = doors.grpc.removeprefix("http://")
    # A connection for each: what one call does to it is no other's business.
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(target, options, compression=compression) as channel:
        export = channel.unary_unary(
            f"/opentelemetry.proto.collector.{SERVICES[signal]}/Export",
            response_deserializer=RESPONSES[signal].FromString,
        )
        try:
            content, done = export.with_call(message, timeout=PATIENCE)
        except grpc.RpcError as error:
            trailing: dict[str, Any] = dict(error.trailing_metadata() or ())
            told = Status.FromString(trailing.get("grpc-status-details-bin", b""))
            told.message = told.message or error.details() or ""
            return Answer(error.code().value[0], trailing, told)
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


def http(doors: Doors, signal: str, request: Any) -> Answer:
    return post(doors, signal, request.SerializeToString())


def http_gzip(doors: Doors, signal: str, request: Any) -> Answer:
    return post(doors, signal, gzip.compress(request.SerializeToString()), encoding="gzip")


def http_json(doors: Doors, signal: str, request: Any) -> Answer:
    return post(doors, signal, json.dumps(otlp_json(request)).encode(), JSON)


def http_json_gzip(doors: Doors, signal: str, request: Any) -> Answer:
    packed = gzip.compress(json.dumps(otlp_json(request)).encode())
    return post(doors, signal, packed, JSON, "gzip")


def over_grpc(doors: Doors, signal: str, request: Any) -> Answer:
    return call(doors, signal, request.SerializeToString())


def over_grpc_gzip(doors: Doors, signal: str, request: Any) -> Answer:
    return call(doors, signal, request.SerializeToString(), grpc.Compression.Gzip)


WAYS = (http, http_gzip, http_json, http_json_gzip, over_grpc, over_grpc_gzip)
