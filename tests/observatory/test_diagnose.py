"""What diagnose names as the cause, from telemetry of two windows; and that it cheats nowhere."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from observatory.diagnose import diagnosis as module
from observatory.diagnose.causes import CAUSES, path
from observatory.diagnose.diagnosis import Diagnosis, diagnose, ranked
from observatory.diagnose.report import as_json, as_text
from observatory.diagnose.suspect import Suspect
from observatory.diagnose.windows import Windows
from observatory.store.engine import Engine
from tests.observatory.page_client import Page
from tests.observatory.report_results import FLAVOURS, Reports
from tests.observatory.stored_telemetry import (
    CLIENT,
    ERROR,
    MINUTE,
    MS,
    NOW,
    SECOND,
    Part,
    StoredTelemetry,
    record,
    root,
)
from tests.observatory.test_compare import query_of

START, BASE = NOW - 10 * MINUTE, NOW - 20 * MINUTE
SERVED = {
    "event.name": "recommendation.served",
    "http.response.status_code": 200,
    "vitrine.query.oov_ratio": 0.0,
    "vitrine.query.length_bucket": "1-20",
    "vitrine.cache.outcome": "miss",
    "vitrine.topic_signal.outcome": "hit",
    "vitrine.model.name": "fusion",
    "vitrine.model.version": "1",
}
DEGRADED = {"vitrine.ranking.degraded": "true", "vitrine.ranking.missing": '["topic_signal"]'}
CASES: dict[str, tuple[Mapping[str, Any], str, list[str]]] = {
    "nothing": ({}, "", []),
    "empty answers of the search": (
        {"vitrine.topic_signal.outcome": "miss", **DEGRADED}, "dependency_empty", ["degraded"],
    ),
    "malformed answers of the search": (
        {"http.response.status_code": 500}, "errors", [],
    ),
    "one client": ({"vitrine.client.hash": "ab" * 8}, "hot_client", []),
    "unknown words": ({"vitrine.query.oov_ratio": 1.0}, "vocabulary_drift", []),
    "long queries": ({"vitrine.query.length_bucket": "501+"}, "query_length", []),
}  # fmt: skip


def windows(engine: Engine) -> Windows:
    return Windows(query_of(engine), BASE, START, NOW)


def answered(at: int, has: Mapping[str, Any]) -> LogRecord:
    named: dict[str, Any] = {key.replace(".", "__"): each for key, each in has.items()}
    made = record("served", at, **named)
    made.event_name = "recommendation.served"
    return made


def store(stored: StoredTelemetry, changed: Mapping[str, Any]) -> None:
    """Two requests a second for ten minutes and ten; most of the later ones are changed."""
    records = []
    for number, at in enumerate(range(BASE, NOW, 6 * SECOND)):
        has = {**SERVED, "vitrine.client.hash": f"{number % 40:016x}"}
        has["vitrine.input.hash"] = f"{number:016x}"
        if at >= START and number % 10:
            has |= changed
        records.append(answered(at, has))
    stored.logs(records)


@pytest.mark.parametrize("name", CASES)
def test_cause(name: str, stored: StoredTelemetry, engine: Engine) -> None:
    changed, cause, beneath = CASES[name]
    store(stored, changed)
    found = diagnose(windows(engine))
    assert [each.cause for each in found.suspects] == ([cause] if cause else []), as_text(found)
    if not cause:
        assert found.verdict == "Nothing unusual."
        return
    assert ("not this service" in found.verdict) is CAUSES[cause].outside
    assert {*beneath} <= {each.cause for each in found.suspects[0].explains}
    assert found.suspects[0].first_bad in (START, START - START % MINUTE)
    assert as_json(found)["suspects"][0]["sentence"] in as_text(found)


def test_one_client_beside_unknown_ones(stored: StoredTelemetry, engine: Engine) -> None:
    store(stored, {"vitrine.client.hash": ""})
    hot = SERVED | {"vitrine.client.hash": "ab" * 8}
    stored.logs([answered(at, hot) for at in range(START, NOW, 7 * SECOND)])
    assert diagnose(windows(engine)).suspects[0].key == f"hot_client:{'ab' * 8}"


def test_starts_are_compared_within_a_service(stored: StoredTelemetry, engine: Engine) -> None:
    for at, service, version in (
        (BASE, "a", "1"), (BASE, "b", "2"), (START, "a", "1"), (START + 1, "b", "3"),
    ):  # fmt: skip
        start = record("started", at)
        start.event_name = "service.started"
        stored.logs([start], **{"service.name": service, "service.version": version})
    assert [each.subject for each in diagnose(windows(engine)).suspects] == ["2 → 3"]


USUAL: dict[str, Any] = {}
CALL: dict[str, Any] = {"kind": CLIENT, "has": {"http.request.method": "GET"}}
SELECT: dict[str, Any] = {"kind": CLIENT, "has": {"db.query.text": "SELECT 1"}}
FAILING: dict[str, Any] = {"status": ERROR, "has": {"error.type": "FloatingPointError"}}
STAGES: dict[str, tuple[Mapping[str, Any], Mapping[str, Any], str]] = {
    "slow code": ({"length": 3 * SECOND}, {}, "code_slow:score candidates"),
    "slow statements": ({"length": 3 * SECOND}, SELECT | {"length": SECOND}, "statement_slow:"),
    "code that is a little slow": ({"length": 8 * MS}, {}, "stage_slow:score candidates"),
    "a few failures": (FAILING, {}, "model_failing:FloatingPointError"),
}


@pytest.mark.parametrize("name", STAGES)
def test_culprit_among_stages(name: str, stored: StoredTelemetry, engine: Engine) -> None:
    """Requests of 5 s each; in a tenth of them at most, a stage fails. A call takes no time."""
    score, select, expected = STAGES[name]
    parts: list[Part] = []
    for number, at in enumerate(range(0, NOW - BASE, 6 * SECOND)):
        bad = at >= START - BASE and (score is not FAILING or number % 15 == 0)
        parts += [
            root(5 * number + 1, start=at, length=5 * SECOND),
            Part(5 * number + 2, 5 * number + 1, "score candidates", at,
                 **USUAL | {"length": 2 * MS} | (dict(score) if bad else {})),
            Part(5 * number + 3, 5 * number + 1, "rank candidates", at, 2 * MS),
            Part(5 * number + 5, 5 * number + 1, "GET", at, 0, **CALL),
            Part(5 * number + 4, 5 * number + 1, "SELECT", at,
                 **SELECT | {"length": MS} | (dict(select) if bad else {})),
        ]  # fmt: skip
    for trace in range(7):
        stored.trace(trace + 1, BASE, *(each for each in parts if each.number // 5 % 7 == trace))
    found = diagnose(windows(engine)).suspects
    assert found, "nothing"
    assert found[0].key.startswith(expected), [each.key for each in found]


@pytest.mark.parametrize("written", [False, True])
def test_repeated_queries_miss_the_cache(
    stored: StoredTelemetry, engine: Engine, written: bool
) -> None:
    """After each write they have to: then that is no suspect."""
    records = []
    for number, at in enumerate(range(BASE, NOW, 6 * SECOND)):
        has = {**SERVED, "vitrine.input.hash": f"{number % 3:016x}"}
        has["vitrine.cache.outcome"] = "hit" if at < START else "miss"
        records.append(answered(at, has))
    stored.logs(records)
    if written:
        writes = range(START, NOW, 12 * SECOND)
        stored.trace(1, 0, *(Part(at, start=at, name="refresh index") for at in writes))
    expected = [] if written else ["cache_ineffective"]
    assert [each.cause for each in diagnose(windows(engine)).suspects] == expected


def test_nothing_to_compare(stored: StoredTelemetry, engine: Engine) -> None:
    stored.empty()
    found = diagnose(windows(engine))
    assert (found.state, found.verdict) == (
        "empty",
        "Nothing to compare: no request in the baseline.",
    )


def test_statements_run_on_both_kinds_of_tables(reports: Reports, both: Engine) -> None:
    for flavour in FLAVOURS:
        reports.ask("SELECT 1", flavour)
        assert not diagnose(windows(both)).suspects


def test_page_answers_as_the_command(stored: StoredTelemetry, page: Page, engine: Engine) -> None:
    store(stored, DEGRADED)
    answer = page.client.get("/api/diagnose", params={"last": 600, "baseline": 600}).json()
    assert answer == as_json(diagnose(windows(engine)))


def test_a_symptom_is_beneath_its_cause() -> None:
    def suspect(cause: str, effect: float = 1.0) -> Suspect:
        return Suspect(cause, "", effect, ())

    found = ranked([*map(suspect, ("slow", "degraded", "hot_client", "dependency_failing"))])
    assert [each.cause for each in found] == ["hot_client", "dependency_failing"]
    assert {each.cause for each in found[1].explains} == {"slow", "degraded"}
    assert (
        "not this service"
        in Diagnosis(Windows(lambda *_: [], 0, 1, 2), [Suspect("hot_client", "x", 1.0, ())]).verdict
    )


def test_causes_explain_known_causes() -> None:
    for cause, about in CAUSES.items():
        assert CAUSES.keys() >= {*about.explains} - {cause}, cause
        assert cause not in about.explains
    assert path("settings_changed", "degraded", frozenset()) == ("settings_changed", "degraded")
    assert not path("hot_client", "degraded", frozenset({"slow"}))


def test_diagnose_reads_only_the_store() -> None:
    """No import of the service, of its faults, or of files."""
    assert module.__file__
    for file in Path(module.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in {"app", "benchmarks", "pathlib", "os"}, file
