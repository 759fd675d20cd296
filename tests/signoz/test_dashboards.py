"""Panels have a title that fits, a question, a unit and an empty state, over emitted names."""

import json
import re
from collections import Counter
from collections.abc import Callable

import pytest

from app.telemetry import vocabulary as v
from tests.cases import cases
from tests.signoz.emitted_names import in_builder, in_queries, unknown_names
from tests.signoz.panels import Panel, bodies, panels
from tests.signoz.provisioning import FOLDER

DASHBOARDS, PANELS = bodies("dashboards"), panels()
NAMES = ("service", "pipeline", "model", "dependencies", "telemetry", "slo")
UNITS = {"1", "s", "By", "percentunit", "{count}", "{count}/s", "{req}/s", "{ops}/s"}
"""As SigNoz has them, of those that are needed."""
OF_RESOURCE = {"service.name", "service.instance.id", "deployment.environment.name"}
PARTS = re.compile(r"\.(bucket|count|sum)$")
each_dashboard = pytest.mark.parametrize("name", DASHBOARDS)


def each_panel(check: Callable[[Panel], None]) -> Callable[[], None]:
    """A test of all panels: a thousand tests of a line each take seconds to report."""

    def test() -> None:
        for panel in PANELS:
            check(panel)

    return test


def test_all_dashboards_are_there() -> None:
    assert set(DASHBOARDS) == {f"vitrine-{name}" for name in NAMES}


@cases("kind", ["channels", "dashboards", "views"])
def test_files_are_written_in_one_way_and_named_like_what_is_in_them(kind: str) -> None:
    for name, body in bodies(kind).items():
        text = (FOLDER / kind / f"{name}.json").read_text("utf-8")
        assert text == json.dumps(body, indent=2, ensure_ascii=False) + "\n"
        assert body["name"] == name


def test_titles_are_unique() -> None:
    times = Counter(each.title for each in PANELS)
    assert [title for title, count in times.items() if count > 1] == []


@each_panel
def test_a_title_fits_its_panel(panel: Panel) -> None:
    """SigNoz cuts it: at 1,600 px a third of the row holds some 45 characters."""
    assert len(panel.title) <= 11 * panel.width
    assert not panel.title.endswith(("?", "."))


@each_panel
def test_a_description_asks_a_question_and_explains_the_empty_state(panel: Panel) -> None:
    assert "?" in panel.description
    assert "No data: " in panel.description


@each_panel
def test_a_panel_has_a_unit_and_a_link_to_the_runbook(panel: Panel) -> None:
    assert panel.kind == "List" or panel.units <= UNITS, panel.units
    assert any("${SIGNOZ_RUNBOOK_URL}" in each["url"] for each in panel.links)


@each_panel
def test_a_panel_asks_for_names_that_are_emitted(panel: Panel) -> None:
    assert unknown_names(in_queries(panel.queries)) == []


@each_panel
def test_attributes_are_those_of_the_metric(panel: Panel) -> None:
    for spec in panel.built:
        for metric in (
            v.VOCABULARY.metrics.get(PARTS.sub("", name)) for name in in_builder(spec).metrics
        ):
            known = {*metric.attributes, *OF_RESOURCE, "le"} if metric else set()
            assert not metric or in_builder(spec).attributes <= known


@each_panel
def test_buckets_that_are_asked_for_are_there(panel: Panel) -> None:
    for spec in panel.built:
        for le in re.findall(r"le = '([^']+)'", spec.get("filter", {}).get("expression", "")):
            [metric] = [each["metricName"] for each in spec["aggregations"]]
            assert float(le) in v.VOCABULARY.metrics[metric.removesuffix(".bucket")].bounds


@each_panel
def test_single_numbers_say_how_a_time_becomes_one(panel: Panel) -> None:
    for spec in panel.built if panel.kind in ("Number", "Table") else []:
        assert all(each["reduceTo"] in ("sum", "avg", "last") for each in spec["aggregations"])


@each_panel
def test_sql_leaves_the_database_system_alone(panel: Panel) -> None:
    """SigNoz is to refuse it."""
    assert not any(re.search(r"\bsystem\.", each) for each in panel.sql)


@each_panel
def test_units_of_columns_are_of_columns(panel: Panel) -> None:
    for name in panel.plugin.get("formatting", {}).get("columnUnits", {}):
        assert re.search(rf"\b(?:AS )?{name}\b", panel.sql[0].rpartition("SELECT")[2])


@each_panel
def test_the_worst_threshold_is_first(panel: Panel) -> None:
    """The first that matches wins."""
    below = [e["value"] for e in panel.plugin.get("thresholds", []) if e.get("operator") == "below"]
    above = [e["value"] for e in panel.plugin.get("thresholds", []) if e.get("operator") == "above"]
    assert below == sorted(below)
    assert above == sorted(above, reverse=True)


@each_panel
def test_lines_are_distinguished(panel: Panel) -> None:
    """By every attribute they are grouped by, and where there are several queries by words."""
    shown = [each["spec"] for each in panel.queries if not each["spec"].get("disabled")]
    for spec in shown:
        answered = spec.get("legend", "")
        missing = [
            by["name"] for by in spec.get("groupBy", []) if f"{{{{{by['name']}}}}}" not in answered
        ]
        assert missing == []
    legends = [each.get("legend", "") for each in shown]
    assert len(legends) == 1 or ("" not in legends and len({*legends}) == len(legends))


@each_panel
def test_shares_are_of_something(panel: Panel) -> None:
    """The queries of a formula are hidden, and have the same filters."""
    formulas = [each["spec"] for each in panel.queries if each["type"] == "builder_formula"]
    if not formulas:
        return
    inputs = {name for each in formulas for name in re.findall(r"[A-E]", each["expression"])}
    assert {each["name"] for each in panel.built if each.get("disabled")} == inputs
    bases = {each["filter"]["expression"].rpartition("service.name")[2] for each in panel.built}
    assert len(bases) == 1


@each_dashboard
def test_every_panel_is_placed_and_rows_are_full(name: str) -> None:
    spec = DASHBOARDS[name]["spec"]
    items = [item for each in spec["layouts"] for item in each["spec"]["items"]]
    placed = {item["content"]["$ref"].removeprefix("#/spec/panels/") for item in items}
    assert placed == spec["panels"].keys()
    assert all(each["spec"]["display"]["title"] for each in spec["layouts"])
    for each in spec["layouts"]:
        cells = sum(item["width"] * item["height"] for item in each["spec"]["items"])
        lowest = max((item["y"] + item["height"] for item in each["spec"]["items"]), default=0)
        assert cells == 12 * lowest, each["spec"]["display"]["title"]


@each_dashboard
def test_variables_that_are_used_are_declared_and_the_other_way_round(name: str) -> None:
    declared = {each["spec"]["name"] for each in DASHBOARDS[name]["spec"]["variables"]}
    filters = [
        spec.get("filter", {}).get("expression", "")
        for each in PANELS
        if each.dashboard == name
        for spec in each.built
    ]
    assert set(re.findall(r"\$(\w+)", " ".join(filters))) == declared
    assert all(set(re.findall(r"\$(\w+)", each)) & declared for each in filters)


def test_the_service_is_vitrine_by_default() -> None:
    [service, environment] = DASHBOARDS["vitrine-service"]["spec"]["variables"]
    assert service["spec"]["defaultValue"] == ["vitrine"]
    assert environment["spec"]["allowAllValue"] is True
