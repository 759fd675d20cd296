"""The alerts as Prometheus has them, with names as the Collector's exporter writes them.

`{"vitrine.model.age", "service.name"="x"}` becomes `vitrine_model_age_seconds{job=~"(.+/)?x"}`:
the exporter puts the service's namespace before its name.
"""

import re
from typing import Any

import yaml

from app.telemetry import vocabulary as v
from signoz.declared import Alert, Burn, Objective, Plan
from signoz.for_signoz import dashboard

ABOUT = """\
# Made by `make docs` of slo.yaml. Scrape the Collector (collector/backends/prometheus.yaml) with
# honor_labels: true, so that `job` and `instance` are those of the service; and keep as
# much as is promised for: --storage.tsdb.retention.time=31d.
"""
UNITS = {"s": "_seconds"}
PARTS = ("_bucket", "_count", "_sum")
LABELS = {"service.instance.id": "instance"}
GAUGES = ("otelcol_exporter_queue_size", "otelcol_exporter_queue_capacity")
AS_TEXT = {"s": "humanizeDuration", "percentunit": "humanizePercentage"}
METRIC = re.compile(r'\{"([^"]+)"\s*(?:,\s*|(?=\}))')
WORD = re.compile(r'("[^"]+"|[A-Za-z_]\w*)(\s*(?:=~|!~|!=|=)\s*"[^"]*")?')


def translated(query: str) -> str:
    """A query with Prometheus's names. Raises KeyError for a metric that is not ours."""
    query = METRIC.sub(lambda found: _metric(found[1]) + "{", query)
    return WORD.sub(_word, query).replace("{}", "")


def _word(found: re.Match[str]) -> str:
    """A label, with what it is compared with; or anything else, as it is."""
    key, compared = found[1], found[2] or ""
    if not key.startswith('"'):
        return found[0]
    if key == '"service.name"':
        return "job" + compared.replace('"', '"(.+/)?', 1)
    return _label(key[1:-1]) + compared


def _metric(name: str) -> str:
    if name in GAUGES:
        return name
    base, dot, part = name.rpartition(".")
    if dot and f"_{part}" in PARTS and base in v.METRICS:
        return _metric(base) + f"_{part}"
    metric = v.METRICS[name]
    total = "_total" if metric.instrument == "counter" else ""
    return name.replace(".", "_") + UNITS.get(metric.unit, "") + total


def _label(name: str) -> str:
    return LABELS.get(name, name.replace(".", "_"))


def rules(plan: Plan) -> str:
    """The contents of the file."""
    windows = list(dict.fromkeys(each for burn in plan.burns for each in (burn.short, burn.long)))
    longs = [each.long for each in plan.burns]
    shares = [_share(each, window) for each in plan.objectives for window in windows]
    counts = [_count(each, window) for each in plan.objectives for window in longs]
    budgets = [_budget(each, plan.window) for each in plan.objectives]
    groups = [
        # A minute, and not slower: what was recorded is forgotten after five.
        {"name": "vitrine objectives", "interval": "1m", "rules": [
            *shares, *counts,
            *(_alert(each, _burns(each, *which, plan), plan) for each, which in plan.burning()),
        ]},
        {"name": "vitrine budgets", "interval": "4m", "rules": budgets},
        {"name": "vitrine", "interval": "1m", "rules": [
            _alert(each, f"({translated(each.query)}) {each.operator} {each.limit}", plan)
            for each in plan.alerts
        ]},
    ]  # fmt: skip
    return ABOUT + yaml.dump(
        {"groups": groups}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )


def _share(objective: Objective, window: str) -> dict[str, Any]:
    return _recorded(f"ratio_rate{window}", objective, objective.share(window))


def _count(objective: Objective, window: str) -> dict[str, Any]:
    return _recorded(f"increase{window}", objective, objective.failed("increase", window))


def _budget(objective: Objective, window: str) -> dict[str, Any]:
    left = f"1 - {objective.share(window)} / {objective.allowed}"
    return _recorded("ratio", objective, left, "vitrine:budget_left")


def _recorded(
    operation: str, objective: Objective, query: str, name: str = "vitrine:failures"
) -> dict[str, Any]:
    labels = {"objective": objective.name}
    return {"record": f"{name}:{operation}", "expr": translated(query), "labels": labels}


def _burns(alert: Alert, objective: Objective, burn: Burn, plan: Plan) -> str:
    """The same as its query, from what was recorded."""
    of = f'{{objective="{objective.name}"}}'
    return (
        f"vitrine:failures:ratio_rate{burn.long}{of} > {alert.limit}\n"
        f"and vitrine:failures:ratio_rate{burn.short}{of} > {alert.limit}\n"
        f"and vitrine:failures:increase{burn.long}{of} >= {plan.least}"
    )


def _alert(alert: Alert, query: str, plan: Plan) -> dict[str, Any]:
    return {
        "alert": "Vitrine" + "".join(word.capitalize() for word in alert.name.split("-")),
        "expr": query,
        "for": alert.hold,
        "labels": {"severity": alert.severity, "service": "vitrine"},
        "annotations": {
            "summary": re.sub(r"\{([\w.]+)\}", lambda found: _text(found[1], alert), alert.summary),
            "description": alert.description,
            "runbook_url": f"{plan.links['runbook']}#{alert.section}",
            "dashboard": dashboard(alert, plan.links["signoz"]),
        },
    }


def _text(name: str, alert: Alert) -> str:
    if name == "value":
        return f"{{{{ $value | {AS_TEXT.get(alert.unit, 'humanize')} }}}}"
    return f"{{{{ $labels.{_label(name)} }}}}"


class _Dumper(yaml.SafeDumper):
    """Lists stand further in than what they belong to, queries of several lines as they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless and flow)


def _lines(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _lines)
