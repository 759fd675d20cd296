"""ClickHouse's Native format, as far as inserting needs it: columns of values to bytes.

A block is its columns in turn: a name, a type, then the values of all rows. Strings are a length
and bytes; arrays are the running totals of their lengths and then all items; a map is an array of
keys beside an array of values. Format: https://clickhouse.com/docs/interfaces/formats/Native
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any, NamedTuple

LAST_MOMENT = 2**63 - 1
"""What fits into a DateTime64(9)."""
LONGEST_NAME = 1024
"""Bytes of keys and names: tables keep dictionaries of them, which long ones would fill."""
LONGEST_TEXT = 262_144
"""Bytes of one value; of what is longer the rest is cut off, and the value says so."""


def varint(number: int) -> bytes:
    """`number` in groups of seven bits, the lowest first."""
    low = bytearray()
    while number > 127:
        low.append(number & 127 | 128)
        number >>= 7
    low.append(number)
    return bytes(low)


_LENGTHS = [varint(length) for length in range(LONGEST_TEXT + 64)]


def text(value: bytes) -> bytes:
    """A String: what is not UTF-8 becomes U+FFFD, what is too long is cut."""
    if not value.isascii() or len(value) > LONGEST_TEXT:
        value = _mended(value)
    return _LENGTHS[len(value)] + value


def _mended(value: bytes) -> bytes:
    mended = value[:LONGEST_TEXT].decode(errors="replace").encode()
    if max(len(value), len(mended)) <= LONGEST_TEXT:
        return mended
    said = f"… (cut, {len(value):,} bytes)".encode()
    return mended[: LONGEST_TEXT - len(said)].decode(errors="ignore").encode() + said


EMPTY = text(b"")

repeated = lru_cache(maxsize=4096)(text)
"""As `text`, for what comes again and again: keys, names."""


class Pairs(NamedTuple):
    """A Map(String, String) of one row, encoded."""

    length: int
    keys: bytes
    values: bytes


NO_PAIRS = Pairs(0, b"", b"")

Encode = Callable[[Sequence[Any]], bytes]


def texts(values: Sequence[bytes]) -> bytes:
    """A column of strings that `text` has encoded."""
    return b"".join(values)


def numbers(typecode: str) -> Encode:
    """Columns of numbers of the `array` module's type: Q, q, I, i, B, d."""
    return lambda values: array(typecode, values).tobytes()


def offsets(counts: Iterable[int]) -> bytes:
    """The running totals of arrays' lengths."""
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
    """A column of a table: what ClickHouse calls its type, and how its values are written."""

    name: str
    type: str
    encode: Encode

    def head(self) -> bytes:
        """What stands before the values."""
        return text(self.name.encode()) + text(self.type.encode())


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table in the order of its rows' values."""

    table: str
    columns: tuple[Column, ...]

    def block(self, rows: Sequence[tuple[Any, ...]]) -> bytes:
        """The rows (at least one; each a value a column) as one Native block."""
        parts = [varint(len(self.columns)), varint(len(rows))]
        for column, values in zip(self.columns, zip(*rows, strict=True), strict=True):
            parts += (column.head(), column.encode(values))
        return b"".join(parts)

    @property
    def insert(self) -> str:
        """The statement that a block is the data of."""
        return f"INSERT INTO {self.table} ({', '.join(column.name for column in self.columns)})"


def string(name: str) -> Column:
    """A column of strings (LowCardinality or not: the engine converts)."""
    return Column(name, "String", texts)


def attributes(name: str) -> Column:
    """A column of maps from string to string."""
    return Column(name, "Map(String, String)", maps)


def moment(name: str) -> Column:
    """A column of moments, in nanoseconds since 1970."""
    return Column(name, "DateTime64(9)", numbers("q"))


def number(name: str, kind: str) -> Column:
    """A column of numbers of one of ClickHouse's types."""
    return Column(name, kind, numbers(TYPECODES[kind]))


def array_of(column: Column) -> Column:
    """The same, many a row: a part of a Nested column."""
    return Column(column.name, f"Array({column.type})", arrays(column.encode))


TYPECODES = {"UInt64": "Q", "Int32": "i", "UInt32": "I", "UInt8": "B", "Float64": "d"}
