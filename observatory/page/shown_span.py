"""Events and links of a span, from the columns that a row has for them."""

from typing import Any


def events(row: dict[str, Any], start: int) -> list[dict[str, Any]]:
    """What happened in it; offsets are from `start`."""
    columns = (row["event_times"], row["event_names"], row["event_attributes"])
    return [
        {"name": name, "offset": time - start, "attributes": attributes}
        for time, name, attributes in zip(*columns, strict=True)
    ]


def links(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Which others it is about."""
    columns = (row["link_traces"], row["link_spans"], row["link_attributes"])
    return [
        {"trace_id": trace_id, "span_id": span_id, "attributes": attributes}
        for trace_id, span_id, attributes in zip(*columns, strict=True)
    ]
