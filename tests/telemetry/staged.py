"""Stages that are watched, and what was told of them."""

import itertools
from typing import Any

from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk.resources import Resource

from app.recommend.types import Query, Term
from app.telemetry import vocabulary as v
from app.telemetry.measures import Measures
from app.telemetry.naming import Metric
from app.telemetry.privacy import Hasher
from app.telemetry.stages import TelemetryStages
from app.telemetry.tallies import Tallies
from tests.telemetry.side_by_side import Traced, of_ours

QUERY = Query("stale bread", (Term("stale", "stale"), Term("bread", "bread")), unknown=1)


class Watch:
    """A second passes each time the clock is looked at."""

    def __init__(self, *, plain: bool = False) -> None:
        self.traced: Traced = of_ours(scope=v.SCOPE, plain=plain)
        self.tallies = Tallies(Resource({}))
        self.measures = Measures(NoOpMeter("here"), self.tallies)
        seconds = itertools.count(1)
        self.stages = TelemetryStages(
            self.traced.tracer, self.measures, Hasher(b"key"), plain=plain,
            clock=lambda: next(seconds) * 10**9, timer=lambda: next(seconds) * 10**9,
        )  # fmt: skip

    def counted(self, name: Metric) -> dict[frozenset[Any], int]:
        """How often something was measured, by attributes."""
        metric: Any = self.tallies(name).metric()
        points = metric.data.data_points if metric else []
        return {
            frozenset(each.attributes.items()): getattr(each, "count", None) or each.value
            for each in points
        }
