"""ClickHouse's compressed frames and Native blocks, made and read byte by byte.

Independent of the observatory's own code for it: what clickhouse-go was seen to expect.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import lz4.block
from clickhouse_cityhash.cityhash import CityHash128

PLAIN, LZ4 = 0x02, 0x82
BLOCK_INFO = bytes.fromhex("01 00 02 ff ff ff ff 00")


def checksum(of: bytes) -> bytes:
    """CityHash128 of ClickHouse's version, its halves as they stand in a frame."""
    both = int(CityHash128(of))
    return struct.pack("<QQ", both >> 64, both & (1 << 64) - 1)


def frame(content: bytes, method: int = LZ4) -> bytes:
    """A frame as clickhouse-go writes it."""
    packed = lz4.block.compress(content, store_size=False) if method == LZ4 else content
    rest = struct.pack("<BII", method, 9 + len(packed), len(content)) + packed
    return checksum(rest) + rest


def frames(content: bytes, size: int) -> bytes:
    """Several, each of `size` bytes unpacked; every other one isn't packed."""
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(frame(each, (LZ4, PLAIN)[i % 2]) for i, each in enumerate(pieces))


def opened(body: bytes) -> bytes:
    """What frames hold; their checksums have to be right."""
    content = b""
    while body:
        method, packed, plain = struct.unpack_from("<BII", body, 16)
        end = 16 + packed
        assert len(body) >= end, "cut off"
        assert body[:16] == checksum(body[16:end])
        data = body[25:end]
        if method == LZ4:
            data = lz4.block.decompress(data, uncompressed_size=plain)
        else:
            assert method == PLAIN
        assert len(data) == plain
        content, body = content + data, body[end:]
    return content


@dataclass
class Bytes:
    """Bytes that are read from front to back."""

    left: bytes

    def take(self, count: int) -> bytes:
        assert len(self.left) >= count, "it ends too early"
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def varint(self) -> int:
        number, shift = 0, 0
        while True:
            [byte] = self.take(1)
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    def text(self) -> str:
        return self.take(self.varint()).decode()


def blocks(body: bytes, revision: int = 0) -> Iterator[list[dict[str, Any]]]:
    """The rows of each block of Strings and UInt32s, as a driver of this revision reads it."""
    read = Bytes(body)
    while read.left:
        if revision:
            assert read.take(8) == BLOCK_INFO
        columns, rows = read.varint(), read.varint()
        table: list[dict[str, Any]] = [{} for _ in range(rows)]
        for _ in range(columns):
            name, kind = read.text(), read.text()
            if revision >= 54454:
                assert read.take(1) == b"\0"  # clickhouse-go refuses every other
            for row in table:
                row[name] = _value(read, kind)
        yield table


def _value(read: Bytes, kind: str) -> Any:
    if kind == "UInt32":
        return int.from_bytes(read.take(4), "little")
    assert kind == "String", kind
    return read.text()
