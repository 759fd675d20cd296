"""ClickHouse's own compressed frames.

A frame is a checksum (16 bytes, CityHash128), the method (1 byte), the compressed size including
these nine bytes, the uncompressed size (4 bytes each), and the data. Checksums of incoming frames
are not verified (TCP has done that); outgoing frames have them because clients verify them.
"""

import struct

import lz4.block
from clickhouse_cityhash.cityhash import CityHash128

from observatory.compression import BodyError, TooLarge

CHECKSUM, HEAD = 16, struct.Struct("<BII")
PLAIN, LZ4 = 0x02, 0x82
FRAME = 1 << 20
"""Uncompressed bytes per outgoing frame."""


def decode_frames(body: bytes, most: int) -> bytes:
    """Decompress a sequence of frames; at most `most` bytes.

    Raises:
        BodyError: a frame is truncated or its sizes are wrong.
        TooLarge: the content has more than `most` bytes.

    """
    parts, at, size = [], 0, 0
    while at < len(body):
        if at + CHECKSUM + HEAD.size > len(body):
            raise BodyError("the last frame is truncated")
        method, packed, plain = HEAD.unpack_from(body, at + CHECKSUM)
        size += plain
        if packed < HEAD.size:
            raise BodyError(f"a frame has an invalid size, {packed} bytes")
        if size > most:
            raise TooLarge
        data = body[at + CHECKSUM + HEAD.size : at + CHECKSUM + packed]
        if len(data) != packed - HEAD.size:
            raise BodyError("the last frame is truncated")
        parts.append(_decompress(method, data, plain))
        if len(parts[-1]) != plain:
            raise BodyError(f"a frame has {len(parts[-1])} bytes instead of {plain}")
        at += CHECKSUM + packed
    return b"".join(parts)


def _decompress(method: int, data: bytes, size: int) -> bytes:
    if method == PLAIN:
        return data
    if method != LZ4:
        raise BodyError(
            f"compression method {method:#x} is not supported (set the client to lz4 or none)"
        )
    try:
        return bytes(lz4.block.decompress(data, uncompressed_size=size))
    except lz4.block.LZ4BlockError as error:
        raise BodyError(str(error)) from error


def encode_frames(content: bytes) -> bytes:
    """`content` compressed as LZ4 frames."""
    whole = memoryview(content)
    return b"".join(_frame(whole[at : at + FRAME]) for at in range(0, len(content), FRAME) or (0,))


def _frame(content: memoryview) -> bytes:
    packed: bytes = lz4.block.compress(content, store_size=False)
    framed = HEAD.pack(LZ4, HEAD.size + len(packed), len(content)) + packed
    low, high = divmod(
        CityHash128(framed), 1 << 64
    )  # ClickHouse writes the halves in the other order
    return bytes(struct.pack("<QQ", low, high) + framed)
