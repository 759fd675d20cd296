"""Telemetry of a service whose model drifts, with a challenger in the shadow."""

from time import time_ns
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.observatory.messages import attributes, request
from tests.observatory.otlp_client import Endpoints, http
from tests.observatory.registry_service import NEW, OLD
from tests.observatory.stored_telemetry import ERROR, MINUTE, Part, record, trace_id

DRIFTED = ("similarity", "category")
REQUEST = 9
"""Number of the trace of the request that was compared."""


def model(version: str = OLD, name: str = "pairwise", **more: Any) -> dict[str, Any]:
    """Attributes; others with `__` for a dot."""
    rest = {f"vitrine.{key.replace('__', '.')}": value for key, value in more.items()}
    return {"vitrine.model.name": name, "vitrine.model.version": version, **rest}


def gauge(name: str, at: int, values: dict[float, dict[str, Any]]) -> Metric:
    points = [
        NumberDataPoint(time_unix_nano=at, as_double=value, attributes=attributes(has))
        for value, has in values.items()
    ]
    return Metric(name=name, gauge=Gauge(data_points=points))


def metrics(now: int) -> list[Metric]:
    """One instance; two features beyond their thresholds, one below."""
    indices = {0.6: "similarity", 0.12: "category", 0.2: "relevance"}
    of_features = {psi: model(drift__feature=each) for psi, each in indices.items()}
    liked = {0.153: "estimate", 0.148: "low", 0.158: "high"}
    of_users = {value: model(online__statistic=each) for value, each in liked.items()}
    return [
        gauge("vitrine.online.quality", now - MINUTE, of_users),
        gauge("vitrine.instance.info", now - MINUTE, {1.0: model(embedder__version="static 1")}),
        gauge("vitrine.drift.psi", now - 2 * MINUTE, {0.01: of_features[0.6]}),
        gauge("vitrine.drift.psi", now - MINUTE, of_features),
    ]


def answers(now: int) -> list[LogRecord]:
    """Three answers of one version, one of them withheld, and one of the built-in model."""
    found = []
    for number, answered in enumerate((True, True, False)):
        has = model(relevance__answered=answered, relevance__probability=0.9 if answered else 0.3)
        found.append((number, has | {"vitrine.ranking.degraded": False}))
    found.append((3, model("2", "fusion", ranking__degraded=True)))
    return [
        LogRecord(
            time_unix_nano=now - MINUTE - number * 10**9,
            event_name="recommendation.served",
            attributes=attributes(has),
        )
        for number, has in found
    ]


def refusal(now: int) -> LogRecord:
    return record(f"model version {NEW} is refused: ranker.json: too new", now - 3 * MINUTE)


def traces(now: int) -> list[tuple[int, int, Part]]:
    """Number, start and span of each trace."""
    link = Span.Link(trace_id=bytes.fromhex(trace_id(REQUEST)), span_id=b"8" * 8)
    compared = model(shadow__version=NEW, shadow__overlap=0.4, shadow__concordance=0.6,
                     shadow__score_shift=0.1)  # fmt: skip
    failed = model(shadow__version=NEW) | {"error.type": "FloatingPointError"}
    began = Span.Event(name="drift_started", time_unix_nano=now - MINUTE)
    evaluated = model(drift__drifting=True, drift__drifted=list(DRIFTED), drift__requests=500,
                      drift__distinct_queries=420, drift__centroid_distance=0.3)  # fmt: skip
    alike = {"vitrine.encoder.name": "student-of-tiny", "vitrine.encoder.version": "53aa",
             "vitrine.student.cosine": 0.85, "vitrine.student.overlap": 0.7}  # fmt: skip
    gate = {"vitrine.gate.passed": False, "vitrine.gate.failed": ["champion"]}
    changed = model(model__replaced="fusion", model__forced=False)
    return [
        (1, now - 5 * MINUTE, Part(1, name="apply gate", has=gate)),
        (2, now - 4 * MINUTE, Part(1, name="promote model", has=changed)),
        (3, now - MINUTE, Part(1, name="evaluate drift", has=evaluated, more={"events": [began]})),
        (4, now - MINUTE, Part(1, name="compare shadow model", has=compared,
                               more={"links": [link]})),
        (5, now - MINUTE, Part(1, name="compare shadow model", has=failed, status=ERROR)),
        (6, now - MINUTE, Part(1, name="compare student encoder", has=alike)),
        (7, now - 6 * MINUTE, Part(1, name="register model", has=changed)),
    ]  # fmt: skip


def send(endpoints: Endpoints, service: str) -> None:
    """Send everything, up to now, over OTLP."""
    now, resource = time_ns(), {"service.name": service, "service.instance.id": "one"}
    first = 0xB0
    spans = [part.span(first + number, begin) for number, begin, part in traces(now)]
    http(endpoints, "traces", request("traces", spans, resource))
    http(endpoints, "logs", request("logs", [*answers(now), refusal(now)], resource))
    http(endpoints, "metrics", request("metrics", metrics(now), resource))
