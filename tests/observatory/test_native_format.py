"""Blocks in ClickHouse's Native format make the round trip through the engine."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from observatory.store import native_format
from observatory.store.engine import Engine
from observatory.store.native_format import MAX_TEXT_BYTES, Layout, text
from tests.cases import cases
from tests.observatory.native_rows import encoded, expected

TABLE = "scratch.natives"
INTEGERS = {"UInt64": (0, 2**64 - 1), "UInt32": (0, 2**32 - 1), "UInt8": (0, 255)} | {
    "Int32": (-(2**31), 2**31 - 1)
}
LAYOUT = Layout(
    TABLE,
    (
        native_format.string("s"),
        native_format.string("low"),
        native_format.attributes("m"),
        native_format.timestamp("t"),
        native_format.number("f", "Float64"),
        *(native_format.number(kind, kind) for kind in INTEGERS),
        native_format.array_of(native_format.string("ss")),
        native_format.array_of(native_format.attributes("ms")),
        native_format.array_of(native_format.number("fs", "Float64")),
        native_format.array_of(native_format.number("us", "UInt64")),
        native_format.array_of(native_format.timestamp("ts")),
    ),
)
COLUMNS = (
    "s String, low LowCardinality(String), m Map(LowCardinality(String), String), "
    "t DateTime64(9), f Float64, UInt64 UInt64, UInt32 UInt32, UInt8 UInt8, Int32 Int32, "
    "ss Array(LowCardinality(String)), ms Array(Map(LowCardinality(String), String)), "
    "fs Array(Float64), us Array(UInt64), ts Array(DateTime64(9))"
)
PLAIN = (
    "hex(s), hex(low), arrayMap(k -> hex(k), mapKeys(m)), arrayMap(v -> hex(v), mapValues(m)), "
    "toUnixTimestamp64Nano(t), reinterpretAsUInt64(f), UInt64, UInt32, UInt8, Int32, "
    "arrayMap(x -> hex(x), ss), arrayMap(x -> arrayMap(k -> hex(k), mapKeys(x)), ms), "
    "arrayMap(x -> arrayMap(v -> hex(v), mapValues(x)), ms), "
    "arrayMap(x -> reinterpretAsUInt64(x), fs), us, arrayMap(x -> toUnixTimestamp64Nano(x), ts)"
)
"""Every value as hexadecimal digits or an integer, in which JSON loses nothing."""

somewhat_utf8 = st.binary(max_size=12) | st.text(max_size=12).map(
    lambda output: output.encode(errors="surrogatepass")
)
several = st.lists(st.tuples(somewhat_utf8, somewhat_utf8), max_size=4)
moments = st.integers(0, 2**63 - 1)
rows = st.lists(
    st.tuples(
        somewhat_utf8,
        somewhat_utf8,
        several,
        moments,
        st.floats(),
        *(st.integers(*bounds) for bounds in INTEGERS.values()),
        st.lists(somewhat_utf8, max_size=4),
        st.lists(several, max_size=3),
        st.lists(st.floats(), max_size=4),
        st.lists(st.integers(0, 2**64 - 1), max_size=4),
        st.lists(moments, max_size=4),
    ),
    min_size=1,
    max_size=6,
)
EMPTY: tuple[Any, ...] = (b"", b"", [], 0, 0.0, 0, 0, 0, 0, [], [], [], [], [])
NUL: tuple[Any, ...] = (
    b"\0",
    b"\0",
    [(b"\0", b"")] * 2,
    0,
    -0.0,
    0,
    0,
    0,
    0,
    [b"", b"\0"],
    [[], []],
    [],
    [],
    [0],
)


@pytest.fixture(scope="module")
def scratch(engine: Engine) -> Iterator[Engine]:
    """The engine with a table of every kind of column."""
    engine.run(f"CREATE DATABASE scratch; CREATE TABLE {TABLE} ({COLUMNS}) ENGINE = Memory")
    yield engine
    engine.run("DROP DATABASE scratch")


@pytest.mark.lasting
@settings(max_examples=60)
@given(rows)
@example([EMPTY])
@example([EMPTY, NUL, EMPTY])
def test_what_goes_in_comes_out(scratch: Engine, given_rows: list[tuple[Any, ...]]) -> None:
    scratch.run(f"TRUNCATE TABLE {TABLE}")
    scratch.insert(LAYOUT.insert, [LAYOUT.block([encoded(row) for row in given_rows])])
    assert stored(scratch) == [expected(row) for row in given_rows]


@given(st.lists(rows, min_size=2, max_size=4))
@settings(max_examples=10)
def test_blocks_of_several_senders_go_in_together(
    scratch: Engine, blocks: list[list[tuple[Any, ...]]]
) -> None:
    scratch.run(f"TRUNCATE TABLE {TABLE}")
    packed = (LAYOUT.block([encoded(row) for row in block]) for block in blocks)
    scratch.insert(LAYOUT.insert, packed)
    wanted = [expected(row) for block in blocks for row in block]
    assert sorted(stored(scratch)) == sorted(wanted)


@cases("length", [0, 1, 127, 128, 16_383, 16_384, MAX_TEXT_BYTES])
def test_texts_of_any_length_up_to_the_longest_stay_whole(scratch: Engine, length: int) -> None:
    value = b"x" * length
    scratch.run(f"TRUNCATE TABLE {TABLE}")
    scratch.insert(LAYOUT.insert, [LAYOUT.block([encoded((value, *EMPTY[1:]))])])
    assert scratch.run(f"SELECT s = repeat('x', {length}) FROM {TABLE}") == b"1\n"


@given(st.binary(min_size=1, max_size=9), st.integers(-9, 9))
@settings(max_examples=60)
@example(b"\xff", 0)
@example("é".encode(), 1)
@example("🙈".encode(), 3)
def test_a_text_is_valid_and_no_longer_than_the_longest(part: bytes, more: int) -> None:
    kept = value_of(text((part * MAX_TEXT_BYTES)[: MAX_TEXT_BYTES + more]))
    assert len(kept) <= MAX_TEXT_BYTES
    kept.decode()


@cases(
    "value",
    [
        b"x" * (MAX_TEXT_BYTES + 1),
        "é".encode() * MAX_TEXT_BYTES,
        b"\xff" * (MAX_TEXT_BYTES + 1),
        b"\xff" * MAX_TEXT_BYTES,
    ],
    ids=["ascii", "utf-8", "none", "grows by mending"],
)
def test_a_text_that_is_cut_says_how_long_it_was(value: bytes) -> None:
    kept = value_of(text(value)).decode()
    beginning = value[:300].decode(errors="replace")[:100]
    assert kept.startswith(beginning)
    assert kept.endswith(f"… (cut, {len(value):,} bytes)")


def value_of(encoded_text: bytes) -> bytes:
    """Without the length before it."""
    head = next(at for at, byte in enumerate(encoded_text) if byte < 128) + 1
    return encoded_text[head:]


def stored(engine: Engine) -> list[list[Any]]:
    printed = engine.run(
        f"SELECT {PLAIN} FROM {TABLE} "
        "SETTINGS output_format_json_quote_64bit_integers = 0 FORMAT JSONCompactEachRow"
    )
    return [json.loads(line) for line in printed.splitlines()]
