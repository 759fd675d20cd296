"""Saved views use emitted names, and the objectives' limit of slow."""

import pytest

from app.telemetry import vocabulary as v
from slo.objectives import read
from tests.signoz.emitted_names import in_filter, in_queries, unknown_names
from tests.signoz.panels import bodies

VIEWS = bodies("views")
each_view = pytest.mark.parametrize("name", VIEWS)


def sought(name: str) -> str:
    """The filter."""
    [query] = VIEWS[name]["spec"]["queries"]
    return str(query["spec"]["filter"]["expression"])


def test_all_views_are_there() -> None:
    names = ("slow-recommendations", "failed-requests", "degraded-answers", "exceptions")
    assert set(VIEWS) == {f"vitrine-{name}" for name in (*names, "served-events")}
    titles = [each["spec"]["displayName"] for each in VIEWS.values()]
    assert len(set(titles)) == len(titles)


@each_view
def test_a_view_looks_for_names_that_are_emitted(name: str) -> None:
    spec = VIEWS[name]["spec"]
    columns = [{"type": "builder_query", "spec": {"selectFields": spec["selectedFields"]}}]
    assert unknown_names(in_queries([*spec["queries"], *columns])) == []
    assert ("resource.service.name", "=", "vitrine") in in_filter(sought(name)).values


def test_slow_is_what_takes_longer_than_promised() -> None:
    [latency] = [each for each in read().objectives if each.name == "latency"]
    assert 'le="0.25"' in latency.good
    assert "duration_nano > 250000000" in sought("vitrine-slow-recommendations")


def test_served_events_are_those_that_are_emitted() -> None:
    assert f"body = '{v.SERVED}'" in sought("vitrine-served-events")
