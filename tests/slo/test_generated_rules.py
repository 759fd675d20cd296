"""The rules are what slo/ declares, and everything that they name exists."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.telemetry.kit.vocabulary import SERVER_DURATION
from slo import __main__ as generating
from slo.__main__ import generated, main
from slo.objectives import Plan, duration, read
from slo.prometheus_rules import translated
from tests.cases import cases
from tests.processes import ROOT
from tests.signoz.emitted_names import in_promql, in_queries, unknown_names

RUNBOOK = ROOT / "docs" / "runbook.md"
BUCKETS = re.compile(r'le="([^"]+)"')


@pytest.fixture(scope="module")
def plan() -> Plan:
    return read()


@pytest.fixture(scope="module")
def rules() -> dict[str, Any]:
    """Every rule of SigNoz by its file's name."""
    found = (ROOT / "signoz" / "rules").glob("*.json")
    return {path.stem: json.loads(path.read_text("utf-8")) for path in found}


@pytest.fixture(scope="module")
def prometheus() -> list[dict[str, Any]]:
    declared = yaml.safe_load((ROOT / "slo" / "prometheus" / "rules.yaml").read_text("utf-8"))
    return [rule for group in declared["groups"] for rule in group["rules"]]


def test_stale_files_are_reported_and_regenerated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generating, "ROOT", tmp_path)
    assert main([]) == 0
    (tmp_path / "signoz/rules/no-traffic.json").write_text("{}")
    (tmp_path / "signoz/rules/former.json").write_text("{}")
    (tmp_path / "slo/prometheus/rules.yaml").unlink()
    wrong = [
        "signoz/rules/former.json", "signoz/rules/no-traffic.json", "slo/prometheus/rules.yaml"
    ]  # fmt: skip
    assert main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [f"{one} is stale: make docs" for one in wrong]
    assert main([]) == main(["--check"]) == 0
    assert not (tmp_path / "signoz/rules/former.json").exists()


def test_rates_are_those_of_the_workbook(plan: Plan) -> None:
    found = [
        (each.long, each.short, each.rate, plan.spends(each), each.severity) for each in plan.burns
    ]
    assert found == [
        ("1h", "5m", 14.4, 2, "critical"),
        ("6h", "30m", 6, 5, "critical"),
        ("3d", "6h", 1, 10, "warning"),
    ]
    limits = {each.name: each.limit for each, _ in plan.burning()}
    assert limits["availability-fast"] == 0.0144
    assert limits["latency-steady"] == 0.3
    assert limits["quality-slow"] == 0.01


def test_a_changed_objective_reaches_both(plan: Plan) -> None:
    """Ten times stricter: no number is stored anywhere else."""
    stricter = [replace(each, target=99.99) for each in plan.objectives]
    files = generated(replace(plan, objectives=stricter, channel="others"))
    rule = json.loads(files["signoz/rules/availability-fast.json"])
    assert rule["condition"]["thresholds"]["spec"][0]["target"] == 0.00144
    assert rule["condition"]["thresholds"]["spec"][0]["channels"] == ["others"]
    assert "> 0.00144" in rule["condition"]["compositeQuery"]["queries"][0]["spec"]["query"]
    assert "> 0.00144" in files["slo/prometheus/rules.yaml"]
    assert "0.0144" not in files["slo/prometheus/rules.yaml"]


def test_every_queried_name_is_emitted(plan: Plan, rules: dict[str, Any]) -> None:
    wrong = {
        name: unknown_names(in_queries(each["condition"]["compositeQuery"]["queries"]))
        for name, each in rules.items()
    }
    assert {name: each for name, each in wrong.items() if each} == {}
    assert wrong.keys() == {each.name for each in plan.everything()}


def test_labels_in_summaries_are_those_of_the_query(plan: Plan) -> None:
    for alert in plan.everything():
        words = set(re.findall(r"\{([\w.]+)\}", alert.summary)) - {"value"}
        grouped = in_promql(alert.query).attributes
        assert words <= grouped, alert.name


def test_bounds_are_those_of_the_histograms(plan: Plan) -> None:
    asked = {float(each) for one in plan.objectives for each in BUCKETS.findall(one.good)}
    assert asked == {0.25}
    assert asked <= set(SERVER_DURATION.bounds)


