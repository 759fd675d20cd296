"""Comparisons through the engine: over both kinds of tables, by the endpoint, by a command."""

import json
import socket
from collections.abc import Mapping

import httpx
import pytest
import typer

from benchmarks.planted import Pair, Planted
from observatory.compare.command import print_comparison
from observatory.compare.comparison import compare
from observatory.compare.fact import Kind, Test
from observatory.compare.parameters import as_text
from observatory.compare.remote import remote_query
from observatory.compare.selection import Selection
from observatory.compare.selection import Test as On
from observatory.compare.sources import Query, Rows, Value
from observatory.settings import ObservatorySettings
from observatory.store.engine import Engine, Escaped
from tests.observatory.page_client import Page
from tests.observatory.report_results import FLAVOURS, Reports
from tests.observatory.report_telemetry import Event, Record, Span
from tests.observatory.stored_telemetry import (
    ERROR,
    MS,
    NOW,
    RECENT,
    SECOND,
    Part,
    StoredTelemetry,
    record,
    root,
    served,
)
from tests.telemetry.receiver import refused_port

NASTY = 'it\'s "a"\\\n\t{value} = ü–東京'


def query_of(engine: Engine) -> Query:
    """The statements of a comparison on the engine itself."""

    def query(sql: str, values: Mapping[str, Value]) -> Rows:
        texts = {
            name: value if isinstance(value, str | int) else Escaped(as_text(value))
            for name, value in values.items()
        }
        answer = engine.write(sql, "JSONEachRow", texts, settings=AS_NUMBERS).content
        return [json.loads(line) for line in answer.splitlines()]

    return query


AS_NUMBERS = {"output_format_json_quote_64bit_integers": 0}
PAIRS = [
    Pair(0, (200, 200)),
    Pair(1, (400, 400), Planted.VALUE, 0.3),
    Pair(2, (1500, 1500), Planted.PAIR, 0.2),
    Pair(3, (300, 300), Planted.SLOW, 0.2),
    Pair(4, (300, 900), Planted.LOG, 0.2),
]


@pytest.mark.lasting
def test_what_was_planted_comes_first(stored: StoredTelemetry, engine: Engine) -> None:
    for pair in PAIRS:
        pair.store(engine)
    for pair in PAIRS:
        found = compare(query_of(engine), pair.first, pair.second)
        assert (found.first.requests, found.second.requests) == pair.requests
        if pair.planted is Planted.NOTHING:
            assert not found.findings
        else:
            assert pair.names(list(found.findings[0].statement.facts)), pair
            assert len(found.findings[0].examples) == 3


def insert_two_kinds(reports: Reports) -> None:
    """Of 40 requests half are of another version: they retry, and run a further stage."""
    for number in range(40):
        new = number % 2 == 0
        trace, attributes = f"{number:x}", {"app.version": "new" if new else "old", "app.n": number}
        reports.insert(
            Span(
                name="GET /", trace=trace, id="1", ago=100, seconds=0.5, kind="Server",
                attributes=attributes, events=(Event(name="cache_miss"),) if new else (),
            ),
            Span(
                name="work", trace=trace, id="2", parent="1", ago=100, seconds=0.4 if new else 0.1,
                failed=new,
            ),
            Record(
                body=f"took {number} ms for 'x'" if new else "ok", ago=99, trace=trace, span="1"
            ),
        )  # fmt: skip


@pytest.mark.lasting
def test_both_kinds_of_tables_say_the_same(reports: Reports, both: Engine) -> None:
    insert_two_kinds(reports)
    now = reports._now
    window = (now - 200 * SECOND, now)
    chosen = Selection(*window, tests=(On("app.version", "=", "new"),))
    found_in = []
    for flavour in FLAVOURS:
        reports.ask("SELECT 1", flavour)
        found = compare(query_of(both), chosen, Selection(*window, status="ok"))
        found_in.append(
            (
                found.first, found.second, found.facts, found.tests, found.pair_tests,
                [
                    (each.statement, {*each.related}, each.examples) for each in found.findings
                ],
                {*found.definition},
            )
        )  # fmt: skip
    assert found_in[0] == found_in[1]
    found_facts = {
        (fact.kind, fact.subject, fact.test)
        for statement, related, _ in found_in[0][5]
        for each in (statement, *related)
        for fact in each.facts
    }
    assert {
        (Kind.STAGE, "work", Test.FAILS),
        (Kind.STAGE, "work", Test.SELF_TIME),
        (Kind.EVENT, "cache_miss", Test.OCCURS),
        (Kind.LOG, "INFO took … ms for …", Test.OCCURS),
    } <= found_facts
    assert "app.version" not in {subject for _, subject, _ in found_facts}
    assert [each.facts[0].subject for each in found_in[0][6]] == ["app.version"] * 2


