"""One trace: its spans in the order of their tree, the critical path, its log records."""

from collections.abc import Sequence
from typing import Any

from observatory.traces.critical_path import critical_path, self_times
from observatory.traces.tree import Node, Span, Tree, build_tree, children_of
from observatory.ui.queries import Queries, Rows
from observatory.ui.trace_rows import MAX_LOGS, MAX_SPANS, TraceRows


def whole_trace(queries: Queries, trace_id: str) -> dict[str, Any]:
    """Spans, critical path and log records of a trace; cut if there are too many."""
    stored = TraceRows.of(queries, trace_id)
    found, logs = stored.spans(), stored.logs()
    rows = _deduplicated(found[:MAX_SPANS])
    resources: dict[tuple[tuple[str, str], ...], int] = {}
    numbers = [resources.setdefault(tuple(row["resource"].items()), len(resources)) for row in rows]
    tree = build_tree([_span(row) for row in rows])
    start = min(node.start for node in tree)
    skews = {node.span.span_id: node.skew for node in reversed(tree)}
    return {
        "trace_id": stored.trace_id,
        "time": str(start),
        "duration": max(node.end for node in tree) - start,
        "services": sorted({row["service"] for row in rows}),
        "resources": [dict(each) for each in resources],
        **_shape(rows, numbers, tree, start),
        "logs": [_log(row, start, skews) for row in logs[:MAX_LOGS]],
        "total_spans": stored.count() if len(found) > MAX_SPANS else len(rows),
        "truncated": len(found) > MAX_SPANS,
        "logs_truncated": len(logs) > MAX_LOGS,
    }


def _deduplicated(rows: Rows) -> Rows:
    """Rows without duplicates, which senders cause when they retry."""
    fields = ("span_id", "parent_id", "start", "duration", "service", "name", "kind", "status")
    return list({tuple(row[name] for name in fields): row for row in reversed(rows)}.values())[::-1]


def _span(row: dict[str, Any]) -> Span:
    # Processes on one host share a clock.
    clock = row["resource"].get("host.name") or row["service"]
    return Span(row["span_id"], row["parent_id"], row["start"], row["duration"], clock)


def _shape(rows: Rows, resources: Sequence[int], tree: Tree, start: int) -> dict[str, Any]:
    """The spans and the critical path; `resources`: their numbers, offsets are from `start`."""
    path, children = critical_path(tree), children_of(tree)
    own: list[list[list[int]]] = [[] for _ in tree]
    for each in path:
        own[each.node].append([each.start - start, each.length])
    spans = [
        {
            **_shown(rows[node.given], node, start),
            "resource": resources[node.given],
            "self": self_time,
            "critical": pieces,
            "children": len(below),
        }
        for node, self_time, pieces, below in zip(
            tree, self_times(tree), own, children, strict=True
        )
    ]
    return {
        "spans": spans,
        "critical_path": [
            {
                "span_id": tree[each.node].span.span_id,
                "offset": each.start - start,
                "length": each.length,
            }
            for each in path
        ],
    }


def _shown(row: dict[str, Any], node: Node, start: int) -> dict[str, Any]:
    return {
        "span_id": row["span_id"],
        "parent_id": row["parent_id"] or None,
        **{name: row[name] for name in ("service", "name", "kind", "status", "status_message")},
        "offset": node.start - start,
        "duration": row["duration"],
        "depth": node.depth,
        "orphan": node.orphan,
        "skew": node.skew,
        "attributes": row["attributes"],
        "events": events(row, start - node.skew),
        "links": links(row),
        "scope": row["scope"],
    }


def _log(row: dict[str, Any], start: int, skews: dict[str, int]) -> dict[str, Any]:
    skew = skews.get(row["span_id"], 0)  # the same clock as the span
    return {**row, "time": str(row["time"]), "offset": row["time"] - start + skew}


def events(row: dict[str, Any], start: int) -> list[dict[str, Any]]:
    """Events of a span; offsets are from `start`."""
    columns = (row["event_times"], row["event_names"], row["event_attributes"])
    return [
        {"name": name, "offset": time - start, "attributes": attributes}
        for time, name, attributes in zip(*columns, strict=True)
    ]


def links(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Links of a span."""
    columns = (row["link_traces"], row["link_spans"], row["link_attributes"])
    return [
        {"trace_id": trace_id, "span_id": span_id, "attributes": attributes}
        for trace_id, span_id, attributes in zip(*columns, strict=True)
    ]
