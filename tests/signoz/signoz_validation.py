"""What SigNoz v0.138.0 demands of what it is sent, as far as it was seen to refuse it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Body = dict[str, Any]
QUERIES = {
    "builder_query": {
        "name", "stepInterval", "signal", "source", "aggregations", "disabled", "filter", "groupBy",
        "order", "selectFields", "limit", "offset", "having", "secondaryAggregations", "functions",
        "legend",
    },
    "builder_formula": {
        "name", "expression", "disabled", "order", "limit", "having", "functions", "legend",
    },
    "promql": {"name", "query", "disabled", "step", "stats", "legend"},
    "clickhouse_sql": {"name", "query", "disabled", "legend"},
}  # fmt: skip
METRIC = {"metricName", "timeAggregation", "spaceAggregation", "temporality", "reduceTo"}
SPACE = {"", "sum", "avg", "min", "max", "count", "p50", "p75", "p90", "p95", "p99"}


class Unfit(Exception):
    """Refused, with this status and these words."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.status = message, status


def demand(condition: object, message: str) -> None:
    if not condition:
        raise Unfit(message)


def only(body: Mapping[str, Any], *known: str) -> None:
    for name in body.keys() - set(known):
        raise Unfit(f'json: unknown field "{name}"')


def required(body: Mapping[str, Any], *names: str, where: str = "") -> None:
    for name in names:
        demand(body.get(name), f"{where}{name}: is required")


def queries(each: Iterable[Body]) -> None:
    """Envelopes: `{"type": …, "spec": …}`."""
    demand(each, "at least one query is required")
    for query in each:
        kind, spec = query["type"], query["spec"]
        demand(kind in QUERIES, f"unknown query type {kind!r}")
        only(spec, *QUERIES[kind])
        required(spec, "name")
        if kind in ("promql", "clickhouse_sql"):
            required(spec, "query")
        for aggregation in spec.get("aggregations", []) if spec.get("signal") == "metrics" else []:
            only(aggregation, *METRIC)
            required(aggregation, "metricName")
            space = aggregation.get("spaceAggregation", "")
            demand(space in SPACE, f"invalid space aggregation {space!r}")


def channel(body: Body, _channels: Iterable[str]) -> None:
    required(body, "name")
    hooks = [each for key in body if key.endswith("_configs") for each in body[key]]
    demand(hooks, "channel must have at least one config")
    for hook in hooks:
        if not re.match(r"https?://[^/]", str(hook.get("url"))):
            raise Unfit(f"unsupported scheme for URL {hook.get('url')}", 500)


def rule(body: Body, channels: Iterable[str]) -> None:
    """Unknown fields around queries are ignored, whatever they are."""
    required(body, "alert", "alertType", "ruleType", "version", "schemaVersion", "condition")
    required(body, "evaluation", "notificationSettings")
    demand(body["ruleType"] in ("threshold_rule", "promql_rule"), "error loading rules")
    demand(body["version"] == "v5", "only version v5 is supported")
    asked = body["condition"]["compositeQuery"]
    required(asked, "queryType", "panelType", "queries")
    queries(asked["queries"])
    names = {each["spec"]["name"] for each in asked["queries"]}
    demand(body["condition"].get("selectedQueryName") in names, "the selected query is not there")
    thresholds = body["condition"].get("thresholds", {}).get("spec")
    demand(thresholds, "condition.thresholds: is required")
    for each in thresholds:
        required(each, "name", "op", "matchType", "channels", where="condition.thresholds.")
        demand("target" in each, "condition.thresholds.target: is required")
        for name in each["channels"]:
            demand(name in channels, f"channel {name} does not exist")
    for name in body.get("labels", {}).keys() | body.get("annotations", {}).keys():
        demand(re.fullmatch(r"[A-Za-z_][\w.]*", name), f"invalid label or annotation name: {name}")
    renotify = body["notificationSettings"].get("renotify", {})
    demand(not renotify.get("enabled") or renotify.get("interval"), "renotify needs an interval")


def view(body: Body, _channels: Iterable[str]) -> None:
    only(body, "source", "schemaVersion", "name", "spec")
    demand(body.get("source") in ("traces", "logs", "metrics", "meter"), "invalid source")
    demand(body.get("schemaVersion") == "v2", 'schemaVersion must be "v2"')
    dns_label(body["name"])
    spec = body["spec"]
    only(spec, "displayName", "panelType", "requestType", "queries", "selectedFields", "display")
    required(spec, "displayName", "requestType", where="spec.")
    panel_types = ("value", "graph", "table", "list", "trace")
    demand(spec.get("panelType") in panel_types, f"invalid panel type: {spec.get('panelType')}")
    queries(spec["queries"])


def dns_label(name: str) -> None:
    demand(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name), f"{name!r} is no DNS label")
