"""Protobuf's wire format, as far as OTLP's attributes need it, with a cache of encoded attributes.

https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import NoneType
from typing import Any, Final

MAX_CACHED: Final = 4096
"""Cached encoded attributes of one type for each field."""
SHORT: Final = 256
"""Bytes; longer values seldom repeat and are not cached."""
SMALL: Final = 1024
DOUBLE: Final = struct.Struct("<d")
QUAD: Final = struct.Struct("<Q")


class KeyValues:
    """Encodes attributes as `repeated KeyValue` of one field number."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._doubles: dict[str, bytes] = {}
        self._known: dict[type, dict[tuple[str, Any], bytes]] = {str: {}, int: {}, bool: {}}

    def encode(self, attributes: Mapping[str, Any], parts: list[bytes]) -> None:
        """Append the attributes' bytes to `parts`. Raises TypeError, OverflowError or UnicodeError
        if the library must encode these attributes."""
        for key, given in attributes.items():
            kind = type(given)
            if kind is float:
                head = self._doubles.get(key)
                if head is None:  # all but the eight bytes of the number
                    head = _cache(self._doubles, key, self._key_value(key, 0.0)[:-8])
                parts += (head, DOUBLE.pack(given))
                continue
            known = self._known.get(kind)  # one for each type, as True == 1
            made = known.get((key, given)) if known is not None else None
            if made is None:
                made = self._key_value(key, given)
                if known is not None and len(made) <= SHORT:
                    _cache(known, (key, given), made)
            parts.append(made)

    def _key_value(self, key: str, given: Any) -> bytes:
        return field(self._number, text(1, key) + field(2, value(given)))


def _cache(known: dict[Any, bytes], key: Any, made: bytes) -> bytes:
    if len(known) >= MAX_CACHED:
        known.clear()
    known[key] = made
    return made


def value(given: Any) -> bytes:
    """An AnyValue. Raises TypeError for a type that the library must encode."""
    encode = VALUES.get(type(given))
    if encode is None:
        raise TypeError("by the library")
    return encode(given)


def _integer(given: int) -> bytes:
    if not -(1 << 63) <= given < 1 << 63:
        raise OverflowError("more than 64 bits")
    return b"\x18" + _varint(given & 0xFFFF_FFFF_FFFF_FFFF)


def _sequence(given: Iterable[Any]) -> bytes:
    return field(5, b"".join(field(1, value(each)) for each in given))


VALUES: Final[dict[type, Callable[[Any], bytes]]] = {
    str: lambda given: field(1, given.encode()),
    bool: lambda given: b"\x10\x01" if given else b"\x10\x00",
    int: _integer,
    float: lambda given: b"\x21" + DOUBLE.pack(given),
    tuple: _sequence,
    list: _sequence,
    bytes: lambda given: field(7, given),
    NoneType: lambda _: b"",
}


def field(number: int, content: bytes) -> bytes:
    """A field of bytes, even if empty."""
    return _head(number, len(content)) + content


def text(number: int, given: str | None) -> bytes:
    """A field of text; nothing if there is none."""
    return field(number, given.encode()) if given else b""


def number(field_number: int, given: int) -> bytes:
    """A field of a number that is not negative; nothing if it is 0."""
    return _varint(field_number << 3) + _varint(given) if given else b""


def fixed64(number: int, given: int) -> bytes:
    """A field of eight bytes; nothing if it is 0."""
    return _varint(number << 3 | 1) + QUAD.pack(given) if given else b""


def fixed32(number: int, given: int) -> bytes:
    """A field of four bytes; nothing if it is 0."""
    return _varint(number << 3 | 5) + struct.pack("<I", given) if given else b""


@lru_cache(MAX_CACHED)
def _head(number: int, length: int) -> bytes:
    return _varint(number << 3 | 2) + _varint(length)


def _varint(given: int) -> bytes:
    if given < SMALL:
        return SMALL_VARINTS[given]
    encoded = bytearray()
    while given > 0x7F:
        encoded.append(given & 0x7F | 0x80)
        given >>= 7
    encoded.append(given)
    return bytes(encoded)


SMALL_VARINTS: Final = tuple(
    bytes([low | 0x80, high]) if high else bytes([low])
    for high in range(SMALL >> 7)
    for low in range(0x80)
)
