"""Converts OTLP attribute values and ids to the strings that are stored.

The same as the Collector's ClickHouse exporter: numbers in decimal, `true` and `false`, bytes in
base64, lists and maps as JSON.
"""

from base64 import b64encode
from binascii import hexlify
from collections.abc import Callable, Iterable
from decimal import Decimal
from json import dumps
from typing import Any

from observatory.store.native_format import EMPTY, MAX_NAME_BYTES, NO_PAIRS, Pairs, repeated, text


class RecordRejected(Exception):
    """A record is rejected; the message is the reason."""


def pairs(attributes: Iterable[Any]) -> Pairs:
    """KeyValues as one row of a map; duplicate keys are all kept."""
    keys, values = [], []
    for each in attributes:
        keys.append(repeated(each.key[:MAX_NAME_BYTES]))
        value = each.value
        # Most values are strings; WhichOneof costs more than everything else here.
        values.append(text(value.string_value or as_text(value, value.WhichOneof("value"))))
    if not keys:
        return NO_PAIRS
    return Pairs(len(keys), b"".join(keys), b"".join(values))


def as_text(value: Any, kind: str | None) -> bytes:
    """An AnyValue as UTF-8 text; `kind`: its WhichOneof."""
    if kind is None:
        return b""
    formatter = _FORMATTERS.get(kind)
    if formatter is not None:
        return formatter(getattr(value, kind))
    if kind not in ("array_value", "kvlist_value"):
        return b""  # a kind that a later version of OTLP has added
    return dumps(json_value(value), ensure_ascii=False, separators=(",", ":")).encode()


def json_value(value: Any) -> Any:
    """An AnyValue as a value that JSON can represent."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [json_value(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {
            each.key.decode(errors="replace"): json_value(each.value)
            for each in value.kvlist_value.values
        }
    if kind == "double_value":
        number = value.double_value
        if number - number != 0:  # JSON has no NaN and no infinities
            return decimal(number)
        return int(number) if number.is_integer() and abs(number) < 1e21 else number
    if kind in ("int_value", "bool_value"):
        return getattr(value, kind)
    return None if kind is None else as_text(value, kind).decode(errors="replace")


def decimal(number: float) -> str:
    """A float in the shortest form that is exact, as JavaScript prints it: 2, 0.00001, 1e-7."""
    digits = repr(number)
    if "e" not in digits:
        return digits.removesuffix(".0")
    if 1e-6 <= abs(number) < 1e21:
        return format(Decimal(digits), "f")
    mantissa, _, exponent = digits.partition("e")
    return f"{mantissa}e{int(exponent):+d}"


_FORMATTERS: dict[str, Callable[[Any], bytes]] = {
    "string_value": bytes,
    "int_value": lambda number: b"%d" % number,
    "bool_value": lambda true: b"true" if true else b"false",
    "double_value": lambda number: decimal(number).encode(),
    "bytes_value": b64encode,
}


def trace_id(value: bytes) -> bytes:
    """A trace id (16 bytes) in hexadecimal; empty if it is invalid or all zero."""
    return text(hexlify(value)) if len(value) == 16 and any(value) else EMPTY


def span_id(value: bytes) -> bytes:
    """A span id (8 bytes), as `trace_id`."""
    return text(hexlify(value)) if len(value) == 8 and any(value) else EMPTY
