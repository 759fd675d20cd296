"""Bodies in gzip, deflate, LZ4 and Zstandard: decompression up to a size limit; compression."""

import sys
import zlib
from collections.abc import Callable
from typing import Any

import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP, DEFLATE = 31, 15
"""zlib's `wbits` of the two formats."""
MAX_MEMBERS = 256
"""Members or frames per body; each costs a copy of the remaining bytes."""


class BodyError(Exception):
    """A body that is incomplete or not in the declared format; the message is the reason."""


class TooLarge(Exception):
    """A body is larger than the limit."""


def inflate(body: bytes, kind: int, most: int) -> bytes:
    """Decompress a gzip (one or more members) or deflate body; at most `most` bytes.

    Raises BodyError or TooLarge.
    """
    return _decompress(body, lambda: zlib.decompressobj(wbits=kind), most)


def decompress_lz4(body: bytes, most: int) -> bytes:
    """Decompress one or more LZ4 frames; at most `most` bytes.

    Raises BodyError or TooLarge.
    """
    return _decompress(body, lz4.frame.LZ4FrameDecompressor, most)


def decompress_zstd(body: bytes, most: int) -> bytes:
    """Decompress one or more Zstandard frames; at most `most` bytes.

    Raises BodyError or TooLarge.
    """
    return _decompress(body, zstd.ZstdDecompressor, most)


def compress_zstd(body: bytes) -> bytes:
    """One Zstandard frame."""
    return zstd.compress(body)


def _decompress(body: bytes, decompressor: Callable[[], Any], most: int) -> bytes:
    parts: list[bytes] = []
    remaining = most
    while body:
        if len(parts) == MAX_MEMBERS:
            raise BodyError("it has too many members")
        unpack = decompressor()
        try:
            parts.append(unpack.decompress(body, remaining + 1))
        except (zlib.error, zstd.ZstdError, RuntimeError) as error:
            raise BodyError(str(error)) from error
        remaining -= len(parts[-1])
        if remaining < 0:
            raise TooLarge
        if not unpack.eof:
            raise BodyError("it is truncated")
        body = unpack.unused_data or b""
    return b"".join(parts)
