"""Whether the names in rules, dashboards and saved views are emitted.

Names are looked for in queries as SigNoz takes them: PromQL with dots, and what its query builder
makes. SQL is tried on tables instead. A name must be in our vocabulary, in the semantic
conventions, or in the short lists of what the Collector and SigNoz emit.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.telemetry import vocabulary as v
from app.telemetry.kit import conventions

PARTS = {"histogram": (".bucket", ".count", ".sum", ".min", ".max")}
"""SigNoz's suffixes for a metric; other names are unchanged."""
OF_COLLECTOR = {
    **dict.fromkeys(
        (f"otelcol_{kind}_{what}" for kind in ("exporter_sent", "exporter_send_failed",
         "exporter_enqueue_failed", "receiver_accepted", "receiver_refused", "receiver_failed",
         "processor_accepted", "processor_refused")
         for what in ("spans", "metric_points", "log_records")),
        "counter",
    ),
    "otelcol_exporter_queue_size": "gauge",
    "otelcol_exporter_queue_capacity": "gauge",
    "otelcol_process_cpu_seconds": "counter",
    "otelcol_process_memory_rss": "gauge",
    "otelcol_process_uptime": "counter",
    "otelcol_processor_incoming_items": "counter",
    "otelcol_processor_outgoing_items": "counter",
    "otelcol_processor_tail_sampling_global_count_traces_sampled": "counter",
    "otelcol_processor_tail_sampling_count_traces_sampled": "counter",
    "otelcol_processor_tail_sampling_new_trace_id_received": "counter",
    "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early": "counter",
    "otelcol_processor_tail_sampling_sampling_traces_on_memory": "gauge",
    "traces.span.metrics.calls": "counter",
    "traces.span.metrics.duration": "histogram",
    "ClickHouseAsyncMetrics_DiskAvailable_default": "gauge",
    "ClickHouseAsyncMetrics_DiskTotal_default": "gauge",
    "ClickHouseAsyncMetrics_MaxPartCountForPartition": "gauge",
    "ClickHouseAsyncMetrics_TotalBytesOfMergeTreeTables": "gauge",
    "ClickHouseAsyncMetrics_TotalRowsOfMergeTreeTables": "gauge",
    "ClickHouseMetrics_MemoryTracking": "gauge",
    "ClickHouseProfileEvents_DelayedInserts": "counter",
    "ClickHouseProfileEvents_FailedQuery": "counter",
    "ClickHouseProfileEvents_InsertedRows": "counter",
    "ClickHouseProfileEvents_RejectedInserts": "counter",
}  # fmt: skip
"""The Collector's own telemetry, and what it scrapes of ClickHouse."""
OF_SIGNOZ = {
    "signoz_latency": "histogram",
    "signoz_calls_total": "counter",
    "signoz_db_latency_sum": "counter",
    "signoz_db_latency_count": "counter",
    "signoz_external_call_latency_sum": "counter",
    "signoz_external_call_latency_count": "counter",
}
LABELS = {
    "le", "exporter", "receiver", "processor", "transport", "data_type", "sampled", "decision",
    "policy", "otel.signal", "span.name", "span.kind", "status.code", "operation",
    "deployment.environment",
}  # fmt: skip
"""Attributes of those metrics that no convention has."""
NAME = "__name__"
"""A metric's own, which can be compared as well."""
COLUMNS = {
    "name", "timestamp", "duration_nano", "has_error", "kind_string", "status_code_string",
    "status_message", "trace_id", "span_id", "parent_span_id", "response_status_code", "isRoot",
    "isEntryPoint", "body", "severity_text", "severity_number", "scope_name",
}  # fmt: skip
"""What SigNoz has of every span or record."""

_TEXT = r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'"
_SELECTOR = re.compile(rf"([A-Za-z_:][\w:]*)?\s*\{{((?:[^\"'}}]|{_TEXT})*)\}}")
_MATCHER = re.compile(rf"({_TEXT}|[A-Za-z_]\w*)\s*(?:(=~|!~|!=|=)\s*({_TEXT}))?")
_GROUPING = re.compile(
    rf"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(((?:[^)\"']|{_TEXT})*)\)"
)
_WORD = re.compile(r"(?<![\w.$])[A-Za-z_:][\w:]*(?!\s*\(|[\w:])")
_OPERATORS = {
    "and", "or", "unless", "offset", "bool", "inf", "nan", "group_left", "group_right",
}  # fmt: skip
_CONDITION = re.compile(
    rf"([A-Za-z_][\w.]*)\s*(?:(=|!=)\s*({_TEXT})|<=|>=|<|>|=|!=|(?:NOT\s+)?(?:I?LIKE|IN|CONTAINS|"
    r"REGEXP|BETWEEN|EXISTS)\b)",
    re.IGNORECASE,
)
_CONTEXT = re.compile(r"^(?:resource|attribute|span|log|scope)\.")


