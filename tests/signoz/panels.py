"""The dashboards and saved views as they lie in their files, panel by panel."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.signoz.dashboard_validation import envelopes
from tests.signoz.provisioning import FOLDER

Body = dict[str, Any]


def bodies(kind: str) -> dict[str, Body]:
    """All files of a kind (`dashboards`), by their names without the ending."""
    paths = sorted((FOLDER / kind).glob("*.json"))
    return {path.stem: json.loads(path.read_text("utf-8")) for path in paths}


@dataclass(frozen=True)
class Panel:
    """One panel; `kind` without `signoz/` and `Panel`, `plugin` its options, `width` in columns."""

    dashboard: str
    title: str
    description: str
    kind: str
    plugin: Body
    queries: list[Body]
    links: list[Body]
    width: int

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.title}"

    @property
    def units(self) -> set[str]:
        """Of its axis or its columns; a list has none."""
        formatting = self.plugin.get("formatting", {})
        return set(formatting.get("columnUnits", {"": formatting.get("unit", "")}).values())

    @property
    def built(self) -> list[Body]:
        """The queries that SigNoz makes the SQL of."""
        return [each["spec"] for each in self.queries if each["type"] == "builder_query"]

    @property
    def sql(self) -> list[str]:
        """The queries that are SQL already."""
        return [each["spec"]["query"] for each in self.queries if each["type"] == "clickhouse_sql"]

    @property
    def promql(self) -> dict[str, str]:
        """The queries in PromQL, by legend."""
        specs = [each["spec"] for each in self.queries if each["type"] == "promql"]
        return {each["legend"]: each["query"] for each in specs}


def panels() -> list[Panel]:
    """Of all dashboards."""
    return [panel for name, body in bodies("dashboards").items() for panel in _of(name, body)]


def panel(title: str) -> Panel:
    """The one with this title."""
    [found] = [each for each in panels() if each.title == title]
    return found


def _of(name: str, body: Body) -> Iterator[Panel]:
    items = [item for each in body["spec"]["layouts"] for item in each["spec"]["items"]]
    widths = {item["content"]["$ref"].rpartition("/")[2]: item["width"] for item in items}
    for key, each in body["spec"]["panels"].items():
        spec = each["spec"]
        yield Panel(
            name,
            spec["display"]["name"],
            spec["display"]["description"],
            spec["plugin"]["kind"].removeprefix("signoz/").removesuffix("Panel"),
            spec["plugin"]["spec"],
            envelopes(spec["queries"][0]["spec"]["plugin"]),
            spec["links"],
            widths[key],
        )
