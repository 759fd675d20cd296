"""Packed bodies, unpacked no further than they may be large."""

import zlib
from collections.abc import Callable
from typing import Any

import lz4.frame
from backports import zstd

GZIP, DEFLATE = 31, 15
"""How zlib names the formats (`wbits`)."""
MOST_MEMBERS = 256
"""Of one body: each is looked for behind a copy of the rest."""


class Damaged(Exception):
    """It is not what it says; says why."""


class TooLarge(Exception):
    """It holds more than it may."""


def inflated(body: bytes, kind: int, most: int) -> bytes:
    """A gzip (of one or more members) or deflate body of at most `most` bytes.

    Raises Damaged or TooLarge.
    """
    return _unpacked(body, lambda: zlib.decompressobj(wbits=kind), most)


def unlz4(body: bytes, most: int) -> bytes:
    """A body of one or more LZ4 frames, of at most `most` bytes.

    Raises Damaged or TooLarge.
    """
    return _unpacked(body, lz4.frame.LZ4FrameDecompressor, most)


def unzstd(body: bytes, most: int) -> bytes:
    """A body of one or more Zstandard frames, of at most `most` bytes.

    Raises Damaged or TooLarge.
    """
    return _unpacked(body, zstd.ZstdDecompressor, most)


def _unpacked(body: bytes, unpacker: Callable[[], Any], most: int) -> bytes:
    parts: list[bytes] = []
    room = most
    while body:
        if len(parts) == MOST_MEMBERS:
            raise Damaged("it has too many members")
        unpack = unpacker()
        try:
            parts.append(unpack.decompress(body, room + 1))
        except (zlib.error, zstd.ZstdError, RuntimeError) as error:
            raise Damaged(str(error)) from error
        room -= len(parts[-1])
        if room < 0:
            raise TooLarge
        if not unpack.eof:
            raise Damaged("it ends too early")
        body = unpack.unused_data or b""
    return b"".join(parts)
