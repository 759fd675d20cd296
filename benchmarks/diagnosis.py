"""How long a diagnosis takes over a million spans, on the embedded engine with the page's limits.

    python -m benchmarks.diagnosis [--spans 1000000] [--folder FOLDER]

Records a drill (a minute and a half), or takes the telemetry in a folder of the observatory. Its
spans and log records are repeated with ids of their own; half of them are in the baseline.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from benchmarks.drills.record import Lane
from benchmarks.report import report
from observatory.compare.parameters import as_text
from observatory.compare.sources import Query, Rows, Value
from observatory.composition import PAGE_QUERY_BYTES, PAGE_QUERY_ROWS
from observatory.diagnose.diagnosis import diagnose
from observatory.diagnose.windows import Windows
from observatory.query.reader import Limits, Reader
from observatory.settings import ObservatorySettings
from observatory.store.engine import Engine, Escaped
from observatory.store.schema import prepare

FAULT, SECONDS, RATE = "wikipedia-500", 25, 8
REPEATS, AT_ONCE = 5, 2
_WINDOW = """
SELECT toUnixTimestamp64Nano(min(Timestamp)) AS base, toUnixTimestamp64Nano(max(Timestamp)) AS last,
    toUnixTimestamp64Nano(quantileExact(0.5)(Timestamp)) AS start, count() AS spans
FROM otel.otel_traces
"""
_IDS = """
    lower(hex(sipHash128(TraceId, n))) AS TraceId,
    if(SpanId = '', '', lower(hex(sipHash64(SpanId, n)))) AS SpanId
"""
_PARENT = ", if(ParentSpanId = '', '', lower(hex(sipHash64(ParentSpanId, n)))) AS ParentSpanId"
_REPEAT = """
INSERT INTO otel.{table} SELECT * EXCEPT n REPLACE ({ids})
FROM otel.recorded_{table} ARRAY JOIN range({begin}, {end}) AS n
SETTINGS max_threads = 1, max_block_size = 4096
"""


def rows(engine: Engine, sql: str) -> list[dict[str, Any]]:
    """The rows of a statement."""
    settings = {"output_format_json_quote_64bit_integers": 0}
    lines = engine.write(sql, "JSONEachRow", {}, settings=settings).content.splitlines()
    return [json.loads(line) for line in lines]


def multiply(engine: Engine, spans: int) -> Mapping[str, int]:
    """Repeat the rows until there are as many spans; the times of the recorded ones."""
    [found] = rows(engine, _WINDOW)
    times = spans // found["spans"] + 1
    for table in ("otel_traces", "otel_logs"):
        engine.run(
            f"CREATE TABLE otel.recorded_{table} ENGINE = Memory AS SELECT * FROM otel.{table}"
        )
        ids = _IDS + (_PARENT if table == "otel_traces" else "")
        for begin in range(1, times, AT_ONCE):
            end = min(begin + AT_ONCE, times)
            engine.run(_REPEAT.format(table=table, ids=ids, begin=begin, end=end))
        engine.run(f"DROP TABLE otel.recorded_{table}")
    return found


def reader_query(engine: Engine, settings: ObservatorySettings) -> Query:
    """Statements with the limits of the page."""
    limits = Limits(
        settings.query_seconds, settings.query_bytes, PAGE_QUERY_ROWS, result_bytes=PAGE_QUERY_BYTES
    )
    reader = Reader(engine, limits)

    def query(sql: str, values: Mapping[str, Value]) -> Rows:
        texts = {
            name: value if isinstance(value, str | int) else Escaped(as_text(value))
            for name, value in values.items()
        }
        return [json.loads(line) for line in reader.query(sql, "JSONEachRow", texts).splitlines()]

    return query


def measure(folder: Path, spans: int) -> Mapping[str, object]:
    """Multiply the telemetry in the folder, and diagnose it."""
    settings = ObservatorySettings(data=folder)
    with closing(Engine(folder, settings.memory_bytes)) as engine:
        prepare(engine, 24 * 365 * 20, 20 << 30)
        times = multiply(engine, spans)
        windows = Windows(
            reader_query(engine, settings), times["base"], times["start"], times["last"] + 1
        )
        [stored] = rows(engine, "SELECT count() AS n FROM otel.otel_traces")
        [logs] = rows(engine, "SELECT count() AS n FROM otel.otel_logs")
        took, busy = [], []
        child = psutil.Process().children(recursive=True)
        for _ in range(REPEATS):
            before, began = sum(sum(each.cpu_times()[:2]) for each in child), time.perf_counter()
            found = diagnose(windows)
            took.append(time.perf_counter() - began)
            busy.append(sum(sum(each.cpu_times()[:2]) for each in child) - before)
    return {
        "spans": stored["n"],
        "log records": logs["n"],
        "suspects": len(found.suspects),
        "fastest s": min(took),
        "slowest s": max(took),
        "CPU s": min(busy),
    }


def main() -> None:
    """Record, multiply, measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="data folder of an observatory; it is copied")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "copy"
        if given.folder is None:
            (lane := Path(temporary) / "lane").mkdir()
            with closing(Lane(lane, RATE)) as running:
                running.drill(FAULT, 1, SECONDS)
            given.folder = lane / "observatory"
        shutil.copytree(given.folder, folder, symlinks=True)
        found = measure(folder, given.spans)
    report("diagnosis", "A diagnosis over all of these, in one window and its baseline", [found])


if __name__ == "__main__":
    main()
