"""What holds for every report: its form, its names, and that it has an answer to no telemetry."""

import re

import pytest

from app.telemetry import vocabulary as v
from app.telemetry.kit import conventions
from app.telemetry.kit.vocabulary import SECONDS
from observatory.query.statements import parse_reader_statement
from observatory.store.engine import Engine
from tests.observatory.report_results import FLAVOURS, REPORTS, Reports

every_report = pytest.mark.parametrize("name", REPORTS)
LONGEST_LINE = 100
COMMENTS = re.compile(r"--.*")
SOURCES = re.compile(r"\b(?:FROM|JOIN)\s+(\w+\.\w+)")
NAMES = re.compile(r"'(\w+(?:\.\w+)+)'")
ENDS = re.compile(r"'(\.\w+(?:\.\w+)*)'")
"""How names of a service begin is up to the service."""
KEYS = re.compile(r"\w+\['([^']+)'\]")


def test_all_reports_are_there() -> None:
    assert list(REPORTS) == [
        "caches", "dependency_health", "error_groups", "instances", "latency_histogram",
        "model_quality", "red_per_route", "slo", "slowest_traces", "stage_latency",
        "telemetry_lost",
    ]  # fmt: skip


@every_report
def test_says_what_it_answers(name: str) -> None:
    title, *about = [
        line for line in REPORTS[name].split("\nWITH\n")[0].splitlines() if line.startswith("-- ")
    ]
    assert 10 < len(title) < 70
    assert not title.endswith(".")
    assert "?" in " ".join(about)


@every_report
def test_is_one_query_over_the_views(name: str) -> None:
    sql = REPORTS[name]
    assert ";" not in COMMENTS.sub("", sql)
    assert {source.split(".")[0] for source in SOURCES.findall(sql)} == {"vitrine"}
    assert re.search(r"\nWITH\n    now\(\) - INTERVAL \d+ (HOUR|DAY) AS since,", sql)
    assert max(map(len, sql.splitlines())) <= LONGEST_LINE


@every_report
def test_a_reader_may_run_it(reports: Reports, both: Engine, name: str) -> None:
    """The page runs what the parser prints of it."""
    reports.ask(parse_reader_statement(both, REPORTS[name]).text, "otel")


@every_report
def test_names_are_those_of_the_vocabulary(name: str) -> None:
    known = {*v.VOCABULARY.attributes, *v.VOCABULARY.metrics, *v.VOCABULARY.events}
    known |= conventions.attributes() | conventions.metrics().keys()
    used = {*NAMES.findall(REPORTS[name]), *KEYS.findall(REPORTS[name])}
    assert used - known == set()
    for end in ENDS.findall(REPORTS[name]):
        assert any(each.endswith(end) for each in known), end


def test_values_are_those_of_the_vocabulary() -> None:
    """The values that reports compare with; their form does not show them."""
    assert {"hit", "miss"} == set(v.CACHE_OUTCOME.values)
    assert {"1", "2-3", "4-10", "11+"} == set(v.RANK_BUCKET.values)
    assert {"click", "thumbs_up", "thumbs_down", "dismiss", "dwell"} == set(v.FEEDBACK_KIND.values)
    assert {"traces", "metrics", "logs"} == set(v.CORE.signal.values)
    assert 0.25 in SECONDS  # what the latency objective is counted at


@every_report
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_no_telemetry(reports: Reports, name: str, flavour: str) -> None:
    assert reports.rows_of(name, flavour) == []
