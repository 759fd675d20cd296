"""The tools: over MCP with the official client, as commands, and the size of their answers."""

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from time import time_ns
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from typer.testing import CliRunner

from observatory.cli import cli
from observatory.tools.answers import SpanShown
from observatory.tools.bounded import MAX_BYTES, bounded
from observatory.tools.client import Client, ToolFailure
from observatory.tools.mcp_server import NAMES
from observatory.tools.tools import MAX_SPANS, Tools, _most_telling, _range
from tests.observatory.messages import attributes, log, request, span
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import http
from tests.observatory.stored_telemetry import SERVER
from tests.processes import ROOT
from tests.telemetry.receiver import refused_port
from tests.waiting import TIMEOUT

TRACE, ROOT_SPAN, CHILD = (bytes([each]) * 16 for each in (1, 2, 3))
MS = 10**6


def store(observatory: Observatory) -> None:
    """A trace of 10 ms that waits 8 ms for a child that fails, and a log record of it."""
    begin = time_ns() - 1000 * MS
    ids: dict[str, Any] = {"trace_id": TRACE}
    root = span(
        "GET /recommend",
        **ids,
        span_id=ROOT_SPAN[:8],
        kind=SERVER,
        start_time_unix_nano=begin,
        end_time_unix_nano=begin + 10 * MS,
        attributes=attributes({"http.route": "/recommend", "long": "x" * 10_000}),
    )
    child = span(
        "fetch",
        **ids,
        span_id=CHILD[:8],
        parent_span_id=ROOT_SPAN[:8],
        start_time_unix_nano=begin + MS,
        end_time_unix_nano=begin + 9 * MS,
    )
    said = log("the circuit opened", **ids, span_id=CHILD[:8], time_unix_nano=begin)
    assert http(observatory, "traces", request("traces", [root, child])).code == 200
    assert http(observatory, "logs", request("logs", [said])).code == 200


async def ask(url: str, questions: list[tuple[str, dict[str, Any]]]) -> tuple[set[str], list[Any]]:
    """The names of the tools, and the results of calls."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "observatory", "mcp", "--url", url], cwd=ROOT
    )
    async with (
        stdio_client(server) as streams,
        ClientSession(streams[0], streams[1], timedelta(seconds=TIMEOUT)) as session,
    ):
        await session.initialize()
        tools = (await session.list_tools()).tools
        assert all(tool.annotations and tool.annotations.readOnlyHint for tool in tools)
        assert all(tool.outputSchema and tool.description for tool in tools)
        return {tool.name for tool in tools}, [
            await session.call_tool(name, given) for name, given in questions
        ]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of asyncio
@pytest.mark.lasting
def test_an_assistant_and_a_script_get_the_same_answers(tmp_path: Path) -> None:
    questions = [
        ("traces", {"since": "10m", "route": "/recommend"}),
        ("trace", {"trace_id": TRACE.hex()}),
        ("logs", {"words": "circuit"}),
        ("sql", {"query": "SELECT count() AS spans FROM spans"}),
        ("compare", {"requests": "status=ok&last=600"}),
        ("sql", {"query": "INSERT INTO otel.otel_logs (Body) VALUES ('x')"}),
        ("sql", {"query": "SELECT * FROM file('/etc/passwd')"}),
        ("traces", {"since": "yesterday"}),
    ]
    with Observatory(tmp_path) as observatory:
        store(observatory)
        names, results = asyncio.run(ask(observatory.page, questions))
        command = ["trace", TRACE.hex(), "--url", observatory.page]
        as_json, as_table = (
            CliRunner().invoke(cli, [*command, *more], env={"OBSERVATORY_DATA": str(tmp_path)})
            for more in (["--json"], [])
        )
    assert names == set(NAMES)
    traces, trace, logs, counted, compared, *refused = results
    [found] = traces.structuredContent["traces"]
    assert found["url"] == f"{observatory.page}/trace/{TRACE.hex()}"
    assert (found["duration_ms"], found["spans"]) == (10, 2)
    content = trace.structuredContent
    assert [(s["name"], s["depth"], s["critical_ms"]) for s in content["spans"]] == [
        ("GET /recommend", 0, 2),
        ("fetch", 1, 8),
    ]
    assert [each["name"] for each in content["critical_path"]] == ["fetch", "GET /recommend"]
    assert content["cut"]
    assert len(content["spans"][0]["attributes"]["long"]) == 2000
    assert json.loads(as_json.stdout) == content
    assert "fetch" in as_table.stdout
    assert [each["body"] for each in logs.structuredContent["logs"]] == ["the circuit opened"]
    assert counted.structuredContent["rows"] == [[2]]
    assert compared.structuredContent["report"]["first"]["requests"] == 1
    assert [each.isError for each in refused] == [True] * 3
    for each, sentence in zip(
        refused, ("INSERT is not allowed", "leave out file", "is not a time"), strict=True
    ):
        assert sentence in each.content[0].text


@pytest.mark.parametrize(
    ("value", "cut"),
    [
        ({"text": "short"}, False),
        ({"text": "x" * MAX_BYTES}, True),
        ({"rows": [["é" * 100] * 20] * 5000}, True),
        ({"deep": {str(key): ["y" * 500] * 100 for key in range(100)}}, True),
    ],
)
def test_answers_are_cut_to_a_size(value: dict[str, Any], *, cut: bool) -> None:
    content, was_cut = bounded(value)
    assert was_cut is cut
    assert len(json.dumps(content, ensure_ascii=False).encode()) <= MAX_BYTES


@pytest.mark.parametrize(
    ("since", "until", "parameters"),
    [
        ("2h", None, {"last": 7200}),
        ("30m", "1970-01-01T01:00:00Z", {"last": 1800, "to": 3_600_000}),
        ("1970-01-01T00:00:01Z", None, {"from": 1000}),
    ],
)
def test_times(since: str, until: str | None, parameters: dict[str, int]) -> None:
    assert _range(since, until) == parameters


def test_an_answer_links_to_the_page_that_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "get", lambda *_: {})
    tools = Tools(Client("http://o"))
    assert tools.diagnose(baseline=60).url == "http://o/diagnose?last=600&baseline=60"
    compared = tools.compare("status=error&last=60", "status=ok").url
    assert compared == "http://o/compare?status=error&last=60&base_status=ok"


def test_without_an_observatory_a_tool_says_how_to_start_it() -> None:
    with refused_port() as port, pytest.raises(ToolFailure, match="make observe"):
        Tools(Client(f"http://127.0.0.1:{port}")).health()


def test_a_long_trace_keeps_its_errors_and_its_critical_path() -> None:
    def shown(number: int, **given: Any) -> SpanShown:
        usual = {"depth": 1, "status": "Unset", "critical_ms": 0, "duration_ms": number}
        return SpanShown.model_construct(None, **{"span_id": str(number), **usual, **given})

    telling = [shown(0, depth=0), shown(1, status="Error"), shown(2, critical_ms=0.1)]
    spans = [*telling, *map(shown, range(3, 10 * MAX_SPANS))]
    kept = _most_telling(spans)
    longest = spans[-(MAX_SPANS - len(telling)) :]
    assert kept == [*telling, *longest]