def store_slow(stored: StoredTelemetry) -> None:
    """Of 60 requests each third is slow, because one of its two parallel calls is."""
    for number in range(60):
        slow = number % 3 == 0
        has = served(app__tenant=NASTY if slow else "usual", app__id=f"id{number}")
        stored.trace(
            number + 1, RECENT + number * MS,
            root(length=(500 if slow else 50) * MS, has=has),
            Part(2, 1, "call", 10 * MS, (400 if slow else 30) * MS),
            Part(3, 1, "call", 20 * MS, 20 * MS),
            Part(4, 1, "late", 20 * MS, 900 * MS),
        )  # fmt: skip


@pytest.mark.lasting
def test_the_endpoint_compares_a_region_with_the_rest(page: Page, stored: StoredTelemetry) -> None:
    store_slow(stored)
    found = page.get("compare", min_ms=100)
    assert found["first"] == {"requests": 20, "counted": 20}
    assert found["second"] == {"requests": 40, "counted": 40}
    assert found["sampled"] is False
    named = {each["phrase"]: each for each in found["findings"]}
    assert f"have app.tenant = {NASTY}" in named
    tenant = named[f"have app.tenant = {NASTY}"]
    assert (tenant["first"], tenant["second"], tenant["difference"]) == (20, 0, 1)
    assert tenant["separation"] == pytest.approx(1)
    assert {int(each, 16) % 3 for each in tenant["examples"]} == {1}
    assert page.ids(attr=tenant["filters"]) != []
    assert tenant["text"].startswith("100 % of the selected requests have app.tenant = ")
    phrases = {each["phrase"] for group in found["findings"] for each in (group, *group["related"])}
    assert any(each.startswith("spend at least") and "“call”" in each for each in phrases)
    assert not any(each.startswith("take at least") for each in phrases)
    assert [each["facts"][0]["test"] for each in found["definition"]] == ["duration >="]


@pytest.mark.lasting
def test_the_endpoint_compares_two_filters(page: Page, stored: StoredTelemetry) -> None:
    store_slow(stored)
    given = {"attr": f"app.tenant={NASTY}", "base_attr": "app.tenant=usual"}
    for parameters in (given, given | {"base_last": 3600}):
        found = page.get("compare", **parameters)
        assert (found["first"]["requests"], found["second"]["requests"]) == (20, 40)
    assert page.get("compare", **given, base_from=(NOW - SECOND) // MS)["second"]["requests"] == 0


PROBLEMS = [
    ({"base_colour": "red"}, "colour"),
    ({"colour": "red"}, "colour"),
    ({"status": "bad"}, "status"),
    ({"base_status": "bad"}, "status"),
    ({"last": "x"}, "last"),
]


def test_the_endpoint_refuses_what_it_does_not_know(page: Page) -> None:
    for given, named in PROBLEMS:
        problem = page.problem("compare", **given)
        assert problem["status"] == 422
        assert named in problem["detail"]


def test_the_endpoint_without_requests(page: Page, stored: StoredTelemetry) -> None:
    found = page.get("compare")
    assert found["findings"] == []
    assert "no selected requests" in found["summary"]
    store_slow(stored)
    assert "no other requests" in page.get("compare")["summary"]


def test_a_span_that_was_sent_twice_and_a_trace_without_root(
    page: Page, stored: StoredTelemetry
) -> None:
    for number in range(20):
        lost = Part(2, 1, "GET /lost", kind=2, status=ERROR if number < 10 else None)
        for _ in range(2):
            stored.trace(number + 1, RECENT, lost)
    stored.trace(99, RECENT, Part(1, name="flush journal", status=ERROR))  # is no request
    stored.logs([record("of no trace", RECENT)])
    found = page.get("compare", status="error")
    assert (found["first"]["requests"], found["second"]["requests"]) == (10, 10)


def test_a_row_from_afar_may_have_any_line_separator() -> None:
    rows = [{"value": "a\x85b\u2028c"}, {"value": ""}]
    text = "\n".join(json.dumps(each, ensure_ascii=False) for each in rows) + "\n"
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=text))
    with httpx.Client(base_url="http://other", transport=transport) as client:
        assert remote_query(client)("SELECT value", {}) == rows


def test_the_command_does_not_use_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("observatory.compare.command.SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as proxy, refused_port() as port:
        proxy.setblocking(False)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(typer.Exit):
            print_comparison(ObservatorySettings(), "", "", f"http://127.0.0.1:{port}", False)
        with pytest.raises(BlockingIOError):
            proxy.accept()
