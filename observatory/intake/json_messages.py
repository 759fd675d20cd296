"""OTLP's JSON: protobuf's mapping, but for ids in hexadecimal.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from base64 import b64encode
from json import JSONDecodeError, loads
from typing import Any

from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from observatory.intake.receiving import Signal, Undecodable

REQUESTS: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
IDS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}


def to_protobuf(signal: Signal, body: bytes) -> bytes:
    """A JSON message in protobuf's encoding.

    Raises:
        Undecodable: it is none, in words that say where.

    """
    try:
        value = loads(body)
        if not isinstance(value, dict):
            raise Undecodable("a message is an object")
        message = ParseDict(_read(value), REQUESTS[signal.name](), ignore_unknown_fields=True)
        return bytes(message.SerializeToString())
    except (JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(f"this is no JSON: {error}") from error
    except (ParseError, ValueError, TypeError, AttributeError) as error:
        raise Undecodable(f"this is no OTLP in JSON: {error}") from error


def from_protobuf(message: Any) -> bytes:
    """An answer as JSON."""
    return str(MessageToJson(message, indent=None)).encode()


def _read(value: Any) -> Any:
    """The same with ids in base64, as protobuf's JSON has bytes, and half characters mended."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_read(each) for each in value]
    if isinstance(value, dict):
        return {
            key: _base64(each) if key in IDS and isinstance(each, str) else _read(each)
            for key, each in value.items()
        }
    return value


def _base64(identity: str) -> str:
    try:
        return b64encode(bytes.fromhex(identity)).decode()
    except ValueError as error:
        raise Undecodable(f"an id is in hexadecimal, not {identity[:40]!r}") from error
