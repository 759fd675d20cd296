"""ClickHouse's own compressed frames.

A frame is a checksum (16 bytes), a method, the sizes packed (with these nine bytes)
and unpacked, and the data. What comes in is not checked (TCP did that); clients check what goes
out.
"""

import struct

import lz4.block
from clickhouse_cityhash.cityhash import CityHash128

from observatory.decompression import Damaged, TooLarge

CHECKSUM, HEAD = 16, struct.Struct("<BII")
PLAIN, LZ4 = 0x02, 0x82
FRAME = 1 << 20
"""Bytes of content in one frame that goes out."""


def opened(body: bytes, most: int) -> bytes:
    """What a sequence of ClickHouse's frames holds.

    Raises:
        Damaged, TooLarge

    """
    parts, at, size = [], 0, 0
    while at < len(body):
        if at + CHECKSUM + HEAD.size > len(body):
            raise Damaged("the last frame is cut off")
        method, packed, plain = HEAD.unpack_from(body, at + CHECKSUM)
        size += plain
        if packed < HEAD.size:
            raise Damaged(f"a frame says that it has {packed} bytes")
        if size > most:
            raise TooLarge
        data = body[at + CHECKSUM + HEAD.size : at + CHECKSUM + packed]
        if len(data) != packed - HEAD.size:
            raise Damaged("the last frame is cut off")
        parts.append(_unpacked(method, data, plain))
        if len(parts[-1]) != plain:
            raise Damaged(f"a frame of {len(parts[-1])} bytes says that it has {plain}")
        at += CHECKSUM + packed
    return b"".join(parts)


def _unpacked(method: int, data: bytes, size: int) -> bytes:
    if method == PLAIN:
        return data
    if method != LZ4:
        raise Damaged(
            f"method {method:#x} is neither plain nor LZ4 (set the client to lz4 or none)"
        )
    try:
        return bytes(lz4.block.decompress(data, uncompressed_size=size))
    except lz4.block.LZ4BlockError as error:
        raise Damaged(str(error)) from error


def closed(content: bytes) -> bytes:
    """LZ4 frames that hold `content`."""
    whole = memoryview(content)
    return b"".join(_frame(whole[at : at + FRAME]) for at in range(0, len(content), FRAME) or (0,))


def _frame(content: memoryview) -> bytes:
    packed: bytes = lz4.block.compress(content, store_size=False)
    framed = HEAD.pack(LZ4, HEAD.size + len(packed), len(content)) + packed
    low, high = divmod(CityHash128(framed), 1 << 64)  # the halves come swapped
    return bytes(struct.pack("<QQ", low, high) + framed)
