"""An alert as SigNoz has it: a rule over PromQL, whose value is compared on its side.

It looks at one value a minute, as far back as the alert must have been so; all must be beyond the
limit, and none may be missing.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from signoz.declared import Alert, Plan

DASHBOARDS = Path(__file__).parent / "dashboards"
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
        "ruleType": "promql_rule",
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
    return {
        "compositeQuery": {
            "queryType": "promql",
            "panelType": "graph",
            "unit": alert.unit,
            "queries": [{"type": "promql", "spec": {"name": "A", "query": alert.query}}],
        },
        "selectedQueryName": "A",
        "requireMinPoints": True,
        "requiredNumPoints": alert.minutes + 1,
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
    """The way to its dashboard: its id is not known before it is there, so it is searched for."""
    told = json.loads((DASHBOARDS / f"{alert.dashboard}.json").read_text("utf-8"))
    title = told["spec"]["display"]["name"]
    return f"{base}/dashboard?query=" + quote(f"name = '{title}'")
