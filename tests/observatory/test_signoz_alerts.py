"""The SQL of the alert "Telemetry stale", over tables as SigNoz fills them."""

import json

import pytest

from app.telemetry import vocabulary as v
from observatory.store.engine import Engine
from slo.objectives import read
from tests.observatory.report_results import Reports
from tests.observatory.report_telemetry import Number, Record, Span, Telemetry

HOUR = 3600


def age(engine: Engine) -> float:
    """What SigNoz compares with the limit: the one number beside the time; seconds."""
    [alert] = [each for each in read().alerts if each.sql]
    [row] = engine.run(f"{alert.sql}\nFORMAT JSONEachRow").splitlines()
    found = json.loads(row)
    assert found.keys() == {"ts", "value"}
    return float(found["value"])


def span(ago: float) -> Span:
    return Span(name="GET", trace="1", id="1", ago=ago, seconds=0)


def record(ago: float) -> Record:
    return Record(body="served", ago=ago)


def point(ago: float) -> Number:
    return Number(name=v.RECOMMENDATIONS, ago=ago, value=1)


@pytest.mark.parametrize(
    ("telemetry", "expected"),
    [
        ([], HOUR),
        ([span(2 * HOUR), record(2 * HOUR), point(2 * HOUR)], HOUR),
        ([span(300), record(1200), point(2400)], 300),
        ([span(1200), record(300), point(2400)], 300),
        ([span(1200), record(2400), point(300)], 300),
        ([span(1200), record(-600), point(-600)], 1200),  # a sender's clock is ahead
    ],
)
def test_the_age_is_that_of_the_newest_record_of_any_signal(
    both: Engine, reports: Reports, telemetry: list[Telemetry], expected: float
) -> None:
    reports.insert(*telemetry)
    assert expected <= age(both) < expected + 600
