"""Attribute values and ids of OTLP as the strings that the store keeps.

As the collector's exporter writes them: numbers in decimal, booleans in words, bytes in base64,
lists and maps as JSON.
"""

from base64 import b64encode
from binascii import hexlify
from collections.abc import Callable, Iterable
from decimal import Decimal
from json import dumps
from typing import Any

from observatory.store.native_format import EMPTY, LONGEST_NAME, NO_PAIRS, Pairs, repeated, text


class Refused(Exception):
    """A record that can't be stored; says why."""


def pairs(attributes: Iterable[Any]) -> Pairs:
    """KeyValues as one row of a map; of a key given twice, the map has both."""
    keys, values = [], []
    for each in attributes:
        keys.append(repeated(each.key[:LONGEST_NAME]))
        value = each.value
        # Most are strings; to ask which of the kinds it is takes longer than all the rest.
        values.append(text(value.string_value or said(value, value.WhichOneof("value"))))
    if not keys:
        return NO_PAIRS
    return Pairs(len(keys), b"".join(keys), b"".join(values))


def said(value: Any, kind: str | None) -> bytes:
    """An AnyValue in words."""
    if kind is None:
        return b""
    tell = _TOLD.get(kind)
    if tell is not None:
        return tell(getattr(value, kind))
    if kind not in ("array_value", "kvlist_value"):
        return b""  # of a later version of OTLP
    return dumps(plain(value), ensure_ascii=False, separators=(",", ":")).encode()


def plain(value: Any) -> Any:
    """An AnyValue as what JSON can say."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {
            each.key.decode(errors="replace"): plain(each.value)
            for each in value.kvlist_value.values
        }
    if kind == "double_value":
        number = value.double_value
        if number - number != 0:  # JSON has no NaN and no infinities
            return decimal(number)
        return int(number) if number.is_integer() and abs(number) < 1e21 else number
    if kind in ("int_value", "bool_value"):
        return getattr(value, kind)
    return None if kind is None else said(value, kind).decode(errors="replace")


def decimal(number: float) -> str:
    """A float as short as it can be told, as JavaScript tells it: 2, 0.00001, 1e-7."""
    said = repr(number)
    if "e" not in said:
        return said.removesuffix(".0")
    if 1e-6 <= abs(number) < 1e21:
        return format(Decimal(said), "f")
    mantissa, _, exponent = said.partition("e")
    return f"{mantissa}e{int(exponent):+d}"


_TOLD: dict[str, Callable[[Any], bytes]] = {
    "string_value": bytes,
    "int_value": lambda number: b"%d" % number,
    "bool_value": lambda true: b"true" if true else b"false",
    "double_value": lambda number: decimal(number).encode(),
    "bytes_value": b64encode,
}


def trace_id(value: bytes) -> bytes:
    """A trace's id in hexadecimal; empty where it is none (OTLP: it then belongs to no trace)."""
    return text(hexlify(value)) if len(value) == 16 and any(value) else EMPTY


def span_id(value: bytes) -> bytes:
    """A span's id, as `trace_id`."""
    return text(hexlify(value)) if len(value) == 8 and any(value) else EMPTY
