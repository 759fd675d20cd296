"""Encoder for ClickHouse's Native format, as far as inserts need it.

A block is a sequence of columns: name, type, then the values of all rows. A string is its length
and bytes; a column of arrays is the cumulative lengths and then all items; a map is encoded as an
array of keys and an array of values. Format: https://clickhouse.com/docs/interfaces/formats/Native
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any, NamedTuple

MAX_TIMESTAMP = 2**63 - 1
"""The largest DateTime64(9), in nanoseconds since 1970."""
MAX_NAME_BYTES = 1024
"""Bytes of a key or name; they are LowCardinality, whose dictionaries must stay small."""
MAX_TEXT_BYTES = 262_144
"""Bytes of one value; a longer one is cut and ends with a note."""


def varint(number: int) -> bytes:
    """LEB128: groups of seven bits, lowest first."""
    low = bytearray()
    while number > 127:
        low.append(number & 127 | 128)
        number >>= 7
    low.append(number)
    return bytes(low)


_LENGTHS = [varint(length) for length in range(MAX_TEXT_BYTES + 64)]


def text(value: bytes) -> bytes:
    """Encode a String; invalid UTF-8 becomes U+FFFD, a value over MAX_TEXT_BYTES is cut."""
    if not value.isascii() or len(value) > MAX_TEXT_BYTES:
        value = _valid_utf8(value)
    return _LENGTHS[len(value)] + value


def _valid_utf8(value: bytes) -> bytes:
    valid = value[:MAX_TEXT_BYTES].decode(errors="replace").encode()
    if max(len(value), len(valid)) <= MAX_TEXT_BYTES:
        return valid
    note = f"… (cut, {len(value):,} bytes)".encode()
    return valid[: MAX_TEXT_BYTES - len(note)].decode(errors="ignore").encode() + note


EMPTY = text(b"")

repeated = lru_cache(maxsize=4096)(text)
"""As `text`, cached: for keys and names, which repeat."""


class Pairs(NamedTuple):
    """An encoded Map(String, String) of one row."""

    length: int
    keys: bytes
    values: bytes


NO_PAIRS = Pairs(0, b"", b"")

Encode = Callable[[Sequence[Any]], bytes]


def texts(values: Sequence[bytes]) -> bytes:
    """A column of strings encoded by `text`."""
    return b"".join(values)


def numbers(typecode: str) -> Encode:
    """Columns of numbers of the `array` module's type: Q, q, I, i, B, d."""
    return lambda values: array(typecode, values).tobytes()


def offsets(counts: Iterable[int]) -> bytes:
    """The cumulative lengths of arrays."""
    return array("Q", accumulate(counts)).tobytes()


def maps(values: Sequence[Pairs]) -> bytes:
    """A column of maps."""
    counts, keys, texts_ = zip(*values, strict=True)
    return offsets(counts) + b"".join(keys) + b"".join(texts_)


def arrays(encode: Encode) -> Encode:
    """Columns of arrays whose items `encode` writes; a row's value is a sequence of items."""

    def column(values: Sequence[Sequence[Any]]) -> bytes:
        items = list(chain.from_iterable(values))
        return offsets(map(len, values)) + (encode(items) if items else b"")

    return column


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: name, ClickHouse type, and encoder of its values."""

    name: str
    type: str
    encode: Encode

    def head(self) -> bytes:
        """The encoded name and type, which precede the values."""
        return text(self.name.encode()) + text(self.type.encode())


@dataclass(frozen=True, slots=True)
class Layout:
    """A table and its columns, in the order of the values in a row."""

    table: str
    columns: tuple[Column, ...]

    def block(self, rows: Sequence[tuple[Any, ...]]) -> bytes:
        """Encode rows (at least one; one value per column) as a Native block."""
        parts = [varint(len(self.columns)), varint(len(rows))]
        for column, values in zip(self.columns, zip(*rows, strict=True), strict=True):
            parts += (column.head(), column.encode(values))
        return b"".join(parts)

    @property
    def insert(self) -> str:
        """The INSERT statement for a block."""
        return f"INSERT INTO {self.table} ({', '.join(column.name for column in self.columns)})"


def string(name: str) -> Column:
    """A column of strings (LowCardinality or not: the engine converts)."""
    return Column(name, "String", texts)


def attributes(name: str) -> Column:
    """A column of maps from string to string."""
    return Column(name, "Map(String, String)", maps)


def timestamp(name: str) -> Column:
    """A column of timestamps in nanoseconds since 1970."""
    return Column(name, "DateTime64(9)", numbers("q"))


def number(name: str, kind: str) -> Column:
    """A column of numbers; `kind`: a key of TYPECODES."""
    return Column(name, kind, numbers(TYPECODES[kind]))


def array_of(column: Column) -> Column:
    """A column of arrays of this column's type: part of a Nested column."""
    return Column(column.name, f"Array({column.type})", arrays(column.encode))


TYPECODES = {"UInt64": "Q", "Int32": "i", "UInt32": "I", "UInt8": "B", "Float64": "d"}
