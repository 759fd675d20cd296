"""What SigNoz v0.138.0 demands of dashboards: their outline, each panel, and the grids."""

import re
from collections.abc import Iterable, Mapping
from itertools import combinations

from tests.signoz.signoz_validation import Body, demand, dns_label, only, queries

SPEC = ("display", "variables", "panels", "layouts", "duration", "refreshInterval", "links")
PLUGINS = {
    "signoz/BuilderQuery": "builder_query",
    "signoz/PromQLQuery": "promql",
    "signoz/ClickHouseSQL": "clickhouse_sql",
}
FORMATTING = {"unit", "decimalPrecision"}
LEGEND = {"position", "mode", "customColors"}
AXES = {"softMin", "softMax", "isLogScale"}
PANELS: Mapping[str, Mapping[str, set[str]]] = {
    "signoz/TimeSeriesPanel": {
        "visualization": {"timePreference", "fillSpans"}, "formatting": FORMATTING, "axes": AXES,
        "legend": LEGEND, "thresholds": {"value", "unit", "color", "label"},
        "chartAppearance": {"lineInterpolation", "showPoints", "lineStyle", "fillMode", "spanGaps"},
    },
    "signoz/BarChartPanel": {
        "visualization": {"timePreference", "fillSpans", "stackedBarChart"}, "axes": AXES,
        "formatting": FORMATTING, "legend": LEGEND,
        "thresholds": {"value", "unit", "color", "label"},
    },
    "signoz/NumberPanel": {
        "visualization": {"timePreference"}, "formatting": FORMATTING,
        "thresholds": {"value", "operator", "unit", "color", "format"},
    },
    "signoz/TablePanel": {
        "visualization": {"timePreference"}, "formatting": {"columnUnits", "decimalPrecision"},
        "thresholds": {"value", "operator", "unit", "color", "format", "columnName"},
    },
    "signoz/ListPanel": {"selectFields": {"name", "fieldContext", "fieldDataType", "signal"}},
}  # fmt: skip
KINDS = {"signoz/ListPanel": "raw", "signoz/NumberPanel": "scalar", "signoz/TablePanel": "scalar"}


def dashboard(body: Body, _channels: Iterable[str]) -> None:
    only(body, "schemaVersion", "name", "image", "tags", "spec")
    demand(body.get("schemaVersion") == "v6", 'schemaVersion must be "v6"')
    dns_label(body["name"])
    demand(len(body.get("tags", [])) <= 10, "too many tags")
    spec = body["spec"]
    only(spec, *SPEC)
    for name in ("variables", "panels", "layouts"):
        demand(spec.get(name) is not None, f"spec.{name}: is required and must not be null")
    for each in spec["variables"]:
        asked = each["spec"]
        demand(asked.get("allowMultiple") or not asked.get("allowAllValue"), "allowAllValue alone")
    for name, each in spec["panels"].items():
        demand(re.fullmatch(r"[\w.-]{1,75}", name), f"spec.panels: invalid id {name!r}")
        _panel(f"spec.panels.{name}", each["spec"])
    placed = [item for each in spec["layouts"] for item in _grid(each["spec"], spec["panels"])]
    demand(len(placed) == len(set(placed)), "a panel is placed twice")


def _panel(where: str, spec: Body) -> None:
    only(spec, "display", "plugin", "queries", "links")
    demand(len(spec["display"]["name"]) <= 128, f"{where}: the name is too long")
    found = len(spec["queries"])
    demand(found == 1, f"{where}.spec.queries: panel must have one query, found {found}")
    kind, parts = spec["plugin"]["kind"], spec["plugin"]["spec"]
    demand(kind in PANELS, f"{where}: unknown panel plugin kind {kind!r}")
    only(parts, *PANELS[kind])
    for name, part in parts.items():
        for each in part if isinstance(part, list) else [part]:
            only(each, *PANELS[kind][name])
    asked = spec["queries"][0]
    fitting = KINDS.get(kind, "time_series")
    demand(asked["kind"] == fitting, f"{where}: {asked['kind']} does not fit")
    queries(envelopes(asked["spec"]["plugin"]))


def envelopes(plugin: Body) -> list[Body]:
    """The queries of a panel's one query."""
    if plugin["kind"] == "signoz/CompositeQuery":
        return list(plugin["spec"]["queries"])
    demand(plugin["kind"] in PLUGINS, f"unknown query plugin kind {plugin['kind']!r}")
    return [{"type": PLUGINS[plugin["kind"]], "spec": plugin["spec"]}]


def _grid(spec: Body, panels: Mapping[str, Body]) -> list[str]:
    for one, other in combinations(spec["items"], 2):
        apart = any(
            a[at] >= b[at] + b[size]
            for at, size in (("x", "width"), ("y", "height"))
            for a, b in ((one, other), (other, one))
        )
        demand(apart, "items overlap")
    for item in spec["items"]:
        demand(item["width"] > 0 and item["height"] > 0, "width and height must be at least 1")
        demand(0 <= item["x"] <= 12 - item["width"], "x + width exceeds grid width 12")
    names = [str(item["content"]["$ref"]).removeprefix("#/spec/panels/") for item in spec["items"]]
    demand(set(names) <= panels.keys(), f"no such panel among {names}")
    return names