@cases(
    ("query", "expected"),
    [
        ('{"vitrine.model.age"}', "vitrine_model_age_seconds"),
        ('rate({"vitrine.telemetry.lost"}[5m])', "rate(vitrine_telemetry_lost_total[5m])"),
        (
            'sum by ("http.route", le) ({"http.server.request.duration.bucket", le="0.25"})',
            'sum by (http_route, le) (http_server_request_duration_seconds_bucket{le="0.25"})',
        ),
        (
            '{"vitrine.recommendations", "service.name"=~"vitrine.*", "vitrine.model.name"!="a.b"}',
            'vitrine_recommendations_total{job=~"(.+/)?vitrine.*", vitrine_model_name!="a.b"}',
        ),
        (
            'sum by ("service.instance.id") ({__name__=~"a.+"})',
            'sum by (instance) ({__name__=~"a.+"})',
        ),
        ('{"vitrine.score.top.count"}', "vitrine_score_top_count"),
    ],
)
def test_names_of_prometheus(query: str, expected: str) -> None:
    assert translated(query) == expected


def test_metrics_that_are_not_ours_have_no_name_in_prometheus() -> None:
    with pytest.raises(KeyError):
        translated('{"vitrine.recommendation"}')


def test_prometheus_has_the_same_alerts(plan: Plan, prometheus: list[dict[str, Any]]) -> None:
    there = [each for each in prometheus if "alert" in each]
    assert len(there) == len(plan.everything()) == len({each["alert"] for each in there})
    for rule, alert in zip(there, plan.everything(), strict=True):
        assert rule["labels"]["severity"] == alert.severity
        assert duration(rule["for"]).total_seconds() == alert.minutes * 60


def test_every_alert_has_its_section_in_the_runbook(plan: Plan) -> None:
    declared = set(re.findall(r"^## (.+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE))
    sections = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in declared}
    assert {each.section for each in plan.everything()} <= sections


@cases("key", ["runbook_url", "dashboard", "summary", "description"])
def test_every_alert_has_annotations(
    rules: dict[str, Any], prometheus: list[dict[str, Any]], key: str
) -> None:
    both = [*rules.values(), *(each for each in prometheus if "alert" in each)]
    assert all(each["annotations"][key] for each in both)


def test_what_rules_lead_to_is_there(plan: Plan, rules: dict[str, Any]) -> None:
    channels = {path.stem for path in (ROOT / "signoz" / "channels").glob("*.json")}
    dashboards = {path.stem for path in (ROOT / "signoz" / "dashboards").glob("*.json")}
    assert plan.channel in channels
    assert {each.dashboard for each in plan.everything()} <= dashboards
    titles = [each["alert"] for each in rules.values()]
    assert len(set(titles)) == len(titles)


def test_reports_keep_the_same_promises(plan: Plan) -> None:
    """The SQL cannot read objectives.yaml, so it repeats the targets, the route and the bound."""
    report = (ROOT / "clickhouse" / "reports" / "slo.sql").read_text("utf-8")
    declared = {
        name: float(target) for name, target in re.findall(r"\('(\w+)', (0\.\d+)\)", report)
    }
    assert declared == {each.name: round(1 - each.allowed, 9) for each in plan.objectives}
    selectors = " ".join(f"{each.all} {each.good} {each.bad}" for each in plan.objectives)
    assert set(re.findall(r'"http\.route"="([^"]+)"', selectors)) == set(
        re.findall(r"'([^']+)' AS route", report)
    )
    assert set(re.findall(r'le="([^"]+)"', selectors)) == set(re.findall(r"le = ([\d.]+)", report))


def test_the_runbook_leads_to_what_is_there() -> None:
    text = " ".join(RUNBOOK.read_text("utf-8").split())
    reports = re.findall(r"clickhouse/reports/\w+\.sql", text)
    assert reports
    assert all((ROOT / each).is_file() for each in reports)
    panels = {
        panel["spec"]["display"]["name"]
        for path in (ROOT / "signoz" / "dashboards").glob("*.json")
        for panel in json.loads(path.read_text("utf-8"))["spec"]["panels"].values()
    }
    italics = set(re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", text))
    assert italics - {"Fast", "Diagnose"} <= panels  # a burn rate, and a page
    anchors = set(re.findall(r"\]\(#([\w-]+)\)", text))
    assert anchors <= {each.section for each in read().everything()}
    settings = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert all(f"`{each}`" in settings for each in re.findall(r"VITRINE_[A-Z_]+[A-Z]", text))
