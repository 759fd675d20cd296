"""Time and memory limits of a reader's query, through every interface."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cases import cases
from tests.observatory.clickhouse_client import MEGABYTE, ClickHouseClient, code
from tests.observatory.observatory_process import Observatory
from tests.waiting import until

LONG = "a" * 50


@pytest.mark.lasting
def test_a_query_has_a_time_limit(tmp_path: Path) -> None:
    with (
        Observatory(tmp_path, query_seconds=2) as observatory,
        httpx.Client(base_url=observatory.clickhouse) as client,
    ):
        for sql in (
            "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)",
            "SELECT count() FROM system.numbers WHERE NOT ignore(number)",
        ):
            answer = client.post("/", content=sql)
            assert (answer.status_code, code(answer)) == (408, 159), answer.text[:300]
        until(lambda: client.post("/", content="SELECT 1").text == "1\n")


@cases(
    ("sql", "expected"),
    [
        ("SELECT groupArray(number) FROM numbers(1000000000)", {241}),
        ("SELECT number, number FROM numbers(1000000000000)", {396}),
        ("SELECT * FROM numbers(1000000000000) ORDER BY sipHash64(number)", {241}),
        ("SELECT repeat('x', 1000000) FROM numbers(100000)", {241, 396}),
        ("SELECT arrayJoin(range(500000000))", {241, 69}),
    ],
)
@pytest.mark.lasting
def test_a_query_has_a_memory_and_a_size_limit(
    clickhouse: ClickHouseClient, sql: str, expected: set[int]
) -> None:
    answer = clickhouse.send(sql)
    assert code(answer) in expected, answer.text[:300]
    assert answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR
    assert clickhouse.send("SELECT 1").text == "1\n"


@cases(
    "sql",
    [
        f"SELECT materialize(toUInt8(1)) AS {LONG} FROM numbers(60000000) FORMAT JSONEachRow",
        "SELECT 1, 2, 3, 4, 5, 6, 7, 8 FROM numbers(60000000) FORMAT JSONEachRow",
        f"SELECT materialize(toUInt8(1)) AS {LONG} FROM numbers(60000000) FORMAT XML",
    ],
)
def test_a_result_has_bounds_as_it_is_written(clickhouse: ClickHouseClient, sql: str) -> None:
    """A narrow column grows manifold in a wordy format."""
    with growing(clickhouse, 700 * MEGABYTE):
        assert code(clickhouse.send(sql)) in (241, 396)


def test_what_begins_like_an_insert_is_not_searched_through_whole(
    clickhouse: ClickHouseClient,
) -> None:
    with growing(clickhouse, 150 * MEGABYTE):
        answer = clickhouse.send_authorized(b"INSERT INTO x " + b"x" * (8 * MEGABYTE))
    assert (answer.status_code, code(answer)) == (413, 307)


@contextmanager
def growing(clickhouse: ClickHouseClient, most: int) -> Iterator[None]:
    """Meanwhile the observatory takes at most this many bytes more than it has."""
    process = Path(f"/proc/{clickhouse.observatory.process.pid}")
    if not (process / "clear_refs").exists():
        pytest.skip("needs Linux")
    before = _kilobytes(process, "VmRSS")
    (process / "clear_refs").write_text("5")  # resets the high-water mark
    yield
    assert (_kilobytes(process, "VmHWM") - before) << 10 < most


def _kilobytes(process: Path, name: str) -> int:
    [line] = [line for line in (process / "status").read_text().splitlines() if name in line]
    return int(line.split()[1])


@pytest.mark.lasting
@cases("opening", ["(", "[", "SELECT (", "CASE WHEN ", "NOT ", "1 + ", "f("])
def test_deep_statements_are_refused(clickhouse: ClickHouseClient, opening: str) -> None:
    answer = clickhouse.send(f"SELECT {opening * 20000}")
    assert answer.status_code >= 400
    assert code(answer) > 0
    assert clickhouse.send("SELECT 1").text == "1\n"
