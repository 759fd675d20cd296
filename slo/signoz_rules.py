"""An alert as a SigNoz rule: SigNoz runs the query and compares its values with the limit.

A PromQL rule looks at one value a minute over the time that the condition must have held: all must
be beyond the limit, and none may be missing. An SQL rule has one row, the value now.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from slo.objectives import Alert, Plan

DASHBOARDS = Path(__file__).parents[1] / "signoz" / "dashboards"
HERE = "${SIGNOZ_EXTERNAL_URL}"
"""Filled in by `provision.py`."""
OPERATORS = {">": "above", "<=": "below_or_equal"}


def rule(alert: Alert, plan: Plan) -> str:
    """The contents of its file."""
    return json.dumps(_body(alert, plan), indent=2, ensure_ascii=False) + "\n"


def _body(alert: Alert, plan: Plan) -> dict[str, Any]:
    return {
        "alert": alert.title,
        "alertType": "METRIC_BASED_ALERT",
        "ruleType": "threshold_rule" if alert.sql else "promql_rule",
        "version": "v5",
        "schemaVersion": "v2alpha1",
        "description": alert.description,
        "condition": _condition(alert, plan.channel),
        "evaluation": {
            "kind": "rolling",
            "spec": {"evalWindow": f"{alert.minutes}m", "frequency": alert.every},
        },
        "notificationSettings": {
            "groupBy": [],
            "renotify": {"enabled": True, "interval": "4h", "alertStates": ["firing"]},
        },
        "labels": {"severity": alert.severity, "service": "vitrine"},
        "annotations": {
            "summary": re.sub(r"\{([\w.]+)\}", r"{{$\1}}", alert.summary),
            "description": alert.description,
            "runbook_url": f"${{SIGNOZ_RUNBOOK_URL}}#{alert.section}",
            "dashboard": dashboard(alert, HERE),
        },
    }


def _condition(alert: Alert, channel: str) -> dict[str, Any]:
    kind = "clickhouse_sql" if alert.sql else "promql"
    return {
        "compositeQuery": {
            "queryType": kind,
            "panelType": "graph",
            "unit": alert.unit,
            "queries": [{"type": kind, "spec": {"name": "A", "query": alert.sql or alert.query}}],
        },
        "selectedQueryName": "A",
        "requireMinPoints": True,
        "requiredNumPoints": 1 if alert.sql else alert.minutes + 1,
        "thresholds": {
            "kind": "basic",
            "spec": [
                {
                    "name": alert.severity,
                    "op": OPERATORS[alert.operator],
                    "matchType": "all_the_times",
                    "target": alert.limit,
                    "targetUnit": alert.unit,
                    "channels": [channel],
                }
            ],
        },
    }


def dashboard(alert: Alert, base: str) -> str:
    """A link that searches for the dashboard by name: its id is unknown before it is created."""
    found = json.loads((DASHBOARDS / f"{alert.dashboard}.json").read_text("utf-8"))
    title = found["spec"]["display"]["name"]
    return f"{base}/dashboard?query=" + quote(f"name = '{title}'")
