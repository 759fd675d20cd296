"""Sloth generates rules from the same objectives; ours agree with them.

Sloth's own OpenSLO reader knows v1alpha only and generates no alerts, so the objectives are written
in Sloth's form, with the indicators in the form that its OpenSLO reader gives them.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from slo.objectives import Objective, Plan, read
from slo.prometheus_rules import translated
from tests.processes import ROOT
from tests.slo.conftest import Promtool
from tests.waiting import TIMEOUT

pytestmark = pytest.mark.lasting
SEVERITIES = {"critical": "page", "warning": "ticket"}
PAIR = re.compile(r"ratio_rate(\w+)\{[^}]*\} > \((\S+) \* ([\d.]+)\)")
WORKBOOK_LACKS = {("1d", "2h", 3.0, "ticket")}
"""Sloth has a second ticket alert, which the workbook's recommendation (6) does not have."""
REQUESTS = 'http_server_request_duration_seconds_count{job="vitrine",http_route="/recommend",'
WITHIN = 'http_server_request_duration_seconds_bucket{job="vitrine",http_route="/recommend",'
RECOMMENDATIONS = 'vitrine_recommendations_total{job="vitrine",vitrine_ranking_degraded='
SERIES = {
    # 600 requests a minute; for the sixth hour 5 % more fail, and all are slow and degraded.
    f'{REQUESTS}http_response_status_code="200"}}': "0+600x600",
    f'{REQUESTS}http_response_status_code="503"}}': "0x300 30+30x59 1800x240",
    f'{WITHIN}http_response_status_code="200",le="0.25"}}': "0+600x300 180000x59 180600+600x240",
    f'{RECOMMENDATIONS}"false"}}': "0+600x300 180000x59 180600+600x240",
    f'{RECOMMENDATIONS}"true"}}': "0x300 600+600x59 36000x240",
}
QUIET, BURNING, OVER = "4h30m", "5h50m", "9h50m"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return read()


def sloth_form(objective: Objective) -> dict[str, Any]:
    """One objective as Sloth reads it."""
    window = "[{{.window}}]"
    total = f"sum(rate({translated(objective.all)}{window}))"
    if objective.bad:
        bad = f"sum(rate({translated(objective.bad)}{window}))"
        indicator: dict[str, Any] = {"events": {"error_query": bad, "total_query": total}}
    else:
        good = f"sum(rate({translated(objective.good)}{window}))"
        indicator = {"raw": {"error_ratio_query": f"1 - ({good}) / ({total})"}}
    alert = {"name": objective.name}
    return {"name": objective.name, "objective": objective.target, "sli": indicator,
            "alerting": alert}  # fmt: skip


@pytest.fixture(scope="module")
def folder(sloth: str, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both files of rules: sloth.yaml and rules.yaml."""
    found = tmp_path_factory.mktemp("sloth")
    spec = {"version": "prometheus/v1", "service": "vitrine",
            "slos": [sloth_form(each) for each in plan.objectives]}  # fmt: skip
    (found / "slos.yaml").write_text(yaml.safe_dump(spec))
    done = subprocess.run(
        (sloth, "generate", "--no-color", "-i", "slos.yaml", "-o", "sloth.yaml"),
        cwd=found, capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(ROOT / "slo" / "prometheus" / "rules.yaml", found)
    return found


def sloth_alerts(folder: Path) -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load((folder / "sloth.yaml").read_text())["groups"]:
        yield from (rule for rule in group["rules"] if "alert" in rule)


def test_windows_and_thresholds_are_the_same(folder: Path, plan: Plan) -> None:
    ours = {(each.long, each.short, each.rate, SEVERITIES[each.severity]) for each in plan.burns}
    for objective in plan.objectives:
        theirs = set()
        for rule in (each for each in sloth_alerts(folder) if each["alert"] == objective.name):
            found = PAIR.findall(rule["expr"])
            assert len(found) == 4
            pairs = zip(found[::2], found[1::2], strict=True)
            for (short, factor, budget), (long, same, _) in pairs:
                assert factor == same
                assert float(budget) == pytest.approx(objective.allowed)
                theirs.add((long, short, float(factor), rule["labels"]["sloth_severity"]))
        assert ours == theirs - WORKBOOK_LACKS
        assert theirs >= WORKBOOK_LACKS


def agreement(objective: str, window: str, time: str) -> dict[str, Any]:
    """The recorded shares differ by rounding at most."""
    ours = f'sum(vitrine:failures:ratio_rate{window}{{objective="{objective}"}})'
    theirs = f'sum(slo:sli_error:ratio_rate{window}{{sloth_slo="{objective}"}})'
    samples = [{"labels": "{}", "value": 1}]
    expr = f"abs({ours} - {theirs}) < bool 1e-12"
    return {"expr": expr, "eval_time": time, "exp_samples": samples}


def fails(objective: str) -> dict[str, Any]:
    """What is compared is not zero."""
    expr = f'sum(vitrine:failures:ratio_rate1h{{objective="{objective}"}}) > bool 0.02'
    return {"expr": expr, "eval_time": BURNING, "exp_samples": [{"labels": "{}", "value": 1}]}


def paged(alerts: str, time: str, *, active: bool) -> dict[str, Any]:
    """Whether any of these alerts is firing."""
    expr = f'count(ALERTS{{alertstate="firing",{alerts}}}) > bool 0'
    samples = [{"labels": "{}", "value": 1}] if active else []
    return {"expr": expr, "eval_time": time, "exp_samples": samples}


def test_shares_are_the_same_and_pages_come_and_go_together(
    folder: Path, plan: Plan, promtool: Promtool
) -> None:
    windows = {each for burn in plan.burns for each in (burn.long, burn.short)}
    names = [each.name for each in plan.objectives]
    expected = [
        agreement(name, window, time)
        for name in names for window in sorted(windows) for time in (QUIET, BURNING, OVER)
    ]  # fmt: skip
    expected += [fails(name) for name in names]
    for name in names:
        ours = f'alertname=~"Vitrine{name.capitalize()}(Fast|Steady)"'
        theirs = f'alertname="{name}",sloth_severity="page"'
        for time, active in ((QUIET, False), (BURNING, True), (OVER, False)):
            expected += [paged(each, time, active=active) for each in (ours, theirs)]
    test = {
        "rule_files": ["rules.yaml", "sloth.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": k, "values": v} for k, v in SERIES.items()],
                "promql_expr_test": expected,
            }
        ],
    }
    (folder / "both_test.yaml").write_text(json.dumps(test))
    assert "SUCCESS" in promtool("test", "rules", "both_test.yaml", folder=folder)
