"""Rows as layouts take them, and as the engine should return them."""

import struct
from typing import Any

from observatory.store.native_format import Pairs, text


def encoded(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row as layouts take it."""
    *simple, texts, maps, floats, integers, times = row
    name, low, pairs, *numbers = simple
    return (
        text(name),
        text(low),
        as_pairs(pairs),
        *numbers,
        [text(each) for each in texts],
        [as_pairs(each) for each in maps],
        floats,
        integers,
        times,
    )


def as_pairs(items: list[tuple[bytes, bytes]]) -> Pairs:
    keys, values = (b"".join(text(item[side]) for item in items) for side in (0, 1))
    return Pairs(len(items), keys, values)


def expected(row: tuple[Any, ...]) -> list[Any]:
    """What `PLAIN` makes of a row."""
    name, low, pairs, time, number, *integers, texts, maps, floats, longs, times = row
    return [
        mended(name),
        mended(low),
        *sides(pairs),
        time,
        bits(number),
        *integers,
        [mended(each) for each in texts],
        *([sides(each)[side] for each in maps] for side in (0, 1)),
        [bits(each) for each in floats],
        longs,
        times,
    ]


def sides(items: list[tuple[bytes, bytes]]) -> tuple[list[str], list[str]]:
    return [mended(key) for key, _ in items], [mended(value) for _, value in items]


def mended(value: bytes) -> str:
    return value.decode(errors="replace").encode().hex().upper()


def bits(number: float) -> int:
    return int.from_bytes(struct.pack("<d", number), "little")
