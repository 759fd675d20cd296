"""What ClickHouse's interface unpacks, and what is too large or damaged."""

import gzip
import zlib

import lz4.frame
import pytest

from observatory.clickhouse_http.application import READER_BYTES, WRITER_BYTES
from observatory.clickhouse_http.request import MAX_QUERY_BYTES
from observatory.compression import compress_zstd
from tests.cases import cases
from tests.observatory.clickhouse_client import TOKEN, ClickHouseClient, basic, code
from tests.observatory.native_frames import PLAIN, frame, opened

BOMB = b"x" * (WRITER_BYTES + 1)
PACKERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "lz4": lz4.frame.compress,
    "zstd": compress_zstd,
}


@cases("size", [READER_BYTES + 1, 4 * READER_BYTES])
def test_a_reader_s_body_has_a_bound(clickhouse: ClickHouseClient, size: int) -> None:
    answer = clickhouse.send(b" " * size)
    assert (answer.status_code, code(answer)) == (413, 307)


def test_a_statement_has_a_bound(clickhouse: ClickHouseClient) -> None:
    longest = b"SELECT 1" + b" " * (MAX_QUERY_BYTES - 8)
    assert clickhouse.send(longest).text == "1\n"
    for answer in (
        clickhouse.send(longest + b" "),
        clickhouse.send_authorized(longest + b" "),
    ):
        assert (answer.status_code, code(answer)) == (413, 307)


@cases("encoding", PACKERS)
def test_a_body_may_be_packed(clickhouse: ClickHouseClient, encoding: str) -> None:
    for name in (encoding, encoding.upper()):
        answer = clickhouse.send(PACKERS[encoding](b"SELECT 1"), {"Content-Encoding": name})
        assert answer.text == "1\n"


@pytest.mark.lasting
@cases("encoding", PACKERS)
def test_a_bomb_is_not_unpacked(clickhouse: ClickHouseClient, encoding: str) -> None:
    packed = {"Content-Encoding": encoding}
    bomb = PACKERS[encoding](BOMB)
    for headers in (packed, packed | basic(TOKEN)):
        answer = clickhouse.send(bomb, headers)
        assert (answer.status_code, code(answer)) == (413, 307)


@cases("encoding", PACKERS)
def test_a_damaged_body_is_reported(clickhouse: ClickHouseClient, encoding: str) -> None:
    good = PACKERS[encoding](b"SELECT 1")
    for bad in (good[:-1], good[:5], b"SELECT 1", good + b"more"):
        answer = clickhouse.send(bad, {"Content-Encoding": encoding})
        assert (answer.status_code, code(answer)) == (400, 271), bad


@cases("encoding", ["br", "gzip, gzip", "nonsense"])
def test_an_unknown_packing_is_reported(clickhouse: ClickHouseClient, encoding: str) -> None:
    answer = clickhouse.send(b"SELECT 1", {"Content-Encoding": encoding})
    assert (answer.status_code, code(answer)) == (415, 73)


def test_the_answer_is_framed_where_asked(clickhouse: ClickHouseClient) -> None:
    assert opened(clickhouse.send("SELECT 1", compress="1").content) == b"1\n"
    failed = clickhouse.send("SELECT nonsense", compress="1")
    assert (failed.status_code, b"UNKNOWN_IDENTIFIER" in opened(failed.content)) == (404, True)


def test_a_framed_statement_is_read(clickhouse: ClickHouseClient) -> None:
    whole = frame(b"SELECT ") + frame(b"1", PLAIN)
    assert clickhouse.send(whole, decompress="1").text == "1\n"
    gzipped = gzip.compress(whole)
    assert clickhouse.send(gzipped, {"Content-Encoding": "gzip"}, decompress="1").text == "1\n"


GOOD = frame(b"SELECT 1")


@cases(
    ("damaged", "status"),
    [
        (GOOD[:-1], 400),
        (GOOD[:20], 400),
        (frame(b"SELECT 1", PLAIN)[:-1], 400),
        (GOOD + b"x", 400),
        (GOOD[:16] + b"\x90" + GOOD[17:], 400),
        (GOOD[:17] + b"\x00\x00\x00\x00" + GOOD[21:], 400),
        (GOOD[:17] + b"\xff\xff\xff\xff" + GOOD[21:], 400),
        (GOOD[:21] + b"\xff\xff\xff\xff" + GOOD[25:], 413),
        (GOOD[:21] + b"\x01\x00\x00\x00" + GOOD[25:], 400),
        (GOOD[:25] + b"\xff" * (len(GOOD) - 25), 400),
        (frame(BOMB[: READER_BYTES + 1]), 413),
        (frame(BOMB[: READER_BYTES // 2 + 1]) * 2, 413),
    ],
)
def test_damaged_frames_are_reported(
    clickhouse: ClickHouseClient, damaged: bytes, status: int
) -> None:
    answer = clickhouse.send(damaged, decompress="1")
    assert (answer.status_code, code(answer)) == (status, 271 if status == 400 else 307)
