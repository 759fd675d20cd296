"""Packed bodies, unpacked no further than they may be large."""

import zlib

import lz4.frame

GZIP, DEFLATE = 31, 15
"""How zlib names the formats (`wbits`)."""
MOST_MEMBERS = 64
"""Of a gzip body: each is looked for behind a copy of the rest."""


class Damaged(Exception):
    """It is not what it says; says why."""


class TooLarge(Exception):
    """It holds more than it may."""


def inflated(body: bytes, kind: int, most: int) -> bytes:
    """A gzip (of one or more members) or deflate body of at most `most` bytes.

    Raises:
        Damaged, TooLarge

    """
    parts: list[bytes] = []
    room = most
    while body:
        if len(parts) == MOST_MEMBERS:
            raise Damaged("it has too many members")
        unpack = zlib.decompressobj(wbits=kind)
        try:
            parts.append(unpack.decompress(body, room + 1))
        except zlib.error as error:
            raise Damaged(str(error)) from error
        room -= len(parts[-1])
        if room < 0:
            raise TooLarge
        if not unpack.eof:
            raise Damaged("it ends too early")
        body = unpack.unused_data
    return b"".join(parts)


def unlz4(body: bytes, most: int) -> bytes:
    """What an LZ4 frame holds.

    Raises:
        Damaged, TooLarge

    """
    unpack = lz4.frame.LZ4FrameDecompressor()
    try:
        plain = unpack.decompress(body, max_length=most + 1)
    except RuntimeError as error:
        raise Damaged(str(error)) from error
    if len(plain) > most:
        raise TooLarge
    if not unpack.eof:
        raise Damaged("it ends too early")
    return bytes(plain)
