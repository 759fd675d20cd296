"""Names are found in queries, and those that are never emitted are noticed."""

from tests.cases import cases
from tests.signoz.emitted_names import in_builder, in_promql, in_queries, unknown_names

PROMQL = """
sum by ("http.route", le) (
    rate({"http.server.request.duration.bucket", "http.route"!~"/(livez|readyz)", le="0.25"}[5m])
) > 0.5 and on () max(otelcol_exporter_queue_size{exporter="a}b"} offset 1h) or vector(0)
"""


def test_promql_is_read() -> None:
    named = in_promql(PROMQL)
    assert named.metrics == {"http.server.request.duration.bucket", "otelcol_exporter_queue_size"}
    assert named.attributes == {"http.route", "le", "exporter"}
    assert ("exporter", "=", "a}b") in named.values
    assert unknown_names(named) == []


def test_builder_queries_are_read() -> None:
    spec = {
        "aggregations": [
            {"metricName": "vitrine.stage.duration.bucket"},
            {"expression": "countIf(has_error = true)"},
            {"expression": "p95(duration_nano)"},
            {"expression": "count()"},
        ],
        "filter": {"expression": "resource.service.name IN $service AND (vitrine.stage EXISTS)"},
        "groupBy": [{"name": "error.type"}],
    }
    formula = {"type": "builder_formula", "spec": {"name": "F1", "expression": "A / B"}}
    named = in_queries([{"type": "builder_query", "spec": spec}, formula])
    assert named == in_builder(spec)
    assert named.metrics == {"vitrine.stage.duration.bucket"}
    asked = {"has_error", "duration_nano", "resource.service.name", "vitrine.stage", "error.type"}
    assert named.attributes == asked
    assert unknown_names(named) == []


@cases(
    ("query", "wrong"),
    [
        ('{"vitrine.recommendation"}', "no metric vitrine.recommendation"),
        ('{"vitrine.stage.duration"}', "no metric vitrine.stage.duration"),
        ('{"vitrine.recommendations.count"}', "no metric vitrine.recommendations.count"),
        ('{__name__=~"otelcol_(a|b)_.+"}', "__name__ is never otelcol_(a|b)_.+"),
        ("rate(otelcol_exporter_queue[5m])", "no metric otelcol_exporter_queue"),
        ('sum by ("vitrine.stages") ({"vitrine.feedback"})', "no attribute vitrine.stages"),
        ('{"vitrine.telemetry.lost", "vitrine.signal"="spans"}', "vitrine.signal is never spans"),
        (
            '{"vitrine.recommendations", "vitrine.ranking.degraded"=~"y.*"}',
            "vitrine.ranking.degraded is never y.*",
        ),
    ],
)
def test_a_name_that_is_never_emitted_is_noticed(query: str, wrong: str) -> None:
    assert unknown_names(in_promql(query)) == [wrong]


def test_values_in_filters_are_noticed() -> None:
    named = in_builder({"filter": {"expression": "vitrine.ranking.missing = 'wikipedia'"}})
    assert unknown_names(named) == ["vitrine.ranking.missing is never wikipedia"]
