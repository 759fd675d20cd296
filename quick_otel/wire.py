"""Protobuf's wire format, as far as OTLP's attributes need it; repeated ones are remembered.

https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

REMEMBERED: Final = 4096
"""How many encoded attributes of one type are remembered for each field."""
SHORT: Final = 256
"""Bytes; what is longer seldom comes again."""
SMALL: Final = 1024
"""Integers below it are remembered."""
DOUBLE: Final = struct.Struct("<d")
QUAD: Final = struct.Struct("<Q")


class KeyValues:
    """Encodes attributes as `repeated KeyValue` of one field number."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._texts: dict[tuple[str, str], bytes] = {}
        self._integers: dict[tuple[str, int], bytes] = {}
        self._doubles: dict[str, bytes] = {}
        self._true: dict[str, bytes] = {}
        self._false: dict[str, bytes] = {}

    def encode(self, attributes: Mapping[str, Any], parts: list[bytes]) -> None:
        """Append the attributes' bytes to `parts`. TypeError, OverflowError or UnicodeError: the
        library has to encode these."""
        for key, given in attributes.items():
            kind = type(given)
            if kind is str:
                made = self._texts.get((key, given))
                if made is None:
                    made = self._key_value(key, given)
                    if len(made) <= SHORT:
                        _remember(self._texts, (key, given), made)
            elif kind is float:
                head = self._doubles.get(key)
                if head is None:  # all but the eight bytes of the number
                    head = _remember(self._doubles, key, self._key_value(key, 0.0)[:-8])
                parts.append(head)
                made = DOUBLE.pack(given)
            elif kind is bool:
                known = self._true if given else self._false
                made = known.get(key) or _remember(known, key, self._key_value(key, given))
            elif kind is int and 0 <= given < SMALL:
                known_integer = self._integers.get((key, given))
                made = known_integer or _remember(
                    self._integers, (key, given), self._key_value(key, given)
                )
            else:
                made = self._key_value(key, given)
            parts.append(made)

    def _key_value(self, key: str, given: Any) -> bytes:
        return field(self._number, text(1, key) + field(2, value(given)))


def _remember(known: dict[Any, bytes], key: Any, made: bytes) -> bytes:
    if len(known) >= REMEMBERED:
        known.clear()
    known[key] = made
    return made


def value(given: Any) -> bytes:
    """An AnyValue. TypeError: a type that the library has to encode."""
    kind = type(given)
    if kind is str:
        return field(1, given.encode())
    if kind is bool:
        return b"\x10\x01" if given else b"\x10\x00"
    if kind is int:
        if not -(1 << 63) <= given < 1 << 63:
            raise OverflowError("more than 64 bits")
        return b"\x18" + _varint(given & 0xFFFF_FFFF_FFFF_FFFF)
    if kind is float:
        return b"\x21" + DOUBLE.pack(given)
    if kind is tuple or kind is list:
        return field(5, b"".join(field(1, value(each)) for each in given))
    if given is None:
        return b""
    if kind is bytes:
        return field(7, given)
    raise TypeError("by the library")


def field(number: int, content: bytes) -> bytes:
    """A field of bytes, also if there are none."""
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


@lru_cache(REMEMBERED)
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
