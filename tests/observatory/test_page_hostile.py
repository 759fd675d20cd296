"""Whatever telemetry says is data: it is returned as it is, or cut, and does no harm."""

import json
from typing import Any

import pytest

from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import (
    HOUR,
    MS,
    RECENT,
    SECOND,
    Part,
    StoredTelemetry,
    record,
    root,
    trace_id,
)

TEXTS = [
    "<img src=x onerror=alert(1)> </script><script>alert(1)</script> {{x}} {x:String} ${x} %s %00",
    "nul\0 bell\a escape\x1b[31m tab\tline\nreturn\r back\\slash \\N \\t 'one' \"two\" `grave`",
    "'; DROP TABLE otel.otel_traces; -- invoice\u202egpj.exe\u2066 👩‍👩‍👧 \ufeff \u2028 \U0010ffff",
    "null",
    "1e999",
]


def stored_by_another(stored: StoredTelemetry, **columns: str) -> None:
    """A row with these values, SQL expressions, as something else than our receiver stores it."""
    usual = {
        "Timestamp": f"fromUnixTimestamp64Nano({RECENT})",
        "TraceId": f"'{trace_id(1)}'",
        "SpanId": "'1'",
        "SpanKind": "'Server'",
        "SpanName": "'x'",
    }
    row = usual | columns
    stored.engine.run(
        f"INSERT INTO otel.otel_traces ({', '.join(row)}) SELECT {', '.join(row.values())}"
    )


@pytest.mark.parametrize("text", TEXTS)
def test_what_a_trace_says(page: Page, stored: StoredTelemetry, text: str) -> None:
    stored.trace(
        1, RECENT, root(name=text, service=text, has={text: text, "http.route": text}), Part(2, 1)
    )
    stored.logs([record(text, RECENT, trace=1, span=1)], **{text: text})

    [listed] = page.get("traces")["traces"]
    assert (listed["name"], listed["route"], listed["service"]) == (text, text, text)
    trace = page.get(f"traces/{trace_id(1)}")
    assert trace["resources"][0]["service.name"] == text
    span = next(span for span in trace["spans"] if not span["depth"])
    assert span["attributes"][text] == span["name"] == span["service"] == text
    assert trace["logs"][0]["body"] == text
    assert page.get("logs")["logs"][0]["resource"][text] == text
    assert page.get("charts")["exemplars"][0]["name"] == text
    facets = page.get("facets")
    assert text in facets["services"]
    assert text in facets["keys"]
    assert facets["routes"] == [text]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_asked_for(page: Page, stored: StoredTelemetry, text: str) -> None:
    stored.trace(1, RECENT, root(name=text, service=text, has={text: text, "http.route": text}))
    stored.trace(2, RECENT, root())
    stored.logs([record(f"before {text} after", RECENT), record("other", RECENT)])

    for filters in (
        {"service": text},
        {"route": text},
        {"attr": f"http.route={text}"},
        {"attr": f"http.route~{text}"},
        {"attr": f"name={text}"},
        {"attr": f"resource.service.name={text}"},
    ):
        assert page.ids(**filters) == [1], filters
    assert page.get("facets/values", key="http.route")["values"] == [
        {"value": value, "count": 1} for value in sorted([text, "/recommend"])
    ]
    if not set("=~!") & set(text):
        assert page.ids(attr=text) == [1]
        assert page.get("facets/values", key=text)["values"] == [{"value": text, "count": 1}]
    assert [each["body"] for each in page.get("logs", q=text.split(maxsplit=1)[0])["logs"]] == [
        f"before {text} after"
    ]


def test_bytes_that_are_no_text(page: Page, stored: StoredTelemetry) -> None:
    bad = "unhex('66ff00eda08067')"
    stored_by_another(
        stored,
        SpanName=bad,
        ServiceName=bad,
        StatusMessage=bad,
        SpanAttributes=f"map({bad}, {bad}, 'http.route', {bad})",
        **{
            "Events.Name": f"[{bad}]",
            "Events.Timestamp": "[now64(9)]",
            "Events.Attributes": "[map()]",
        },
    )
    for path in (
        "traces",
        f"traces/{trace_id(1)}",
        f"traces/{trace_id(1)}/raw",
        "charts",
        "facets",
    ):
        text = json.dumps(page.get(path), ensure_ascii=False)
        text.encode()
    [listed] = page.get("traces")["traces"]
    assert listed["name"].startswith("f\ufffd")
    assert listed["name"].endswith("g")
    assert page.sql(f"SELECT {bad} AS x")["rows"][0][0].startswith("f\ufffd")


@pytest.mark.parametrize("output", ["", "a'b\\c <b> ÄÖ", "1" * 64])
def test_ids_that_are_none(page: Page, stored: StoredTelemetry, output: str) -> None:
    stored.trace(1, RECENT - 1, root())
    for number in range(3):
        stored.engine.run(
            "INSERT INTO otel.otel_traces (Timestamp, TraceId, SpanId, SpanName) "
            "SELECT fromUnixTimestamp64Nano({at:Int64}), concat({id:String}, {n:String}), 'x', 'y'",
            at=RECENT,
            id=output,
            n=str(number) if output else "",
        )
    pages = list(page.pages("traces", "traces", limit=1))
    ids = [each["trace_id"] for [each] in pages]
    # Of a span that is of no trace nothing is known but itself.
    expected = [f"{output}{number}" for number in (2, 1, 0)] if output else []
    assert ids == [*expected, trace_id(1)]


@pytest.mark.parametrize(
    ("start", "length"),
    [
        (0, 2**63),
        (0, 2**64 - 1 - RECENT),
        (-9999 * HOUR, 0),
        (4_102_444_800 * SECOND - RECENT, 2**61),
    ],
)
def test_times_without_sense(page: Page, stored: StoredTelemetry, start: int, length: int) -> None:
    stored.trace(1, RECENT, root(), Part(2, 1))
    length = min(length, 2**64 - 1 - RECENT - start)
    stored.trace(1, RECENT, Part(3, 1, start=start, length=length), Part(4, 99, start=start))
    trace = page.get(f"traces/{trace_id(1)}")
    assert len(trace["spans"]) == 4
    assert sum(each["length"] for each in trace["critical_path"]) == 10 * MS
    assert page.ids() == [1]


def test_a_service_of_a_thousand_names(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(1, RECENT, root(), *(Part(n, 1, service=f"s{n:04}") for n in range(2, 1002)))
    [listed] = page.get("traces")["traces"]
    assert len(listed["services"]) == 50
    trace: dict[str, Any] = page.get(f"traces/{trace_id(1)}")
    assert len(trace["services"]) == 1001
    assert len(page.get("facets")["services"]) == 200