@dataclass(frozen=True)
class Named:
    """Metrics and attributes as a query names them, and the values attributes are compared with."""

    metrics: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    values: frozenset[tuple[str, str, str]] = frozenset()

    def __or__(self, other: "Named") -> "Named":
        return Named(
            self.metrics | other.metrics,
            self.attributes | other.attributes,
            self.values | other.values,
        )


def in_promql(query: str) -> Named:
    """What a query in PromQL names, with dots as in `{"a.metric.count", "an.attribute"="x"}`."""
    metrics, attributes, values = set[str](), set[str](), set[tuple[str, str, str]]()
    for name, inside in _SELECTOR.findall(query):
        metrics |= {name} - {""}
        for key, operator, value in _MATCHER.findall(inside):
            if not operator:
                metrics.add(_bare(key))
            else:
                attributes |= {_bare(key)} - {NAME}
                values.add((_bare(key), operator, _bare(value)))
    rest = _SELECTOR.sub("", query)
    for inside in _GROUPING.findall(rest):
        attributes |= {_bare(key) for key, _, _ in _MATCHER.findall(inside)}
    rest = re.sub(rf"{_TEXT}|\[[^\]]*\]", "", _GROUPING.sub("", rest))
    metrics |= {word for word in _WORD.findall(rest) if word.lower() not in _OPERATORS}
    return Named(frozenset(metrics), frozenset(attributes), frozenset(values))


def in_builder(spec: Mapping[str, Any]) -> Named:
    """What one `builder_query` of SigNoz names."""
    aggregations = spec.get("aggregations", [])
    metrics = {each["metricName"] for each in aggregations if "metricName" in each}
    named = in_filter(spec.get("filter", {}).get("expression", ""))
    attributes = {each["name"] for each in spec.get("groupBy", [])}
    attributes |= {each["name"] for each in spec.get("selectFields", [])}
    for each in aggregations:
        for inside in re.findall(r"\(([^()]*)\)", each.get("expression", "")):
            attributes |= in_filter(inside).attributes or {inside.strip()} - {""}
    return named | Named(frozenset(metrics), frozenset(attributes))


def in_filter(expression: str) -> Named:
    """What a filter of SigNoz names: `http.route = '/recommend' AND vitrine.stage EXISTS`."""
    found = _CONDITION.findall(expression)
    values = {(key, operator, _bare(text)) for key, operator, text in found if text}
    return Named(frozenset(), frozenset(key for key, _, _ in found), frozenset(values))


def in_queries(queries: Iterable[Mapping[str, Any]]) -> Named:
    """What the queries of a rule, a panel or a saved view name: `{"type": …, "spec": …}` each."""
    named = Named()
    for each in queries:
        if each["type"] == "promql":
            named |= in_promql(each["spec"]["query"])
        elif each["type"] == "builder_query":
            named |= in_builder(each["spec"])
    return named


def unknown_names(named: Named) -> list[str]:
    """A sentence for each name, or value, that is never emitted."""
    return sorted(
        [f"no metric {each}" for each in named.metrics - _metrics()]
        + [f"no attribute {each}" for each in named.attributes if not _attribute(each)]
        + [f"{each[0]} is never {each[2]}" for each in named.values if _never(*each)]
    )


def _metrics() -> frozenset[str]:
    kinds = {name: each.kind for name, each in conventions.metrics().items()}
    kinds |= (
        OF_COLLECTOR
        | OF_SIGNOZ
        | {name: each.instrument for name, each in v.VOCABULARY.metrics.items()}
    )
    return frozenset(name + part for name, kind in kinds.items() for part in PARTS.get(kind, ("",)))


def _attribute(name: str) -> bool:
    plain = _CONTEXT.sub("", name)
    known = conventions.attributes() | set(v.VOCABULARY.attributes) | LABELS | COLUMNS
    return name in known or plain in known


def _never(name: str, operator: str, value: str) -> bool:
    """Whether nothing that is declared can be what it is compared with."""
    declared = v.VOCABULARY.attributes.get(name)
    possible = declared.values if declared else tuple(_metrics()) if name == NAME else ()
    if declared and declared.kind == "boolean":
        possible = ("true", "false")
    pattern = value if operator in ("=~", "!~") else re.escape(value)
    return bool(possible) and not any(re.fullmatch(pattern, str(each)) for each in possible)


def _bare(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in ("'", '"') else text
