"""OTLP/JSON: protobuf's JSON mapping, except that ids are in hexadecimal.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

import re
from base64 import b64encode
from json import JSONDecodeError, loads
from typing import Any

from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from observatory.intake.otlp_messages import ENVELOPES, MAX_FIELDS, REQUESTS, twin
from observatory.intake.receiver import Signal, Undecodable
from observatory.intake.row_blocks import MAX_RECORDS

IDS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}
UNREADABLE = b"\xff"
"""Invalid protobuf in place of an invalid JSON record, so that the decoder rejects that record."""
MAX_DEPTH, MAX_DIGITS = 300, 40
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_WRONG = (ParseError, ValueError, TypeError, AttributeError, RecursionError)


def to_protobuf(signal: Signal, body: bytes) -> tuple[bytes, str]:
    """Convert a JSON message to protobuf; also returns why the first invalid record is invalid.

    Raises:
        Undecodable: the structure around the records is invalid; the message says where.

    """
    try:
        value = _loaded(body)
    except (JSONDecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Undecodable(f"the body is not valid JSON: {error}") from error
    message = _Message()
    try:
        return message.encoded(value, REQUESTS[signal.name]), message.reason
    except _WRONG as error:
        raise Undecodable(f"the body is not valid OTLP/JSON: {error}") from error


def from_protobuf(message: Any) -> bytes:
    """A response message as JSON."""
    return str(MessageToJson(message, indent=None)).encode()


def _loaded(body: bytes) -> Any:
    """Parse JSON so that deep nesting or long integers invalidate only their record."""
    try:
        return loads(body, parse_int=_integer)
    except RecursionError:
        return loads(_flattened(body), parse_int=_integer)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else digits


def _flattened(body: bytes) -> bytes:
    """The JSON with a string in place of values nested deeper than MAX_DEPTH."""
    parts: list[bytes] = []
    depth = kept = 0
    for token in _TOKENS.finditer(body):
        if token[0] in b"[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                parts += (body[kept : token.start()], b'"it is nested too deeply"')
        elif token[0] in b"]}":
            depth -= 1
            kept = token.end() if depth == MAX_DEPTH else kept
    return b"".join(parts) + (body[kept:] if depth <= MAX_DEPTH else b"")


class _Message:
    """Encodes one message; `reason` is why the first invalid record is invalid."""

    def __init__(self) -> None:
        self.reason = ""
        self._parts = 0

    def encoded(self, value: Any, kind: Any) -> bytes:
        """A value as a message of the published class `kind`."""
        if kind.DESCRIPTOR.full_name not in ENVELOPES:
            message = ParseDict(_Value().read(value), kind(), ignore_unknown_fields=True)
            return bytes(message.SerializeToString())
        if not isinstance(value, dict):
            raise TypeError(f"a {kind.DESCRIPTOR.name} is an object")
        wrapper, scalars = twin(kind)(), {}
        for field in kind.DESCRIPTOR.fields:
            given = value.get(field.json_name, value.get(field.name))
            if given is None:
                continue
            if field.message_type is None:
                scalars[field.name] = given
            elif field.is_repeated:
                if not isinstance(given, list):
                    raise TypeError(f"{field.json_name} is a list")
                inner = GetMessageClass(field.message_type)
                self._count(len(given))
                getattr(wrapper, field.name).extend(self._part(each, inner) for each in given)
            else:
                part = self._part(given, GetMessageClass(field.message_type))
                setattr(wrapper, field.name, part)
        plain = ParseDict(_Value().read(scalars), kind(), ignore_unknown_fields=True)
        return bytes(wrapper.SerializeToString() + plain.SerializeToString())

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > MAX_RECORDS:
            raise ValueError(f"send at most {MAX_RECORDS:,} records in a message")

    def _part(self, value: Any, kind: Any) -> bytes:
        name = kind.DESCRIPTOR.full_name
        if name in ENVELOPES and name != Metric.DESCRIPTOR.full_name:
            return self.encoded(value, kind)
        try:
            return self.encoded(value, kind)
        except _WRONG as error:
            self.reason = self.reason or f"a {kind.DESCRIPTOR.name} is not valid OTLP/JSON: {error}"
            return UNREADABLE


class _Value:
    """Reads one record's JSON."""

    def __init__(self) -> None:
        self._count = 0

    def read(self, value: Any) -> Any:
        """The same value with ids in base64 (protobuf JSON) and lone surrogates replaced."""
        self._count += 1
        if self._count > MAX_FIELDS:
            raise ValueError(f"it has more than {MAX_FIELDS:,} values")
        if isinstance(value, str):
            return value.encode(errors="replace").decode()
        if isinstance(value, list):
            return [self.read(each) for each in value]
        if isinstance(value, dict):
            return {
                key.encode(errors="replace").decode(): _base64(each)
                if key in IDS and isinstance(each, str)
                else self.read(each)
                for key, each in value.items()
            }
        return value


def _base64(identity: str) -> str:
    try:
        return b64encode(bytes.fromhex(identity)).decode()
    except ValueError as error:
        raise ValueError(f"an id is in hexadecimal, not {identity[:40]!r}") from error
