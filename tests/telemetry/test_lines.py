"""Lines of JSON, whatever is in them and whatever becomes of where they are written."""

import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.resources import Resource

from app.telemetry import vocabulary as v
from app.telemetry.kit.console_lines import ConsoleLine
from app.telemetry.kit.lines import Lines, line
from tests.cases import cases

SHOWN: dict[str, str] = {v.MISSING: "without", v.CACHE_OUTCOME: "cache"}
OWN = ("timestamp", "level", "message", "event", "logger", "trace_id", "span_id")
texts = st.text(max_size=20) | st.sampled_from(["\n", "\r\n", '"', "\\", "\u2028", "\0", "é🦉"])
values = texts | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(texts)


def readable(body: Any = "output", attributes: Any = None, **fields: Any) -> ReadableLogRecord:
    """A record outside of any trace."""
    severity = SeverityNumber.INFO
    about: Any = {"timestamp": 1, "severity_text": "INFO", "severity_number": severity}
    record = LogRecord(context=Context(), body=body, attributes=attributes, **(about | fields))
    return ReadableLogRecord(record, Resource({}))


def strict(written: bytes) -> dict[str, Any]:
    """What a parser reads that knows nothing but JSON."""

    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is no JSON")

    emitted: dict[str, Any] = json.loads(written, parse_constant=refuse)
    return emitted


@given(texts | st.dictionaries(texts, texts), st.dictionaries(texts, values, max_size=4))
def test_one_line_of_json_whatever_is_in_it(body: Any, attributes: dict[str, Any]) -> None:
    written = line(readable(body, attributes))
    assert written.endswith(b"\n")
    assert written.count(b"\n") == 1
    assert json.loads(written)["timestamp"] == "1970-01-01T00:00:00.000000+00:00"


@cases(
    ("attributes", "event", "output"),
    [
        (
            {
                "http.request.method": "POST", "http.route": "/recommend",
                "http.response.status_code": 200, "vitrine.request.duration": 0.00312,
                "vitrine.ranking.missing": ("topic_signal",),
            },
            "recommendation.served",
            "POST /recommend 200 3.1 ms without=topic_signal",
        ),
        (
            {
                "http.request.method": "GET", "vitrine.request.duration": 0.0,
                "vitrine.ranking.missing": True, "vitrine.cache.outcome": 3,
            },
            "request.answered",
            "GET (no route) (no response) 0.0 ms without=True cache=3",
        ),
        (
            {"http.request.method": "GET", "vitrine.request.duration": 0.0},
            "request.answered",
            "GET (no route) (no response) 0.0 ms",
        ),
        ({"exception.stacktrace": "one\ntwo"}, "", "a\\?[31mbody\n    one\n    two"),
    ],
)  # fmt: skip
def test_a_line_for_a_person(attributes: dict[str, Any], event: str, output: str) -> None:
    record = readable("a\\\x1b[31mbody", attributes, event_name=event)
    stream = io.BytesIO()
    Lines(stream, ConsoleLine(v.CORE, "http://x/{trace_id}", SHOWN)).export([record])
    clock, level, rest = stream.getvalue().decode().removesuffix("\n").split(maxsplit=2)
    assert (len(clock), level, rest) == (8, "INFO", output)


@given(texts, st.dictionaries(texts, values, max_size=4))
def test_nothing_for_a_terminal_to_obey(body: str, attributes: dict[str, Any]) -> None:
    written = ConsoleLine(v.CORE, "", SHOWN)(readable(body, attributes))
    assert written.decode().removesuffix("\n").isprintable()


@cases("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_json_does_not_know(value: float) -> None:
    assert strict(line(readable(attributes={"number": value})))["message"] == "output"


@cases("value", [object(), b"\xff", {1, 2}, 1 + 1j, ("a", 2)], ids=type)
def test_values_that_json_does_not_know(value: object) -> None:
    assert strict(line(readable(attributes={"odd": value})))["message"] == "output"


def test_nothing_is_shown_of_what_is_not_known() -> None:
    record = readable(None, severity_text=None, event_name="", timestamp=None, observed_timestamp=0)
    assert json.loads(line(record)) == {"timestamp": "1970-01-01T00:00:00.000000+00:00"}


def test_an_attribute_does_not_pass_for_what_the_record_says() -> None:
    pretended = dict.fromkeys(OWN, "pretended")
    emitted = json.loads(line(readable(attributes=pretended)))
    assert (emitted["level"], emitted["message"]) == ("INFO", "output")
    assert emitted["timestamp"] != "pretended"


def test_a_batch_is_written_in_one_go() -> None:
    class Counting(io.BytesIO):
        writes = 0

        def write(self, data: Any) -> int:
            self.writes += 1
            return super().write(data)

    stream = Counting()
    lines = Lines(stream)
    assert lines.export([readable("one"), readable("two")]) is LogRecordExportResult.SUCCESS
    assert lines.force_flush()
    lines.shutdown()
    assert [json.loads(each)["message"] for each in stream.getvalue().splitlines()] == [
        "one",
        "two",
    ]
    assert stream.writes == 1


@cases(
    "record",
    [readable("\ud800"), readable(attributes={"text": "\ud800"}), readable(timestamp=2**63 - 1)],
    ids=["lone surrogate", "lone surrogate in an attribute", "far away"],
)
def test_a_record_that_cannot_be_written_takes_no_other_with_it(record: ReadableLogRecord) -> None:
    stream = io.BytesIO()
    Lines(stream).export([readable("before"), record, readable("after")])
    emitted = [json.loads(each)["message"] for each in stream.getvalue().splitlines()]
    assert {"before", "after"} <= set(emitted)


@cases("error", [BrokenPipeError, OSError, ValueError])
def test_a_stream_that_fails(error: type[Exception]) -> None:
    class Failing(io.BytesIO):
        def write(self, _: Any) -> int:
            raise error

    assert Lines(Failing()).export([readable()]) is LogRecordExportResult.FAILURE


def test_a_stream_that_is_closed() -> None:
    stream = io.BytesIO()
    stream.close()
    assert Lines(stream).export([readable()]) is LogRecordExportResult.FAILURE
